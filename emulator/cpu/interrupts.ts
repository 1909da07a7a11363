/** What happens between two instructions. SDM Vol. 3, "Prioritization of Concurrent Events". */
import { type Sentence, TRAP } from './trap-events.js';
import { breaksOnExecution, BTF, DR6, ENABLED_BREAKPOINT, instructionBreakpoints, TASK_SWITCH_TRAP } from './debug-registers.js';
import { deliver, deliverException, EVENT } from './exceptions.js';
import { Exception, STOP_BEFORE_DELIVERY, VECTORS } from './events.js';
import { IF, RF, TF } from './flags.js';
import { CS, S } from './layout.js';
import { ACTIVITY, BLOCKING, setRflagsBits } from './modes.js';
import type { Processor } from './processor.js';
import { unchecked } from './references.js';
import { virtualInterruptDue } from './virtual-interrupts.js';
import { initializeProcessor, startProcessor } from './reset.js';

const SHADOW = BLOCKING.STI | BLOCKING.MOV_SS;
const ACKNOWLEDGED = 0x100;
/** Of the pending debug exceptions: what makes one due. */
const DUE = DR6.BS | TASK_SWITCH_TRAP | ENABLED_BREAKPOINT;

const interruptsEnabled = (cpu: Processor): boolean =>
  ((cpu.low(S.rflags) & IF) !== 0 && (cpu.interruptibility & SHADOW) === 0) || cpu.intercepts.ignoresInterruptFlag(cpu);

/**
 * Takes the pending event of highest priority, if any. True: it was taken, execution goes on at the new `rip`. It throws what
 * an instruction throws (EptFault of a delivery, ABANDON after a VM exit, STOP_BEFORE_DELIVERY): to be acted upon in the same way.
 */
export function serviceInterrupts(cpu: Processor): boolean {
  if (cpu.nonRoot && cpu.intercepts.boundary(cpu, 'INIT')) return true;
  if (startSignals(cpu) && (takeInit(cpu) || takeStartUp(cpu))) return true;
  if (cpu.activity === ACTIVITY.shutdown || cpu.activity === ACTIVITY.waitForSipi) return false;
  if (cpu.nonRoot && cpu.intercepts.boundary(cpu, 'debug trap')) return true;
  if (takeDebugTrap(cpu)) return true;
  if (cpu.nonRoot && cpu.intercepts.boundary(cpu, 'NMI')) return true;
  if (cpu.low(S.pendingNmi) !== 0 && takeNmi(cpu)) return true;
  if (cpu.nonRoot && cpu.intercepts.boundary(cpu, 'external interrupt')) return true;
  return takeExternalInterrupt(cpu);
}

const startSignals = (cpu: Processor): boolean => cpu.low(S.pendingInit) !== 0 || cpu.low(S.pendingStartUp) !== 0;

function takeInit(cpu: Processor): boolean {
  if (cpu.low(S.pendingInit) === 0) return false;
  const exits = cpu.intercepts.startSignal(cpu, 'INIT', 0);
  if (exits === 'blocked') return false;
  cpu.u32[S.pendingInit >> 2] = 0;
  if (!exits) initializeProcessor(cpu);
  return true;
}

/** SDM Vol. 3, "MP Initialization Protocol Algorithm for MP Systems": elsewhere than in the wait-for-SIPI state it is dropped. */
function takeStartUp(cpu: Processor): boolean {
  const pending = cpu.low(S.pendingStartUp), vector = pending & 0xff;
  cpu.u32[S.pendingStartUp >> 2] = 0;
  if (pending === 0 || cpu.activity !== ACTIVITY.waitForSipi) return false;
  if (cpu.nonRoot) return cpu.intercepts.startSignal(cpu, 'SIPI', vector) === true;
  startProcessor(cpu, vector);
  return true;
}

function takeDebugTrap(cpu: Processor): boolean {
  const pending = cpu.low(S.pendingDebug);
  if ((pending & DUE) === 0 || cpu.interruptibility & BLOCKING.MOV_SS) return false;
  cpu.set(S.pendingDebug, 0, 0);
  try { deliverException(cpu, new Exception(VECTORS['#DB'], 0, 0, 'single step, task switch or breakpoint of data or ports', pending & ~ENABLED_BREAKPOINT)); }
  catch (thrown) {
    if (thrown === STOP_BEFORE_DELIVERY) cpu.set(S.pendingDebug, pending, 0);
    throw thrown;
  }
  return true;
}

function takeNmi(cpu: Processor): boolean {
  const blocked = (cpu.interruptibility & BLOCKING.NMI) !== 0 && !cpu.intercepts.ignoresNmiBlocking(cpu);
  if (blocked || cpu.interruptibility & BLOCKING.MOV_SS) return false;
  if (cpu.observer.raise(TRAP.interrupt, [VECTORS.NMI, cpu.rip], () => 'Non-maskable interrupt.')) throw STOP_BEFORE_DELIVERY;
  cpu.u32[S.pendingNmi >> 2] = 0;
  if (cpu.nonRoot && cpu.intercepts.interrupt(cpu, 'NMI', () => VECTORS.NMI)) return true;
  deliver(cpu, { vector: VECTORS.NMI, type: EVENT.NMI, errorCode: undefined, instructionLength: 0 });
  return true;
}

