import type { Clock, TimerEvent } from '../machine/clock.js';
import type { AccessBytes, Device } from '../memory/bus.js';

/** High-precision event timers: three comparators on a 64-bit counter. "IA-PC HPET (High Precision Event Timers) Specification". */

/** The counter runs at 100 MHz. */
const NANOSECONDS = 10, FEMTOSECONDS = NANOSECONDS * 1_000_000;
const TIMERS = 3;
/** Revision 1, three timers, 64 bits, legacy replacement, vendor 8086H. */
const CAPABILITIES = 0x8086a201;

const ID = 0x00, CONFIGURATION = 0x10, STATUS = 0x20, COUNTER = 0xf0, FIRST_TIMER = 0x100, TIMER_STRIDE = 0x20;
const ENABLED = 1, LEGACY_ROUTE = 2;
const LEVEL = 1 << 1, INTERRUPTS = 1 << 2, PERIODIC = 1 << 3, VALUE_SET = 1 << 6, NARROW = 1 << 8, ROUTE_SHIFT = 9;
const TIMER_WRITABLE = LEVEL | INTERRUPTS | PERIODIC | VALUE_SET | NARROW | (31 << ROUTE_SHIFT);
/** Periodic and 64-bit capable. */
const TIMER_CAPABILITIES = (1 << 4) | (1 << 5);
/** Pins of the I/O APIC that a timer may drive: 20 to 23. */
const ROUTES = 0x00f00000;

const U32 = 0xffffffffn;
const timer = () => ({ configuration: 0, comparator: (1n << 64n) - 1n, period: 0n });
const initial = () => ({
  configuration: 0,
  status: 0,
  /** The counter at `since`, nanoseconds; it stands still while disabled. */
  counter: 0n,
  since: 0,
  timers: Array.from({ length: TIMERS }, timer),
});

export type HpetState = ReturnType<typeof initial>;
type Timer = ReturnType<typeof timer>;

export interface HpetOutputs {
  /** A pin of the I/O APIC. */
  readonly pin: (pin: number, raised: boolean) => void;
  /** The lines of the PIT (timer 0) and the RTC (timer 1). */
  readonly legacy: (timer: 0 | 1, raised: boolean) => void;
}

export class Hpet implements Device {
  readonly name = 'HPET';
  private state = initial();
  private readonly events: readonly TimerEvent[];

  constructor(private readonly clock: Clock, private readonly outputs: HpetOutputs) {
    this.events = Array.from({ length: TIMERS }, (_, n) => ({ name: `HPET timer ${n}`, fire: () => { this.fire(n); } }));
    for (const event of this.events) clock.register(event);
  }

  /** Whether PIT and RTC have given up their lines. */
  get replacesLegacy(): boolean { return (this.state.configuration & LEGACY_ROUTE) !== 0; }

  read(offset: number, bytes: AccessBytes): number {
    const value = Number((this.register(offset & ~7) >> BigInt(8 * (offset & 4))) & U32) >>> (8 * (offset & 3));
    return bytes === 4 ? value >>> 0 : value & (bytes === 2 ? 0xffff : 0xff);
  }

  /** UNDEFINED: accesses of less than 32 bits; ours are ignored. */
  write(offset: number, bytes: AccessBytes, value: number): void {
    if (bytes !== 4) return;
    const at = offset & ~7, high = (offset & 4) !== 0, s = this.state;
    const merged = (old: bigint) => (high ? (old & U32) | (BigInt(value) << 32n) : (old & ~U32) | BigInt(value));
    if (at === CONFIGURATION && !high) this.configure(value & (ENABLED | LEGACY_ROUTE));
    else if (at === STATUS && !high) {
      s.status &= ~value;
      s.timers.forEach((each, n) => { if ((value >>> n) & 1) this.drive(n, each, false); });
    } else if (at === COUNTER && (s.configuration & ENABLED) === 0) s.counter = merged(s.counter);
    else if (at >= FIRST_TIMER && at < FIRST_TIMER + TIMERS * TIMER_STRIDE) this.writeTimer((at - FIRST_TIMER) >> 5, at & 0x18, high, value, merged);
  }

