import type { Clock, TimerEvent } from '../machine/clock.js';
import type { AccessBytes, Device } from '../memory/bus.js';
import { Oscillator } from './oscillator.js';

/** Fixed hardware of ACPI: PM1 status, enable and control, and the power-management timer. ACPI Specification, "ACPI Hardware Specification". */

const PM_TIMER_HERTZ = 3_579_545;
/** The timer has 32 bits; its status bit is set when the highest changes. */
const HALF_PERIOD = 2 ** 31;

/** Offsets of the dwords: status and enable share the first. */
const EVENTS = 0, CONTROL = 4, TIMER = 8;
const TIMER_STATUS = 1, GLOBAL_STATUS = 1 << 5, POWER_BUTTON = 1 << 8, SLEEP_BUTTON = 1 << 9, RTC_STATUS = 1 << 10, WAKE_STATUS = 1 << 15;
const STATUS_BITS = TIMER_STATUS | GLOBAL_STATUS | POWER_BUTTON | SLEEP_BUTTON | RTC_STATUS | WAKE_STATUS, ENABLE_BITS = STATUS_BITS & ~WAKE_STATUS;
/** ACPI mode is always on: nothing else would want the events. */
const SCI_ENABLED = 1, CONTROL_BITS = 0x1c07;
const SLEEP_TYPE = 0x1c00, SLEEP_ENABLE = 0x2000;

const initial = () => ({
  status: 0,
  enable: 0,
  control: SCI_ENABLED,
  /** Half periods of the timer that the status takes account of. */
  halves: 0,
});

export type PowerManagementState = ReturnType<typeof initial>;

export interface PowerManagementOutputs {
  readonly interrupt: (raised: boolean) => void;
  /** Sleep type 0, which the tables name for S5. */
  readonly powerOff: () => void;
}

export class AcpiPowerManagement implements Device {
  readonly name = 'ACPI power management';
  readonly portBytes = 4;
  private state = initial();
  private readonly oscillator = new Oscillator(PM_TIMER_HERTZ);
  private readonly carry: TimerEvent = { name: 'PM timer carry', fire: () => { this.settle(); } };

  constructor(private readonly clock: Clock, private readonly outputs: PowerManagementOutputs) {
    clock.register(this.carry);
  }

  read(offset: number, bytes: AccessBytes): number {
    this.settle();
    const value = this.dword(offset & ~3) >>> (8 * (offset & 3));
    return bytes === 4 ? value : value & (bytes === 2 ? 0xffff : 0xff);
  }

  write(offset: number, bytes: AccessBytes, value: number): void {
    this.settle();
    const s = this.state, shift = 8 * (offset & 3), written = value << shift, mask = (bytes === 4 ? -1 : bytes === 2 ? 0xffff : 0xff) << shift;
    const merged = (old: number, from: number) => ((old & ~(mask >>> from)) | ((written & mask) >>> from)) & 0xffff;
    switch (offset & ~3) {
      case EVENTS:
        // Status bits are cleared by writing ones.
        s.status &= ~(written & mask & 0xffff);
        s.enable = merged(s.enable, 16) & ENABLE_BITS;
        break;
      case CONTROL: {
        const control = merged(s.control, 0);
        s.control = (control & CONTROL_BITS) | SCI_ENABLED;
        if ((control & (SLEEP_ENABLE | SLEEP_TYPE)) === SLEEP_ENABLE) this.outputs.powerOff();
      }
    }
    this.settle();
  }

  reset(): void {
    this.state = { ...initial(), halves: this.halves };
    this.settle();
  }

  save(): PowerManagementState { return { ...this.state }; }
  restore(state: unknown): void { this.state = { ...(state as PowerManagementState) }; }

  private dword(at: number): number {
    switch (at) {
      case EVENTS: return (this.state.status | (this.state.enable << 16)) >>> 0;
      case CONTROL: return this.state.control;
      case TIMER: return this.oscillator.ticks(this.clock.now()) % 2 ** 32;
      default: return 0;
    }
  }

  private get halves(): number { return Math.floor(this.oscillator.ticks(this.clock.now()) / HALF_PERIOD); }

  private settle(): void {
    const s = this.state, { halves } = this;
    if (halves > s.halves) s.status |= TIMER_STATUS;
    s.halves = halves;
    this.outputs.interrupt((s.status & s.enable & STATUS_BITS) !== 0);
    if ((s.enable & TIMER_STATUS) === 0) this.clock.cancel(this.carry);
    else this.clock.at(this.oscillator.nanoseconds((halves + 1) * HALF_PERIOD), this.carry);
  }
}
