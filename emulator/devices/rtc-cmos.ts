import type { Device } from '../memory/bus.js';
import type { Clock, TimerEvent } from '../machine/clock.js';
import { Oscillator } from './oscillator.js';
import { HOURS, MINUTES, SECONDS, TIME_REGISTERS, fromRegisters, toRegisters, type Calendar, type Format } from './rtc-calendar.js';

/** Real-time clock and the PC's configuration memory. Motorola MC146818 data sheet; port 70h as in Intel 82371SB (PIIX3). */

/** Offsets of port 70h and port 71h. */
export const CMOS_INDEX = 0;
export const CMOS_DATA = 1;

const CRYSTAL_HERTZ = 32768;
const MEMORY_BYTES = 128;
const NMI_MASK = 0x80;

const SECONDS_ALARM = 1, MINUTES_ALARM = 3, HOURS_ALARM = 5;
const REGISTER_A = 0x0a, REGISTER_B = 0x0b, REGISTER_C = 0x0c, REGISTER_D = 0x0d;
const A_UPDATE_IN_PROGRESS = 0x80, A_DIVIDER_RESET = 0x60, A_RATE = 0x0f, A_DEFAULT = 0x26;
const B_SET = 0x80, B_UPDATE_INTERRUPT = 0x10, B_BINARY = 0x04, B_HOURS_24 = 0x02;
const C_INTERRUPT = 0x80, C_PERIODIC = 0x40, C_ALARM = 0x20, C_UPDATE = 0x10;
const INTERRUPT_ENABLES = C_PERIODIC | C_ALARM | C_UPDATE;
const D_VALID = 0x80;
/** An alarm byte with its two high bits set matches anything. */
const ANY = 0xc0;
const ALARM_PAIRS = [[SECONDS_ALARM, SECONDS], [MINUTES_ALARM, MINUTES], [HOURS_ALARM, HOURS]] as const;

/** 244 µs of warning and 1,984 µs of update, in periods of the crystal. */
const UPDATE_TICKS = 73;
const DAY_SECONDS = 86400;

export interface RtcOptions {
  readonly clock: Clock;
  readonly interrupt: (raised: boolean) => void;
  readonly memoryBytes: number;
  /** The time at virtual time 0, in seconds since 1970. */
  readonly epochSeconds: number;
}

interface State {
  index: number;
  nmiMasked: boolean;
  cmos: Uint8Array;
  /** The calendar at crystal period `origin`; it stands still while `stopped`. */
  calendar: Calendar;
  origin: number;
  stopped: boolean;
  /** The period to which the flags of register C have been brought. */
  flagsAt: number;
}

export class RtcCmos implements Device {
  readonly name = 'RTC and CMOS memory';
  private readonly oscillator = new Oscillator(CRYSTAL_HERTZ);
  private readonly event: TimerEvent = { name: 'RTC interrupt', fire: () => this.drive() };
  private state: State;

  constructor(private readonly options: RtcOptions) {
    options.clock.register(this.event);
    const cmos = configuration(options.memoryBytes);
    cmos[REGISTER_A] = A_DEFAULT;
    cmos[REGISTER_B] = B_HOURS_24;
    const calendar = { seconds: Math.floor(options.epochSeconds), weekdayShift: 0 };
    this.state = { index: 0, nmiMasked: false, cmos, calendar, origin: 0, stopped: false, flagsAt: 0 };
    this.storeTime(toRegisters(calendar, this.format));
  }

  /** Bit 7 of port 70h keeps NMI from the processor. */
  get nmiMasked(): boolean {
    return this.state.nmiMasked;
  }

  read(offset: number): number {
    // Port 70h is write-only.
    if (offset === CMOS_INDEX) return 0xff;
    const s = this.state;
    this.settle();
    switch (s.index) {
      case REGISTER_A:
        return s.cmos[REGISTER_A]! | (this.updateInProgress ? A_UPDATE_IN_PROGRESS : 0);
      case REGISTER_C: {
        const flags = s.cmos[REGISTER_C]!;
        s.cmos[REGISTER_C] = 0;
        this.drive();
        return flags;
      }
      case REGISTER_D:
        return D_VALID;
      default:
        return s.cmos[s.index]!;
    }
  }

