/**
 * Steps as plans: by instruction and by line, into, over and out. A step knows its own activation by the world it is in
 * and by its stack pointer, so that interrupts, handlers and the other world's work pass without it losing its way.
 */
import type { Machine, StopReason } from '../emulator/machine/contract.js';
import type { StopCondition } from '../emulator/observe/conditions.js';
import type { TrapEvent, TrapKind } from '../emulator/cpu/trap-events.js';
import { readVmcsField } from '../emulator/observe/vmcs.js';
import { hasGuest } from '../emulator/observe/vmcs.js';
import { ASYNCHRONOUS_EXITS, UNASKED_EXITS } from './retry.js';
import type { Disassembled } from './disassembler.js';
import { unsignedAddress, linearNumber, type Images } from './images.js';
import { sameWorld, type Place } from './place.js';
import { RequestError } from './request-error.js';
import type { Action, Plan, Runner, Stop } from './runner.js';
import { unwind } from './unwinder.js';
import { instructionAt, liveView, readPointer } from './view.js';

export interface StepContext {
  readonly machine: Machine;
  readonly runner: Runner;
  readonly images: Images;
  /** Interrupts that arrive during a step are stepped into instead of run through. */
  readonly stopInInterrupts: boolean;
  /** The event before whose delivery the machine stands: recorded already, and delivered by the first step. */
  readonly awaited?: TrapEvent | undefined;
}

type Steps<Result> = Generator<Action, Result, StopReason>;
type How = 'into' | 'over';

const stopped = (place: Place, description: string): Stop => ({ reason: 'step', cpu: place.cpu, description });

export function* runOn(): Plan {
  for (;;) yield 'run';
}

export function* stepInstruction(context: StepContext, cpu: number, how: How): Plan {
  const step = new Stepper(context, cpu, 'instruction');
  yield* step.instruction(how);
  return stopped(step.here(), 'Step');
}

export function* stepLine(context: StepContext, cpu: number, how: How): Plan {
  const step = new Stepper(context, cpu, 'line');
  yield* step.line(how);
  return stopped(step.here(), 'Step');
}

/** Throws when there is nowhere to go to. */
export function stepOut(context: StepContext, cpu: number): Plan {
  return new Stepper(context, cpu, 'line').out();
}

class Stepper {
  constructor(
    private readonly context: StepContext,
    private readonly cpu: number,
    private readonly granularity: 'instruction' | 'line',
  ) {
    this.awaited = context.awaited;
  }

  here(): Place {
    return this.context.runner.place(this.cpu);
  }

  private get processor() {
    return this.context.machine.processors[this.cpu]!;
  }

  private lineAt(place: Place) {
    return this.context.images.lineAt(place.world, unsignedAddress(place.rip));
  }

  private functionAt(place: Place) {
    return this.context.images.functionAt(place.world, unsignedAddress(place.rip));
  }

  private codeAt(place: Place): Disassembled | undefined {
    return instructionAt(liveView(this.processor), unsignedAddress(place.rip));
  }

  /** Until the line changes, or the function is left, or another one is entered. */
  *line(how: How): Steps<void> {
    const start = this.here();
    const startLine = this.lineAt(start);
    const startFunction = this.functionAt(start);
    if (!startLine) {
      yield* this.instruction(how);
      return;
    }
    for (;;) {
      const before = this.here();
      const code = this.codeAt(before);
      yield* this.instruction(how);
      const now = this.here();
      if (!sameWorld(now, start)) return;
      const functionNow = this.functionAt(now);
      const isElsewhere = functionNow?.start !== startFunction?.start;
      if (now.stack > start.stack && isElsewhere) return;
      if (how === 'into' && code?.isCall && now.stack < before.stack) {
        if (yield* this.enter(now)) return;
        continue;
      }
      const line = this.lineAt(now);
      if (line && linearNumber(line.start) === now.rip && (line.line !== startLine.line || line.file !== startLine.file || isElsewhere)) return;
    }
  }

  /** Just called: to the first line behind the prologue; back out of a function without lines. Returns whether it stays. */
  private *enter(callee: Place): Steps<boolean> {
    const { images } = this.context;
    const address = unsignedAddress(callee.rip);
    if (!this.lineAt(callee)) {
      const returnAddress = readPointer(liveView(this.processor), unsignedAddress(callee.stack));
      if (returnAddress === undefined) return true;
      yield* this.until((place) => sameWorld(place, callee) && place.stack > callee.stack, linearNumber(returnAddress));
      return false;
    }
    const body = images.at(callee.world, address)?.bodyOf(address) ?? address;
    if (body !== address) yield* this.until((place) => sameWorld(place, callee) && place.stack <= callee.stack, linearNumber(body));
    return true;
  }

