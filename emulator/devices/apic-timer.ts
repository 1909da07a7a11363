import type { Clock, TimerEvent } from '../machine/clock.js';

/** The timer of a local APIC. Nothing runs: its count follows from when it was started. SDM Vol. 3, "APIC Timer". */

export const TIMER_MODE = { oneShot: 0, periodic: 1, tscDeadline: 2 } as const;

/** It counts at the rate of the core crystal clock, as CPUID leaf 15H gives it: one count a nanosecond. */
const initial = () => ({
  mode: TIMER_MODE.oneShot as number,
  initialCount: 0,
  /** Bits 3, 1 and 0, as written. */
  divideConfiguration: 0,
  /** Nanoseconds; a running count has reached `initialCount` then. */
  startedAt: 0,
  running: false,
  /** IA32_TSC_DEADLINE; 0: disarmed. */
  deadline: 0n,
});

export type ApicTimerState = ReturnType<typeof initial>;

export class ApicTimer {
  private state = initial();
  private readonly event: TimerEvent;

  /** `tsc`: IA32_TIME_STAMP_COUNTER, which counts nanoseconds too. */
  constructor(id: number, private readonly clock: Clock, private readonly tsc: () => bigint, private readonly expired: () => void) {
    this.event = { name: `local APIC ${id} timer`, fire: () => { this.fire(); } };
    clock.register(this.event);
  }

  /** "Transitioning between TSC-deadline mode and other timer modes also disarms the timer." */
  setMode(mode: number): void {
    const s = this.state;
    if ((mode === TIMER_MODE.tscDeadline) !== (s.mode === TIMER_MODE.tscDeadline)) {
      s.running = false;
      s.initialCount = 0;
      s.deadline = 0n;
    }
    s.mode = mode;
    this.schedule();
  }

  get initialCount(): number { return this.state.initialCount; }
  /** Ignored in TSC-deadline mode. */
  set initialCount(count: number) {
    const s = this.state;
    if (s.mode === TIMER_MODE.tscDeadline) return;
    s.initialCount = count;
    s.startedAt = this.clock.now();
    s.running = count !== 0;
    this.schedule();
  }

  get currentCount(): number {
    const s = this.state;
    if (!s.running) return 0;
    const counted = Math.floor((this.clock.now() - s.startedAt) / this.divisor);
    if (s.mode === TIMER_MODE.periodic) return s.initialCount - (counted % s.initialCount);
    return Math.max(0, s.initialCount - counted);
  }

  get divideConfiguration(): number { return this.state.divideConfiguration; }
  /** A running count goes on from where it is. */
  set divideConfiguration(value: number) {
    const s = this.state, current = this.currentCount;
    s.divideConfiguration = value;
    s.startedAt = this.clock.now() - (s.initialCount - current) * this.divisor;
    this.schedule();
  }

  /** IA32_TSC_DEADLINE: in other modes it reads as 0, and writes are ignored. */
  get deadline(): bigint { return this.state.deadline; }
  set deadline(value: bigint) {
    if (this.state.mode !== TIMER_MODE.tscDeadline) return;
    this.state.deadline = value;
    this.schedule();
  }

  /** After IA32_TIME_STAMP_COUNTER or IA32_TSC_ADJUST was written. */
  tscChanged(): void {
    if (this.state.deadline !== 0n) this.schedule();
  }

  reset(): void {
    this.state = initial();
    this.clock.cancel(this.event);
  }

  save(): ApicTimerState { return { ...this.state }; }
  restore(state: ApicTimerState): void { this.state = { ...state }; }

  private fire(): void {
    const s = this.state;
    if (s.mode === TIMER_MODE.tscDeadline) s.deadline = 0n;
    else if (s.mode === TIMER_MODE.periodic) s.startedAt = this.clock.now();
    else s.running = false;
    this.schedule();
    this.expired();
  }

  private schedule(): void {
    const { mode, running, initialCount, startedAt, deadline } = this.state;
    if (mode === TIMER_MODE.tscDeadline ? deadline === 0n : !running) return this.clock.cancel(this.event);
    const now = this.clock.now();
    const when = mode === TIMER_MODE.tscDeadline ? now + Math.max(0, Number(deadline - this.tsc())) : startedAt + initialCount * this.divisor;
    // What lies beyond exact numbers, some hundred days, never comes.
    if (Number.isSafeInteger(when)) this.clock.at(when, this.event);
    else this.clock.cancel(this.event);
  }

  /** 0000b to 1011b: 2, 4 … 128; 1011b is 1. */
  private get divisor(): number {
    const bits = this.state.divideConfiguration, code = (bits & 3) | ((bits & 8) >> 1);
    return code === 7 ? 1 : 2 << code;
  }
}
