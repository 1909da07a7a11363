/**
 * Lets the machine run in slices of a few milliseconds, between which messages are served. What is to be run is a plan:
 * a generator that asks for one instruction or for a run at a time and looks at what came of it.
 */
import type { Machine, StopReason } from '../emulator/machine/contract.js';
import type { TrapEvent } from '../emulator/cpu/trap-events.js';
import { placeOf, type Place } from './place.js';
import { Pace } from './pace.js';
import { Retry } from './retry.js';

export type Action = 'step' | 'run';
/** It ends by returning why the machine is to stop now; a stop that the person asked for ends it from outside. */
export type Plan = Generator<Action, Stop, StopReason>;

export interface Stop {
  readonly reason: 'step' | 'pause' | 'entry' | 'breakpoint' | 'function breakpoint' | 'instruction breakpoint' | 'exception' | 'goto' | 'end';
  readonly cpu: number;
  readonly description: string;
  readonly hitBreakpointIds?: readonly number[];
  readonly event?: TrapEvent;
  /** The machine cannot go on: its last word. */
  readonly end?: Exclude<StopReason, { kind: 'budget' | 'limit' | 'paused' | 'breakpoint' | 'event' }>;
}

/** Who decides whether something that happened is a stop that a person asked for. */
export interface Judge {
  breakpoint(place: Place): Stop | undefined;
  event(event: TrapEvent): Stop | undefined;
}

export interface RunnerHost {
  /** Calls back after messages that have come in were served, and so many milliseconds later. */
  later(callback: () => void, milliseconds?: number): void;
  now(): number;
  stopped(stop: Stop): void;
  /** After each slice. */
  served(): void;
}

const SLICE_MS = 4;
const FIRST_SLICE = 20_000;
const LONGEST_SLICE = 50_000_000;
/** Single steps between two looks at the clock. */
const STEPS_AT_ONCE = 64;

export class Runner {
  private plan: Plan | undefined;
  private action: Action = 'run';
  private pausing = false;
  private slice = FIRST_SLICE;
  /** A run has not yet left the place where it began; a repeated string instruction takes several steps to leave its own. */
  private leaving = true;
  /** An event called the processor away from a breakpoint before the instruction there was done. */
  private retry: Retry | undefined;
  /** Breakpoints by linear address, with the number of those who asked for them. */
  private readonly asked = new Map<number, number>();

  constructor(
    private readonly machine: Machine,
    private readonly judge: Judge,
    private readonly host: RunnerHost,
    private readonly pace = new Pace(() => host.now()),
  ) {}

  get running(): boolean {
    return this.plan !== undefined;
  }

  /** The processor that runs next. */
  private get current(): number { return this.machine.current; }
  /** The one that the plan steps. */
  private stepped = 0;

  place(cpu = this.current): Place {
    return placeOf(this.machine.processors[cpu]!);
  }

  watch(linear: number): void {
    const count = this.asked.get(linear) ?? 0;
    this.asked.set(linear, count + 1);
    if (count === 0) this.machine.breakpoints.set(linear);
  }

  unwatch(linear: number): void {
    const count = this.asked.get(linear);
    if (count === undefined) return;
    if (count > 1) {
      this.asked.set(linear, count - 1);
      return;
    }
    this.asked.delete(linear);
    this.machine.breakpoints.clear(linear);
  }

  start(plan: Plan, stepped = this.current): void {
    this.pausing = false;
    this.stepped = stepped;
    this.plan = plan;
    this.host.later(() => {
      this.begin();
    });
  }

  pause(): void {
    this.pausing = true;
  }

  /** Ends without a stop being reported. */
  abandon(): void {
    this.retry = undefined;
    this.plan?.return(undefined as never);
    this.plan = undefined;
  }

  private begin(): void {
    if (!this.plan) return;
    this.guarded(() => this.advance(() => this.plan!.next()));
    this.go();
  }

  /** One slice. */
  private go(): void {
    if (!this.plan) return;
    this.guarded(() => (this.pausing ? this.paused() : this.work()));
    if (!this.plan) return;
    this.host.served();
    this.host.later(() => {
      this.go();
    }, this.pace.wait);
  }

  /** A fault of our own stops the machine and says so: it must not take the session with it. */
  private guarded(work: () => Stop | undefined): void {
    let stop: Stop | undefined;
    try {
      stop = work();
    } catch (error) {
      stop = { reason: 'pause', cpu: this.current, description: `The debugger failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}` };
    }
    if (stop) this.finish(stop);
  }

