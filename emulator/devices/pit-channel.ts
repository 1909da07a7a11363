/** One counter of an 8254. Nothing runs: the count and OUT at any CLK pulse follow from when counting began. Intel 82C54 data sheet, "Mode Definitions". */

const STATUS_OUT = 0x80, STATUS_NULL_COUNT = 0x40;
const ACCESS_LSB = 1, ACCESS_MSB = 2, ACCESS_BOTH = 3;

const initial = () => ({
  /** As written, bits 5–0: access, mode, BCD. */
  controlWord: 0x36,
  gate: true,
  /** The count in the counting element, 1 to 65,536; 0 while none has been loaded. */
  count: 0,
  /** The CLK pulse at which the element held `count`. */
  loadedAt: 0,
  /** While GATE or half a count stops the counting: how many pulses had been counted. */
  stoppedAfter: null as number | null,
  /** A count that waits in the count register. */
  pending: null as number | null,
  /** The CLK pulse that moves it into the counting element; null: a trigger must come first. */
  pendingAt: null as number | null,
  nullCount: true,
  /** The least significant byte of a two-byte count that is half written. */
  writtenLsb: null as number | null,
  readMsbNext: false,
  latchedCount: null as number | null,
  latchedStatus: null as number | null,
});

export type PitChannelState = ReturnType<typeof initial>;

export class PitChannel {
  private state = initial();

  reset(gate: boolean): void {
    this.state = { ...initial(), gate };
  }

  control(value: number, tick: number): void {
    if (((value >> 4) & 3) === 0) this.latchCount(tick);
    else this.state = { ...initial(), controlWord: value & 0x3f, gate: this.state.gate };
  }

  write(value: number, tick: number): void {
    this.settle(tick);
    const s = this.state;
    switch (this.access) {
      case ACCESS_LSB:
        return this.countWritten(value, tick);
      case ACCESS_MSB:
        return this.countWritten(value << 8, tick);
      case ACCESS_BOTH:
        if (s.writtenLsb !== null) {
          const low = s.writtenLsb;
          s.writtenLsb = null;
          return this.countWritten(low | (value << 8), tick);
        }
        s.writtenLsb = value;
        // Mode 0: "Writing the first byte disables counting. OUT is set low immediately."
        if (this.mode === 0) this.restartMode0(tick);
    }
  }

  read(tick: number): number {
    this.settle(tick);
    const s = this.state;
    if (s.latchedStatus !== null) {
      const status = s.latchedStatus;
      s.latchedStatus = null;
      return status;
    }
    const value = s.latchedCount ?? this.visibleCount(tick);
    if (this.access === ACCESS_BOTH) {
      s.readMsbNext = !s.readMsbNext;
      if (s.readMsbNext) return value & 0xff;
    }
    s.latchedCount = null;
    return this.access === ACCESS_LSB ? value & 0xff : value >> 8;
  }

  /** "If a Counter is latched and then, some time later, latched again before the count is read, the second Counter Latch Command is ignored." */
  latchCount(tick: number): void {
    this.settle(tick);
    this.state.latchedCount ??= this.visibleCount(tick);
  }

  latchStatus(tick: number): void {
    this.settle(tick);
    const s = this.state;
    s.latchedStatus ??= (this.out(tick) ? STATUS_OUT : 0) | (s.nullCount ? STATUS_NULL_COUNT : 0) | s.controlWord;
  }

  setGate(high: boolean, tick: number): void {
    this.settle(tick);
    const s = this.state;
    if (high === s.gate) return;
    s.gate = high;
    switch (this.mode) {
      case 0:
      case 4:
        if (s.writtenLsb !== null && this.mode === 0) return;
        if (high) this.resume(tick);
        else this.stop(tick);
        return;
      case 1:
      case 5:
        if (high) this.trigger(tick);
        return;
      default:
        if (high) this.trigger(tick);
        else this.stop(tick);
    }
  }

  out(tick: number): boolean {
    this.settle(tick);
    const s = this.state;
    if (s.count === 0) return this.mode !== 0;
    const elapsed = this.elapsed(tick);
    const stopped = s.stoppedAfter !== null;
    switch (this.mode) {
      case 0:
      case 1:
        return elapsed >= s.count;
      case 2:
        return stopped || elapsed % s.count !== s.count - 1;
      case 3:
        return stopped || elapsed % s.count < this.highHalf;
      default:
        return elapsed !== s.count;
    }
  }

  /** The next CLK pulse at which OUT may change by itself. */
  nextEdge(tick: number): number {
    this.settle(tick);
    const s = this.state;
    const load = s.pendingAt ?? Infinity;
    if (s.count === 0 || s.stoppedAfter !== null) return load;
    const elapsed = this.elapsed(tick);
    const periodStart = tick - (elapsed % s.count);
    const later = (...ticks: number[]) => Math.min(load, ...ticks.filter((t) => t > tick));
    switch (this.mode) {
      case 2:
        return later(periodStart + s.count - 1, periodStart + s.count);
      case 3:
        return later(periodStart + this.highHalf, periodStart + s.count);
      case 0:
      case 1:
        return later(s.loadedAt + s.count);
      default:
        return later(s.loadedAt + s.count, s.loadedAt + s.count + 1);
    }
  }