  write(offset: number, _bytes: number, value: number): void {
    const s = this.state;
    if (offset === CMOS_INDEX) {
      s.index = value & (MEMORY_BYTES - 1);
      s.nmiMasked = (value & NMI_MASK) !== 0;
      return;
    }
    this.settle();
    if (s.index === REGISTER_A) this.writeRegisterA(value);
    else if (s.index === REGISTER_B) this.writeRegisterB(value);
    else if (s.index !== REGISTER_C && s.index !== REGISTER_D) {
      s.cmos[s.index] = value;
      if (TIME_REGISTERS.includes(s.index)) this.loadTime();
    }
    this.drive();
  }

  /** RESET clears the interrupt enables and flags; time and memory live on the battery. */
  reset(): void {
    this.settle();
    const { cmos } = this.state;
    cmos[REGISTER_B]! &= ~INTERRUPT_ENABLES;
    cmos[REGISTER_C] = 0;
    this.state.nmiMasked = false;
    this.drive();
  }

  save(): State {
    this.settle();
    return { ...this.state, calendar: { ...this.state.calendar }, cmos: this.state.cmos.slice() };
  }

  restore(state: unknown): void {
    const saved = state as State;
    this.state = { ...saved, calendar: { ...saved.calendar }, cmos: Uint8Array.from(saved.cmos) };
  }

  private get format(): Format {
    const b = this.state.cmos[REGISTER_B]!;
    return { binary: (b & B_BINARY) !== 0, hours24: (b & B_HOURS_24) !== 0 };
  }

  private get halted(): boolean {
    return this.state.stopped || (this.state.cmos[REGISTER_B]! & B_SET) !== 0;
  }

  private get updateInProgress(): boolean {
    if (this.halted) return false;
    return modulo(this.tick - this.state.origin, CRYSTAL_HERTZ) >= CRYSTAL_HERTZ - UPDATE_TICKS;
  }

  private get tick(): number {
    return this.oscillator.ticks(this.options.clock.now());
  }

  /** Periods of the crystal between periodic interrupts; 0 when there are none. */
  private get periodTicks(): number {
    const rate = this.state.cmos[REGISTER_A]! & A_RATE;
    if (rate === 0 || this.state.stopped) return 0;
    return 1 << ((rate <= 2 ? rate + 7 : rate) - 1);
  }

  private writeRegisterA(value: number): void {
    const s = this.state;
    s.cmos[REGISTER_A] = value & ~A_UPDATE_IN_PROGRESS;
    const stopped = (value & A_DIVIDER_RESET) === A_DIVIDER_RESET;
    // "the first update cycle begins one-half second later" when the divider is released.
    if (s.stopped && !stopped) s.origin = this.tick - CRYSTAL_HERTZ / 2;
    s.stopped = stopped;
  }

  private writeRegisterB(value: number): void {
    const s = this.state;
    // "when the SET bit goes high" the update-ended enable is cleared.
    s.cmos[REGISTER_B] = (value & B_SET) !== 0 ? value & ~B_UPDATE_INTERRUPT : value;
    // The time bytes stay what they were, and are read in the new format from now on.
    this.loadTime();
  }

  /** Takes the calendar from the time bytes. */
  private loadTime(): void {
    const s = this.state;
    s.calendar = fromRegisters(TIME_REGISTERS.map((register) => s.cmos[register]!), this.format);
  }

  private storeTime(registers: readonly number[]): void {
    for (const [place, register] of TIME_REGISTERS.entries()) this.state.cmos[register] = registers[place]!;
  }

  /** Brings time bytes and flags from `flagsAt` to now. */
  private settle(): void {
    const s = this.state;
    const { tick } = this;
    const period = this.periodTicks;
    let flags = 0;
    if (period > 0 && phase(tick, s.origin, period) > phase(s.flagsAt, s.origin, period)) flags |= C_PERIODIC;
    s.flagsAt = tick;
    if (s.stopped) {
      s.origin = tick;
    } else {
      const seconds = phase(tick, s.origin, CRYSTAL_HERTZ);
      s.origin += seconds * CRYSTAL_HERTZ;
      if (seconds > 0 && !this.halted) flags |= this.update(seconds);
    }
    this.raise(flags);
  }