  reset(): void {
    this.state = initial();
    for (const event of this.events) this.clock.cancel(event);
  }

  save(): HpetState { return { ...this.state, timers: this.state.timers.map((each) => ({ ...each })) }; }
  restore(state: unknown): void {
    const saved = state as HpetState;
    this.state = { ...saved, timers: saved.timers.map((each) => ({ ...each })) };
  }

  private register(at: number): bigint {
    const s = this.state;
    switch (at) {
      case ID: return (BigInt(FEMTOSECONDS) << 32n) | BigInt(CAPABILITIES);
      case CONFIGURATION: return BigInt(s.configuration);
      case STATUS: return BigInt(s.status);
      case COUNTER: return this.counter;
    }
    const of = s.timers[(at - FIRST_TIMER) >> 5];
    if (at < FIRST_TIMER || !of) return 0n;
    if ((at & 0x18) === 0) return (BigInt(ROUTES) << 32n) | BigInt(of.configuration | TIMER_CAPABILITIES);
    return (at & 0x18) === 8 ? of.comparator : 0n;
  }

  private get counter(): bigint {
    const { counter, since, configuration } = this.state;
    return (configuration & ENABLED) === 0 ? counter : BigInt.asUintN(64, counter + BigInt(Math.floor((this.clock.now() - since) / NANOSECONDS)));
  }

  private configure(value: number): void {
    const s = this.state;
    s.counter = this.counter;
    s.since = this.clock.now();
    s.configuration = value;
    for (let n = 0; n < TIMERS; n++) this.schedule(n);
  }

  private writeTimer(n: number, register: number, high: boolean, value: number, merged: (old: bigint) => bigint): void {
    const of = this.state.timers[n]!;
    if (register === 0 && !high) {
      of.configuration = value & TIMER_WRITABLE;
      if ((of.configuration & INTERRUPTS) === 0) this.drive(n, of, false);
      if ((of.configuration & NARROW) !== 0) { of.comparator &= U32; of.period &= U32; }
    } else if (register === 8) {
      const narrow = (of.configuration & NARROW) !== 0, periodic = (of.configuration & PERIODIC) !== 0;
      if (high && narrow) return;
      if (!periodic || (of.configuration & VALUE_SET) !== 0) of.comparator = merged(of.comparator);
      if (periodic) of.period = merged(of.period);
      if (high || narrow) of.configuration &= ~VALUE_SET;
    }
    this.schedule(n);
  }

  /** At the next time that the counter equals the comparator, in its width. */
  private schedule(n: number): void {
    const of = this.state.timers[n]!, event = this.events[n]!;
    if ((this.state.configuration & ENABLED) === 0 || (of.configuration & INTERRUPTS) === 0) return this.clock.cancel(event);
    const { counter } = this, width = (of.configuration & NARROW) !== 0 ? 32 : 64;
    const ticks = Number(BigInt.asUintN(width, of.comparator - counter) || 1n << BigInt(width));
    const elapsed = Number(counter - this.state.counter), when = this.state.since + (elapsed + ticks) * NANOSECONDS;
    if (Number.isSafeInteger(when)) this.clock.at(when, event);
    else this.clock.cancel(event);
  }

  private fire(n: number): void {
    const of = this.state.timers[n]!;
    if ((of.configuration & LEVEL) !== 0) this.state.status |= 1 << n;
    this.drive(n, of, true);
    if ((of.configuration & LEVEL) === 0) this.drive(n, of, false);
    if ((of.configuration & PERIODIC) !== 0) of.comparator = BigInt.asUintN((of.configuration & NARROW) !== 0 ? 32 : 64, of.comparator + of.period);
    this.schedule(n);
  }

  private drive(n: number, of: Timer, raised: boolean): void {
    if (this.replacesLegacy && n < 2) return this.outputs.legacy(n as 0 | 1, raised);
    const pin = (of.configuration >>> ROUTE_SHIFT) & 31;
    if ((ROUTES >>> pin) & 1) this.outputs.pin(pin, raised);
  }
}