/** An acknowledged vector is kept until it is delivered: the interrupt controller gives it only once. */
function acknowledge(cpu: Processor): number {
  const at = S.acknowledged >> 2;
  if (cpu.u32[at] === 0) cpu.u32[at] = ACKNOWLEDGED + cpu.acknowledgeInterrupt();
  return cpu.u32[at]! & 0xff;
}

const EXTERNAL_INTERRUPT: Sentence = ({ fields }) => `External interrupt, vector ${fields['vector']}.`;

function takeExternalInterrupt(cpu: Processor): boolean {
  if (cpu.low(S.acknowledged) === 0 && !cpu.interruptRequested()) return false;
  if (!interruptsEnabled(cpu)) return false;
  const forget = (): number => {
    const vector = acknowledge(cpu);
    cpu.u32[S.acknowledged >> 2] = 0;
    return vector;
  };
  if (cpu.nonRoot && cpu.intercepts.interrupt(cpu, 'external interrupt', forget)) return true;
  const vector = acknowledge(cpu);
  if (cpu.observer.raise(TRAP.interrupt, [vector, cpu.rip], EXTERNAL_INTERRUPT)) throw STOP_BEFORE_DELIVERY;
  forget();
  deliver(cpu, { vector, type: EVENT.externalInterrupt, errorCode: undefined, instructionLength: 0 });
  return true;
}

/** Whether something might be taken at this boundary: cheap, to be asked often. */
export const eventsPending = (cpu: Processor): boolean =>
  startSignals(cpu) || (cpu.low(S.pendingDebug) & DUE) !== 0 || cpu.low(S.pendingNmi) !== 0 || cpu.nonRoot ||
  ((cpu.low(S.acknowledged) !== 0 || cpu.interruptRequested()) && interruptsEnabled(cpu));

/** Whether the next boundary may be passed without a look at it. */
export function quietBoundary(cpu: Processor): boolean {
  if (startSignals(cpu)) return false;
  if ((cpu.low(S.pendingDebug) & DUE) !== 0 || cpu.low(S.pendingNmi) !== 0 || cpu.low(S.acknowledged) !== 0 || mustStep(cpu)) return false;
  return cpu.nonRoot ? !cpu.interruptRequested() && cpu.intercepts.quiet(cpu) : !cpu.interruptRequested() || !interruptsEnabled(cpu);
}

/** Whether instructions must be run one at a time, each between `beginStep` and `endStep`: single-step, virtual interrupts, breakpoints where they are met, blocking by STI or MOV SS. */
export const mustStep = (cpu: Processor): boolean =>
  (cpu.low(S.rflags) & (TF | RF)) !== 0 || virtualInterruptDue(cpu) || cpu.aloneNext || breaksOnExecution(cpu) || (cpu.interruptibility & SHADOW) !== 0;

/** Before the instruction: throws #DB for an instruction breakpoint, #GP for a virtual interrupt. What it returns is for `endStep`. */
export function beginStep(cpu: Processor): Step {
  cpu.aloneNext = false;
  const rflags = cpu.low(S.rflags), blocking = cpu.interruptibility & SHADOW;
  if ((rflags & RF) === 0 && (blocking & BLOCKING.MOV_SS) === 0) {
    const hit = instructionBreakpoints(cpu, unchecked(cpu, CS, cpu.rip));
    if (hit) throw new Exception(VECTORS['#DB'], 0, 0, 'instruction breakpoint', hit);
  }
  if (virtualInterruptDue(cpu)) throw new Exception(VECTORS['#GP'], 0, 0, 'VIF and VIP are both set: a virtual interrupt is due');
  return { flags: rflags & (TF | RF), blocking, deliveries: cpu.deliveries };
}
export interface Step { readonly flags: number; readonly blocking: number; readonly deliveries: number }

/** After it has retired or faulted: blocking ends, RF ends, TF makes a debug trap due, with IA32_DEBUGCTL.BTF only after a branch. */
export function endStep(cpu: Processor, began: Step, branched: boolean): void {
  cpu.interruptibility &= ~began.blocking;
  if (cpu.deliveries !== began.deliveries) return;
  setRflagsBits(cpu, began.flags & RF, 0);
  const traps = began.flags & TF && (branched || (cpu.low(S.debugControl) & BTF) === 0);
  if (traps && (cpu.interruptibility & BLOCKING.MOV_SS) === 0) cpu.set(S.pendingDebug, cpu.low(S.pendingDebug) | DR6.BS, 0);
}