  private update(seconds: number): number {
    const { calendar } = this.state;
    const last = calendar.seconds + seconds;
    const first = Math.max(calendar.seconds + 1, last - DAY_SECONDS + 1);
    let flags = C_UPDATE;
    const alarmPending = (this.state.cmos[REGISTER_C]! & C_ALARM) !== 0;
    for (let second = first; second <= last && !alarmPending && (flags & C_ALARM) === 0; second++) {
      if (this.alarmMatches({ ...calendar, seconds: second })) flags |= C_ALARM;
    }
    this.state.calendar = { ...calendar, seconds: last };
    this.storeTime(toRegisters(this.state.calendar, this.format));
    return flags;
  }

  private alarmMatches(calendar: Calendar): boolean {
    const time = toRegisters(calendar, this.format);
    return ALARM_PAIRS.every(([alarm, register]) => {
      const byte = this.state.cmos[alarm]!;
      return (byte & ANY) === ANY || byte === time[TIME_REGISTERS.indexOf(register)];
    });
  }

  private raise(flags: number): void {
    const { cmos } = this.state;
    const all = (cmos[REGISTER_C]! | flags) & INTERRUPT_ENABLES;
    cmos[REGISTER_C] = (all & cmos[REGISTER_B]! & INTERRUPT_ENABLES) !== 0 ? all | C_INTERRUPT : all;
  }

  private drive(): void {
    this.settle();
    const { cmos } = this.state;
    const { clock } = this.options;
    this.options.interrupt((cmos[REGISTER_C]! & C_INTERRUPT) !== 0);
    const next = this.nextInterruptTick();
    if (next === Infinity) clock.cancel(this.event);
    else clock.at(this.oscillator.nanoseconds(next), this.event);
  }

  /** When an enabled interrupt may come; none comes while one waits to be read. */
  private nextInterruptTick(): number {
    const s = this.state;
    if ((s.cmos[REGISTER_C]! & C_INTERRUPT) !== 0) return Infinity;
    const enabled = s.cmos[REGISTER_B]! & INTERRUPT_ENABLES;
    const period = this.periodTicks;
    const boundary = (every: number) => s.origin + (phase(this.tick, s.origin, every) + 1) * every;
    const periodic = (enabled & C_PERIODIC) !== 0 && period > 0 ? boundary(period) : Infinity;
    const update = (enabled & (C_UPDATE | C_ALARM)) !== 0 && !this.halted ? boundary(CRYSTAL_HERTZ) : Infinity;
    return Math.min(periodic, update);
  }
}

const phase = (tick: number, origin: number, every: number) => Math.floor((tick - origin) / every);

const modulo = (value: number, modulus: number) => ((value % modulus) + modulus) % modulus;

const BASE_MEMORY_KIB = 640;
const MIB = 0x100000;

/** What the PC's firmware leaves in the memory for the operating system. */
function configuration(memoryBytes: number): Uint8Array {
  const cmos = new Uint8Array(MEMORY_BYTES);
  const word = (register: number, value: number) => {
    cmos[register] = value & 0xff;
    cmos[register + 1] = value >> 8;
  };
  const extendedKib = Math.min(0xffff, Math.max(0, memoryBytes - MIB) / 1024);
  const above16Mib = Math.min(0xffff, Math.max(0, memoryBytes - 16 * MIB) / 0x10000);
  word(0x15, BASE_MEMORY_KIB);
  word(0x17, extendedKib);
  word(0x30, extendedKib);
  word(0x34, above16Mib);
  const checksum = cmos.subarray(0x10, 0x2e).reduce((sum, byte) => sum + byte, 0);
  cmos[0x2e] = checksum >> 8;
  cmos[0x2f] = checksum & 0xff;
  return cmos;
}
