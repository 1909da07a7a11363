import type { Device } from '../memory/bus.js';
import type { Clock } from '../machine/clock.js';

/** Port 61h: the speaker's two bits, OUT of timer channel 2 and the refresh toggle. Intel 82371SB (PIIX3) data sheet, "NMI Status and Control Register". */

const TIMER_GATE = 0x01, WRITABLE = 0x0f, REFRESH_TOGGLE = 0x10, TIMER_OUT = 0x20;

/** DRAM is refreshed every 15.085 µs, and each refresh turns the bit. */
const REFRESH_NANOSECONDS = 15085;

export interface TimerChannel2 {
  setGate2(high: boolean): void;
  readonly out2: boolean;
}

export class NmiStatusControl implements Device {
  readonly name = 'NMI status and control (port 61h)';
  private control = 0;

  constructor(private readonly clock: Clock, private readonly timer: TimerChannel2) {}

  read(): number {
    const refresh = Math.floor(this.clock.now() / REFRESH_NANOSECONDS) % 2 === 1;
    return this.control | (refresh ? REFRESH_TOGGLE : 0) | (this.timer.out2 ? TIMER_OUT : 0);
  }

  write(_offset: number, _bytes: number, value: number): void {
    this.control = value & WRITABLE;
    this.timer.setGate2((value & TIMER_GATE) !== 0);
  }

  reset(): void {
    this.control = 0;
    this.timer.setGate2(false);
  }

  save(): { control: number } {
    return { control: this.control };
  }

  restore(state: unknown): void {
    this.control = (state as { control: number }).control;
  }
}