  /** The same for equal machines, however often they were looked at. */
  save(tick: number): PitChannelState {
    this.settle(tick);
    return { ...this.state };
  }

  restore(state: PitChannelState): void {
    this.state = { ...state };
  }

  private get access(): number {
    return (this.state.controlWord >> 4) & 3;
  }

  /** Modes 2 and 3 are also selected by X10 and X11. */
  private get mode(): number {
    const mode = (this.state.controlWord >> 1) & 7;
    return mode > 5 ? mode - 4 : mode;
  }

  private get modulus(): number {
    return (this.state.controlWord & 1) !== 0 ? 10000 : 0x10000;
  }

  /** Mode 3: "OUT will be high for (N + 1)/2 counts and low for (N – 1)/2 counts" when N is odd. */
  private get highHalf(): number {
    return (this.state.count + 1) >> 1;
  }

  private countWritten(raw: number, tick: number): void {
    const s = this.state;
    const written = (s.controlWord & 1) !== 0 ? fromBcd(raw) : raw;
    s.pending = written % this.modulus || this.modulus;
    s.nullCount = true;
    const { mode } = this;
    if (mode === 1 || mode === 5) return;
    if (mode === 0 || mode === 4) {
      if (mode === 0) this.restartMode0(tick);
      s.pendingAt = tick + 1;
    } else if (s.count === 0) {
      s.pendingAt = s.gate ? tick + 1 : null;
    } else if (s.stoppedAfter === null) {
      s.pendingAt = s.pendingAt ?? this.endOfCycle(tick);
    }
  }

  private restartMode0(tick: number): void {
    const s = this.state;
    if (s.count === 0) return;
    s.stoppedAfter = Math.min(this.elapsed(tick), s.count - 1);
  }

  /** Mode 2 takes a new count at the end of the period, mode 3 at the end of the half period. */
  private endOfCycle(tick: number): number {
    const s = this.state;
    const inPeriod = this.elapsed(tick) % s.count;
    if (this.mode === 3 && inPeriod < this.highHalf) return tick + this.highHalf - inPeriod;
    return tick + s.count - inPeriod;
  }

  /** A rising edge of GATE: the next CLK pulse loads the counter. */
  private trigger(tick: number): void {
    const s = this.state;
    s.pending ??= s.count === 0 ? null : s.count;
    s.pendingAt = s.pending === null ? null : tick + 1;
  }

  private stop(tick: number): void {
    const s = this.state;
    s.stoppedAfter ??= s.count === 0 ? null : this.elapsed(tick);
    if (this.mode === 2 || this.mode === 3) s.pendingAt = null;
  }

  private resume(tick: number): void {
    const s = this.state;
    if (s.stoppedAfter !== null) s.loadedAt = tick - s.stoppedAfter;
    s.stoppedAfter = null;
  }

  private elapsed(tick: number): number {
    const s = this.state;
    return s.stoppedAfter ?? tick - s.loadedAt;
  }

  /** Lets a waiting count reach the counting element when its CLK pulse has come. */
  private settle(tick: number): void {
    const s = this.state;
    if (s.pendingAt === null || s.pending === null || tick < s.pendingAt) return;
    const inLowHalf = this.mode === 3 && s.count > 0 && s.stoppedAfter === null && this.fellAt(s.pendingAt);
    s.count = s.pending;
    s.loadedAt = inLowHalf ? s.pendingAt - this.highHalf : s.pendingAt;
    s.stoppedAfter = !s.gate && (this.mode === 0 || this.mode === 4) ? 0 : null;
    s.pending = null;
    s.pendingAt = null;
    s.nullCount = false;
  }

  /** Mode 3: whether this CLK pulse, the end of a half period, begins the low one. */
  private fellAt(tick: number): boolean {
    const s = this.state;
    return (tick - s.loadedAt) % s.count === this.highHalf;
  }

  /** The counting element as a program reads it. */
  private visibleCount(tick: number): number {
    const s = this.state;
    if (s.count === 0) return 0;
    const { mode, modulus } = this;
    const elapsed = this.elapsed(tick);
    let value: number;
    if (mode === 2) value = s.count - (elapsed % s.count);
    else if (mode === 3) value = this.squareWaveCount(elapsed % s.count);
    else value = modulo(s.count - elapsed, modulus);
    value %= modulus;
    return (s.controlWord & 1) !== 0 ? toBcd(value) : value;
  }

  /** Mode 3 counts by two, from N in each half, or from N – 1 when N is odd. */
  private squareWaveCount(inPeriod: number): number {
    const even = this.state.count & ~1;
    const inHalf = inPeriod < this.highHalf ? inPeriod : inPeriod - this.highHalf;
    return even - 2 * inHalf;
  }
}

const modulo = (value: number, modulus: number) => ((value % modulus) + modulus) % modulus;

const fromBcd = (raw: number) => [12, 8, 4, 0].reduce((value, shift) => value * 10 + ((raw >> shift) & 15), 0);

const toBcd = (value: number) =>
  [1000, 100, 10, 1].reduce((raw, weight) => (raw << 4) | (Math.floor(value / weight) % 10), 0);
