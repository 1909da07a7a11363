/** A crystal: exact conversion between nanoseconds of virtual time and whole periods of a frequency. */
const NANOSECONDS = 1e9;

export class Oscillator {
  constructor(readonly hertz: number) {}

  /** Whole periods elapsed at this time. Split at the second so that every product stays exact. */
  ticks(nanoseconds: number): number {
    const seconds = Math.floor(nanoseconds / NANOSECONDS);
    return seconds * this.hertz + Math.floor(((nanoseconds - seconds * NANOSECONDS) * this.hertz) / NANOSECONDS);
  }

  /** The first nanosecond at which `ticks` whole periods have elapsed. */
  nanoseconds(ticks: number): number {
    const seconds = Math.floor(ticks / this.hertz);
    return seconds * NANOSECONDS + Math.ceil(((ticks - seconds * this.hertz) * NANOSECONDS) / this.hertz);
  }
}
