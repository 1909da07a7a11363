/** From an exception to its handler, or to a double or triple fault. SDM Vol. 3, "Interrupt and Exception Handling". */
import { BTF } from './debug-registers.js';
import { deliverEvent, EVENT } from './event-delivery.js';
import { ABANDON, Exception, hasErrorCode, STOP_BEFORE_DELIVERY, VECTORS, vectorName } from './events.js';
import type { EventInDelivery } from './intercepts.js';
import { S } from './layout.js';
import { ACTIVITY } from './modes.js';
import type { Processor } from './processor.js';
import { TRAP } from './trap-events.js';

export { deliverEvent, EVENT } from './event-delivery.js';

const DB = VECTORS['#DB'], DF = VECTORS['#DF'], PF = VECTORS['#PF'];
const CONTRIBUTORY = new Set<number>([VECTORS['#DE'], VECTORS['#TS'], VECTORS['#NP'], VECTORS['#SS'], VECTORS['#GP'], VECTORS['#CP']]);
const isPageFault = (vector: number): boolean => vector === PF || vector === VECTORS['#VE'];

/** SDM Vol. 3, "Interrupt 8—Double Fault Exception (#DF)": conditions for generating a double fault; after one, shutdown. */
function combination(first: EventInDelivery | undefined, second: number): 'serial' | 'double fault' | 'triple fault' {
  if (first?.type !== EVENT.hardwareException) return 'serial';
  const serious = CONTRIBUTORY.has(second) || isPageFault(second);
  if (first.vector === DF) return serious || second === DF ? 'triple fault' : 'serial';
  if (CONTRIBUTORY.has(first.vector)) return CONTRIBUTORY.has(second) ? 'double fault' : 'serial';
  return isPageFault(first.vector) && serious ? 'double fault' : 'serial';
}

const hex = (n: number): string => (n < 0 ? `0x${(BigInt.asUintN(64, BigInt(n))).toString(16)}` : `0x${n.toString(16)}`);

function describe(protectedMode: boolean, rip: number, e: Exception): string {
  const error = protectedMode && hasErrorCode(e.vector) ? `(${hex(e.errorCode)})` : '';
  const address = e.vector === PF ? ` for address ${hex(e.cr2)}` : '';
  return `${vectorName(e.vector)}${error}${address} at RIP ${hex(rip)}${e.why ? `: ${e.why}` : ''}`;
}

export const exceptionSays = (protectedMode: boolean, rip: number, e: Exception): string => `${describe(protectedMode, rip, e)}.`;

/** Delivers a fault of the current instruction, or of the delivery in `cpu.delivering`; rip and nextRip are then those of the handler. */
export function deliverException(cpu: Processor, exception: Exception): void {
  let first = cpu.delivering, current = exception;
  cpu.delivering = undefined;
  const begun = first, chain: { readonly rip: number; readonly exception: Exception }[] = [];
  for (;;) {
    chain.push({ rip: cpu.rip, exception: current });
    const how = combination(first, current.vector);
    // The exception bitmap is asked about a fault of a delivery before it becomes a double fault.
    if (how !== 'serial') intercept(cpu, current, first);
    if (how === 'triple fault') {
      const faults = chain.map(({ rip, exception: each }) => describe(cpu.protectedMode, rip, each));
      tripleFault(cpu, current, begun ? [`${eventName(begun)} was being delivered`, ...faults] : faults);
      return;
    }
    if (how === 'double fault') {
      current = new Exception(DF, 0, 0, `${vectorName(current.vector)} during the delivery of ${vectorName(first!.vector)}`);
      chain.push({ rip: cpu.rip, exception: current });
      first = undefined;
    }
    const failed = deliverOnce(cpu, current, first, chain.length === 1 && begun === undefined);
    if (!failed) return;
    first = cpu.delivering;
    cpu.delivering = undefined;
    current = failed;
  }
}

const eventName = (event: EventInDelivery): string =>
  event.type === EVENT.externalInterrupt ? `external interrupt ${event.vector}` : event.type === EVENT.softwareInterrupt ? `INT ${event.vector}` : vectorName(event.vector);

/** One attempt; returns the exception that it ran into. Only the first of a chain can be met again, so only that one can be stopped before. */
function deliverOnce(cpu: Processor, e: Exception, during: EventInDelivery | undefined, stoppable: boolean): Exception | undefined {
  const { vector } = e, errorCode = intercept(cpu, e, during);
  const rip = cpu.rip;
  const stop = cpu.observer.raise(TRAP.exception, [vector, errorCode ?? 0, e.cr2, rip], () => exceptionSays(cpu.protectedMode, rip, e));
  if (stop && stoppable) throw STOP_BEFORE_DELIVERY;
  if (vector === PF) cpu.cr2 = e.cr2;
  if (vector === DB) enterDebugException(cpu, e.pendingDebug);
  try {
    deliverEvent(cpu, { vector, type: EVENT.hardwareException, errorCode, instructionLength: 0 });
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Exception) return thrown;
    throw thrown;
  }
}

/** Asks for a VM exit; returns the error code that is to be pushed. */
function intercept(cpu: Processor, e: Exception, during: EventInDelivery | undefined): number | undefined {
  const { vector } = e, errorCode = cpu.protectedMode && hasErrorCode(vector) ? e.errorCode : undefined;
  cpu.intercepts.exception(cpu, vector, errorCode, vector === PF ? e.cr2 : vector === DB ? e.pendingDebug : 0, during);
  return errorCode;
}

/** DR6 says why, DR7.GD and IA32_DEBUGCTL.BTF are cleared. SDM Vol. 3, "Debug Registers". */
function enterDebugException(cpu: Processor, pending: number): void {
  const dr6 = S.dr + 48, dr7 = S.dr + 56;
  cpu.set(dr6, ((cpu.low(dr6) & ~0xf) | (pending & 0xe00f)) >>> 0, 0);
  cpu.set(dr7, (cpu.low(dr7) & ~0x2000) >>> 0, 0);
  cpu.u32[S.debugControl >> 2]! &= ~BTF;
}

function tripleFault(cpu: Processor, last: Exception, chain: readonly string[]): void {
  cpu.autopsy = [...chain, 'Triple fault: the processor shuts down'];
  if (cpu.intercepts.tripleFault(cpu)) throw ABANDON;
  cpu.activity = ACTIVITY.shutdown;
  cpu.nextRip = cpu.rip;
  cpu.observer.raise(TRAP['triple fault'], [last.vector, last.errorCode, last.cr2, cpu.rip], () => `${cpu.autopsy.join('. ')}.`);
}

/** Delivers an event, and whatever exceptions come of it: interrupts, and injection at VM entry. */
export function deliver(cpu: Processor, event: EventInDelivery): void {
  try { deliverEvent(cpu, event); }
  catch (thrown) {
    if (!(thrown instanceof Exception)) throw thrown;
    deliverException(cpu, thrown);
  }
}
