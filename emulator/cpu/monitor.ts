/** Waiting for a store to a monitored line. SDM Vol. 2, "MONITOR—Set Up Monitor Address", "MWAIT—Monitor Wait"; Vol. 3, "MONITOR/MWAIT Instruction". */
import { READ } from '../paging/mmu.js';
import { type Abandon, Exception, VECTORS } from './events.js';
import { MAP, S } from './layout.js';
import { ACTIVITY } from './modes.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';
import { linearAddress, segmentNumber } from './references.js';
import { TRAP } from './trap-events.js';

/** S.monitor: whether the line is watched, and whether MWAIT waits for it; `interruptible`: for an interrupt as well, whether IF allows it or not. */
const MONITOR = { none: 0, armed: 1, waiting: 2, interruptible: 3 } as const;
/** Bytes of a line, as CPUID leaf 5 says. */
export const MONITOR_LINE = 64;
/** IA32_MISC_ENABLE: "ENABLE MONITOR FSM". */
export const ENABLE_MONITOR = 1 << 18;
const RCX = 1, BREAK_ON_INTERRUPT = 1;

const stateOf = (cpu: Processor): number => cpu.low(S.monitor);
const setState = (cpu: Processor, state: number): void => { cpu.u32[S.monitor >> 2] = state; };
const line = (cpu: Processor): Uint8Array => cpu.u8.subarray(MAP.guestMemory + cpu.unsigned(S.monitorAddress), MAP.guestMemory + cpu.unsigned(S.monitorAddress) + MONITOR_LINE);

/** What a store to the line changes. One that stores what is there already lets nobody go on who looks at the line. */
function lineChanged(cpu: Processor): boolean {
  return cpu.unsigned(S.monitorAddress) < cpu.guestBytes && line(cpu).some((byte, n) => byte !== cpu.u8[S.monitorLine + n]);
}

function demandEnabled(cpu: Processor, name: string): void {
  if (cpu.cpl !== 0 || (cpu.low(S.miscEnable) & ENABLE_MONITOR) === 0) throw new Exception(VECTORS['#UD'], 0, 0, `${name} at CPL ${cpu.cpl}, or without "ENABLE MONITOR FSM" of IA32_MISC_ENABLE`);
}

/** Arguments: offset, place of the segment register in the state. */
function monitor(cpu: Processor): Abandon | undefined {
  demandEnabled(cpu, 'MONITOR');
  const exited = cpu.intercepts.instruction(cpu, 'MONITOR');
  if (exited) return exited;
  if (cpu.reg32(RCX) !== 0) throw new Exception(VECTORS['#GP'], 0, 0, 'MONITOR: ECX is not 0');
  const linear = linearAddress(cpu, segmentNumber(cpu.argumentLow(1)), cpu.code64 ? cpu.argument(0) : cpu.argumentLow(0), 1, false);
  const physical = cpu.mmu.translate(linear, READ, false);
  cpu.setNumber(S.monitorAddress, physical - physical % MONITOR_LINE);
  if (physical < cpu.guestBytes) cpu.u8.set(line(cpu), S.monitorLine);
  setState(cpu, MONITOR.armed);
}

/** Without a line that is watched it does nothing. */
function mwait(cpu: Processor): Abandon | undefined {
  demandEnabled(cpu, 'MWAIT');
  const armed = stateOf(cpu) === MONITOR.armed, exited = cpu.intercepts.instruction(cpu, 'MWAIT', armed ? 1 : 0);
  if (exited) return exited;
  const extensions = cpu.reg32(RCX);
  if ((extensions & ~BREAK_ON_INTERRUPT) !== 0) throw new Exception(VECTORS['#GP'], 0, 0, `MWAIT: extensions 0x${extensions.toString(16)} in ECX`);
  if (!armed || lineChanged(cpu)) { setState(cpu, MONITOR.none); return undefined; }
  setState(cpu, extensions === 0 ? MONITOR.waiting : MONITOR.interruptible);
  cpu.activity = ACTIVITY.HLT;
  cpu.observer.raise(TRAP.halt, [cpu.rip], () => `MWAIT for a store to the line at physical address 0x${cpu.unsigned(S.monitorAddress).toString(16)}.`);
}

/** Whether the processor waits by MWAIT. To everybody else it is active: a VM exit or an event finds it between two instructions. */
export const waitsForStore = (cpu: Processor): boolean => cpu.activity === ACTIVITY.HLT && stateOf(cpu) >= MONITOR.waiting;

/** Ends the wait when the line has changed, or for an interrupt that is to end it. */
export function endWait(cpu: Processor): boolean {
  if (!lineChanged(cpu) && !(stateOf(cpu) === MONITOR.interruptible && cpu.interruptRequested())) return false;
  setState(cpu, MONITOR.none);
  cpu.activity = ACTIVITY.active;
  return true;
}

export const MONITOR_OPERATIONS: Operations = { MONITOR: monitor, MWAIT: mwait };