  private paused(): Stop {
    return { reason: 'pause', cpu: this.current, description: 'Paused' };
  }

  /** Until the slice is over, or something that stops the machine. */
  private work(): Stop | undefined {
    const end = this.host.now() + SLICE_MS;
    for (let count = 1; ; count++) {
      const before = this.machine.instructions;
      const started = this.host.now();
      const reason = this.action === 'step' ? this.stepOne() : this.runSlice();
      if (this.action === 'run' && isOver(reason) && !(this.leaving && started < end)) {
        this.adapt(this.machine.instructions - before, this.host.now() - started);
        return undefined;
      }
      const stop = this.consider(reason);
      if (stop) return stop;
      if (!this.plan) return undefined;
      if ((this.action === 'run' || count % STEPS_AT_ONCE === 0) && this.host.now() >= end) return undefined;
    }
  }

  /** A run leaves the place where it begins, whatever breakpoint is there. */
  private runSlice(): StopReason {
    if (!this.leaving || !this.asked.has(this.place().rip)) {
      this.leaving = false;
      return this.pace.run(this.machine, this.slice);
    }
    const before = this.machine.instructions, from = this.place().rip;
    const reason = this.stepOne();
    const { rip } = this.place();
    this.leaving = reason.kind === 'budget' && this.machine.instructions === before && rip === from;
    if (reason.kind !== 'budget' || this.leaving) return reason;
    return this.asked.has(rip) ? { kind: 'breakpoint', linear: rip } : reason;
  }

  private stepOne(): StopReason {
    const { machine } = this;
    const retry = this.asked.has(this.place(this.stepped).rip) ? new Retry(machine.processors[this.stepped]!) : undefined;
    const events = machine.ledger.total, count = machine.instructions;
    const reason = machine.step(this.stepped);
    if (retry && machine.instructions === count && retry.wasCalledAway(machine.ledger.since(events))) this.retry = retry;
    return reason;
  }

  private adapt(instructions: number, ms: number): void {
    if (instructions < this.slice / 2) return;
    const fitting = ms > 0 ? (instructions * SLICE_MS) / ms : 2 * this.slice;
    this.slice = Math.round(Math.min(LONGEST_SLICE, Math.max(FIRST_SLICE, Math.min(fitting, 2 * this.slice))));
  }

  /** What the person asked for comes first; the plan gets the rest. */
  private consider(reason: StopReason): Stop | undefined {
    switch (reason.kind) {
      case 'event': {
        const stop = this.judge.event(reason.event);
        if (stop) return stop;
        break;
      }
      case 'breakpoint':
      case 'budget':
      case 'limit':
      case 'paused': {
        const stop = this.arrived();
        if (stop) return stop;
        break;
      }
      default:
        return { reason: reason.kind === 'triple fault' || reason.kind === 'not implemented' ? 'exception' : 'end', cpu: this.current, description: describeEnd(reason), end: reason };
    }
    return this.advance(() => this.plan!.next(reason));
  }

  private arrived(): Stop | undefined {
    const place = this.place();
    if (!this.asked.has(place.rip)) return undefined;
    if (this.retry?.isBack()) {
      this.retry = undefined;
      return undefined;
    }
    return this.judge.breakpoint(place);
  }

  private advance(next: () => IteratorResult<Action, Stop>): Stop | undefined {
    const { done, value } = next();
    if (done) {
      this.finish(value);
      return undefined;
    }
    this.action = value;
    this.leaving = true;
    return undefined;
  }

  private finish(stop: Stop): void {
    const plan = this.plan;
    this.plan = undefined;
    plan?.return(stop);
    this.host.served();
    this.host.stopped(stop);
  }
}

/** The machine came back only because it was told to come back. */
const isOver = ({ kind }: StopReason): boolean => kind === 'budget' || kind === 'limit' || kind === 'paused';

export function describeEnd(reason: NonNullable<Stop['end']>): string {
  switch (reason.kind) {
    case 'exit': return `The guest wrote ${reason.value} to the exit port.`;
    case 'power-off': return 'The guest switched the machine off.';
    case 'reset': return 'The guest reset the machine.';
    case 'triple fault': return `Triple fault: the processor shuts down, because it could deliver neither ${reason.autopsy[0] ?? 'an exception'} nor what came of it.`;
    case 'halted for ever': return 'Every processor is halted, and no event can ever wake one.';
    case 'not implemented': return `Not implemented: ${reason.what}.`;
  }
}
