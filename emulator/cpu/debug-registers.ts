/** Debug registers. SDM Vol. 3, "Debug Registers"; Vol. 2, "MOV—Move to/from Debug Registers". */
import { Exception, VECTORS } from './events.js';
import { S } from './layout.js';
import { BLOCKING, CR4 } from './modes.js';
import type { Processor } from './processor.js';

/** Bits of DR6; those of DR6_FIXED always read as 1. The B0–B3, BD and BS bits stand as in the VMCS pending debug exceptions. */
export const DR6 = { BD: 1 << 13, BS: 1 << 14 } as const;
/** BT of DR6: the T flag of a new task. */
export const TASK_SWITCH_TRAP = 1 << 15;
/** IA32_DEBUGCTL: single-step on branches. There are no last-branch records, so that LBR is a reserved bit. */
export const BTF = 1 << 1;
/** In the pending debug exceptions: at least one of B0–B3 is of an enabled breakpoint. */
export const ENABLED_BREAKPOINT = 1 << 12;
export const DR6_FIXED = 0xffff0ff0, DR7_FIXED = 0x400;
const PAGE = 4096;
const DR6_WRITABLE = 0xe00f, DR7_WRITABLE = 0xffff23ff, DR7_GD = 1 << 13;

export const dr = (n: number): number => S.dr + 8 * n;

/** Checks common to both directions; returns the register meant (DR4 and DR5 are DR6 and DR7 while CR4.DE is 0). */
export function debugRegister(cpu: Processor, n: number): number {
  if ((n === 4 || n === 5) && cpu.cr4 & CR4.DE) throw new Exception(VECTORS['#UD'], 0, 0, `DR${n} with CR4.DE`);
  if (n > 7) throw new Exception(VECTORS['#UD'], 0, 0, `there is no DR${n}`);
  if (cpu.cpl !== 0) throw new Exception(VECTORS['#GP'], 0, 0, `access to DR${n} at CPL ${cpu.cpl}`);
  return n === 4 || n === 5 ? n + 2 : n;
}

/** General detect: any access while DR7.GD is 1. */
export function checkGeneralDetect(cpu: Processor): void {
  if (cpu.low(dr(7)) & DR7_GD) throw new Exception(VECTORS['#DB'], 0, 0, 'access to a debug register with DR7.GD', DR6.BD);
}

export function writeDebugRegister(cpu: Processor, n: number, low: number, high: number): void {
  if (n < 4) {
    cpu.set(dr(n), low, high);
    cpu.mmu.debugRegistersChanged();
    return;
  }
  if (high !== 0) throw new Exception(VECTORS['#GP'], 0, 0, `DR${n}: a bit above 31 is set`);
  if (n === 6) { cpu.set(dr(6), ((low & DR6_WRITABLE) | DR6_FIXED) >>> 0, 0); return; }
  setDr7(cpu, low);
}

export function setDr7(cpu: Processor, value: number): void {
  cpu.set(dr(7), ((value & DR7_WRITABLE) | DR7_FIXED) >>> 0, 0);
  cpu.mmu.debugRegistersChanged();
}

/** R/Wn of DR7. */
const KIND = { execution: 0, write: 1, io: 2, access: 3 } as const;
const enabled = (dr7: number, b: number): boolean => ((dr7 >>> (2 * b)) & 3) !== 0;
const kindOf = (dr7: number, b: number): number => (dr7 >>> (16 + 4 * b)) & 3;
const LENGTHS = [1, 2, 8, 4] as const;
const lengthOf = (dr7: number, b: number): number => LENGTHS[(dr7 >>> (18 + 4 * b)) & 3]!;
const ofData = (dr7: number, b: number): boolean => enabled(dr7, b) && (kindOf(dr7, b) === KIND.write || kindOf(dr7, b) === KIND.access);
/** Where a breakpoint of that length begins: the processor looks at no lower bits. */
const begin = (cpu: Processor, b: number, bytes: number): number => cpu.number(dr(b)) - (cpu.low(dr(b)) & (bytes - 1));

/** The enabled breakpoints (as DR6 bits) of a kind that overlap a range. */
function overlapping(cpu: Processor, first: number, bytes: number, applies: (kind: number) => boolean): number {
  const dr7 = cpu.low(dr(7));
  let hit = 0;
  for (let b = 0; b < 4; b++) {
    if (!enabled(dr7, b) || !applies(kindOf(dr7, b))) continue;
    const length = lengthOf(dr7, b), start = begin(cpu, b, length);
    if (first < start + length && first + bytes > start) hit |= 1 << b;
  }
  return hit;
}
export const dataBreakpoints = (cpu: Processor, linear: number, bytes: number, writes: boolean): number =>
  overlapping(cpu, linear, bytes, (kind) => kind === KIND.access || (writes && kind === KIND.write));
/** Debug traps of data and ports become due when the instruction is over. */
export function notice(cpu: Processor, hit: number): void {
  if (hit !== 0) cpu.set(S.pendingDebug, cpu.low(S.pendingDebug) | hit | ENABLED_BREAKPOINT, 0);
}
/** What an instruction accessed that faults, or exits, is no reason for one; what the MOV SS before it accessed remains. */
export function forgetHits(cpu: Processor): void {
  const pending = cpu.low(S.pendingDebug);
  if (pending & ENABLED_BREAKPOINT && (cpu.interruptibility & BLOCKING.MOV_SS) === 0) cpu.set(S.pendingDebug, pending & ~(0xf | ENABLED_BREAKPOINT), 0);
}
/** They need CR4.DE. */
export const portBreakpoints = (cpu: Processor, port: number, bytes: number): number =>
  cpu.cr4 & CR4.DE ? overlapping(cpu, port, bytes, (kind) => kind === KIND.io) : 0;

/** Linear addresses of the pages in which data breakpoints lie: each lies in one. */
export function dataBreakpointPages(cpu: Processor): number[] {
  const dr7 = cpu.low(dr(7));
  return [0, 1, 2, 3].filter((b) => ofData(dr7, b)).map((b) => begin(cpu, b, PAGE));
}

export const breaksOnExecution = (cpu: Processor): boolean => {
  const dr7 = cpu.low(dr(7));
  return (dr7 & 0xff) !== 0 && [0, 1, 2, 3].some((b) => enabled(dr7, b) && kindOf(dr7, b) === KIND.execution);
};

/** Which instruction breakpoints (as DR6 bits) hit at a linear address. */
export function instructionBreakpoints(cpu: Processor, linear: number): number {
  const dr7 = cpu.low(dr(7));
  let hit = 0;
  for (let b = 0; b < 4; b++)
    if (enabled(dr7, b) && kindOf(dr7, b) === KIND.execution && cpu.number(dr(b)) === linear) hit |= 1 << b;
  return hit;
}