  /** One instruction of the world that it began in, completed. */
  *instruction(how: How): Steps<void> {
    const from = this.here();
    const code = this.codeAt(from);
    const next = from.rip + (code?.length ?? 0);
    if (code?.isCall && how === 'over') {
      yield* this.until((place) => sameWorld(place, from) && place.stack >= from.stack, next);
      return;
    }
    for (;;) {
      const events = yield* this.one();
      const now = this.here();
      if (now.world !== from.world) {
        if (yield* this.otherWorld(from, how, next)) return;
      } else if (events.some(({ kind }) => kind === 'VM exit')) {
        if (!sameWorld(now, from)) return;
      } else if (events.some(({ kind }) => kind === 'interrupt') && !(this.context.stopInInterrupts || (how === 'into' && events.includes(this.context.awaited!)))) {
        yield* this.until((place) => sameWorld(place, from) && place.stack >= from.stack, from.rip);
        continue;
      } else if (events.some(({ kind }) => kind === 'exception') && how === 'over') {
        yield* this.until((place) => sameWorld(place, from) && place.stack >= from.stack, from.rip, next);
        if (this.here().rip === from.rip) continue;
        return;
      }
      if (this.here().rip !== from.rip || events.length > 0 || this.retired) return;
    }
  }

  /** A VM entry or exit happened under the step. Returns whether the step is over. */
  private *otherWorld(from: Place, how: How, next: number): Steps<boolean> {
    if (from.world === 'host') {
      if (how === 'into') return true;
      yield* this.untilEvent('VM exit');
      return true;
    }
    const reason = Number(readVmcsField(this.processor, 'exit reason') ?? 0n) & 0xffff;
    const followed = how === 'into' && !ASYNCHRONOUS_EXITS.has(reason) && (this.granularity === 'instruction' || !UNASKED_EXITS.has(reason));
    if (followed) return true;
    yield* this.untilGuest(from);
    const now = this.here();
    if (now.rip !== from.rip && now.rip !== next && now.stack < from.stack) {
      yield* this.until((place) => sameWorld(place, from) && place.stack >= from.stack, from.rip, next);
    }
    return this.here().rip !== from.rip;
  }

  private *untilGuest(guest: Place): Steps<void> {
    do yield* this.untilEvent('VM entry');
    while (!sameWorld(this.here(), guest));
  }

  /** Out of the present function; out of an exit handler, into the guest. */
  out(): Plan {
    const from = this.here();
    const { processor } = this;
    const frames = unwind(processor, this.context.images).filter(({ is, inlineDepth, view }) => is === 'frame' && inlineDepth === 0 && view.live);
    const caller = frames[1];
    if (from.world === 'host' && hasGuest(processor) && (!caller || this.isExitHandler(from))) return this.resumed();
    if (!caller) throw new RequestError('This function has no caller to step out to.');
    return this.returned(from, caller.address);
  }

  private isExitHandler(place: Place): boolean {
    const entry = readVmcsField(this.processor, 'host RIP');
    const handler = entry === undefined ? undefined : this.context.images.functionAt('host', entry);
    return handler !== undefined && handler.start === this.functionAt(place)?.start;
  }

  private *resumed(): Plan {
    yield* this.untilEvent('VM entry');
    return stopped(this.here(), 'Step out: the guest goes on');
  }

  private *returned(from: Place, address: bigint): Plan {
    yield* this.until((place) => sameWorld(place, from) && place.stack > from.stack, linearNumber(address));
    return stopped(this.here(), 'Step out');
  }

  private retired = false;
  private awaited: TrapEvent | undefined;

  /** One step of the machine, and the events that it caused. */
  private *one(): Steps<TrapEvent[]> {
    const { machine } = this.context;
    const { ledger } = machine;
    const before = ledger.total, count = machine.instructions;
    const { rip } = this.here();
    yield 'step';
    this.retired = machine.instructions !== count;
    const { awaited } = this;
    this.awaited = undefined;
    const events = ledger.since(before).filter(({ cpu }) => cpu === this.cpu);
    return awaited && !this.retired && this.here().rip !== rip ? [awaited, ...events] : events;
  }

  /** Runs until one of the addresses is reached in the right activation. */
  private *until(isThere: (place: Place) => boolean, ...addresses: readonly number[]): Steps<void> {
    const { runner } = this.context;
    for (const address of addresses) runner.watch(address);
    try {
      do yield 'run';
      while (!addresses.includes(this.here().rip) || !isThere(this.here()));
    } finally {
      for (const address of addresses) runner.unwatch(address);
    }
  }

  private *untilEvent(kind: TrapKind): Steps<void> {
    const { conditions } = this.context.machine;
    let happened = false;
    const condition: StopCondition = {
      kind,
      test: ({ cpu }) => cpu === this.cpu,
    };
    conditions.add(condition);
    try {
      while (!happened) {
        const reason = yield 'run';
        happened = reason.kind === 'event' && reason.event.kind === kind && reason.event.cpu === this.cpu;
      }
    } finally {
      conditions.delete(condition);
    }
  }
}

