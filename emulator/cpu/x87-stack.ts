/** The x87 register stack, and what FCW and FSW mean. SDM Vol. 1, "x87 FPU Execution Environment", "x87 FPU Floating-Point Exception Conditions". */
import { ALL_FLAGS, environment, IE, PE, PRE_COMPUTATION } from '../float/environment.js';
import { packExtended, unpackExtended } from '../float/formats.js';
import { setIndefinite, softFloat, type SoftFloat } from '../float/number.js';
import { read8 } from '../paging/access.js';
import { CS, S } from './layout.js';
import type { Processor } from './processor.js';
import { segmentNumber, unchecked } from './references.js';

export const FSW = { SF: 1 << 6, ES: 1 << 7, C0: 1 << 8, C1: 1 << 9, C2: 1 << 10, C3: 1 << 14, B: 1 << 15, TOP: 7 << 11 } as const;
export const CONDITION_CODES = FSW.C0 | FSW.C1 | FSW.C2 | FSW.C3;
const TOP_SHIFT = 11;

export const env = environment('larger');
/** Precision control: single, (reserved), double, double extended. */
const PRECISIONS = [24, 64, 53, 64] as const;

const FSW_AT = S.fsw >> 2, FTW_AT = S.ftw >> 2, FCW_AT = S.fcw >> 2;

/** Start of an operation: rounding and masks from FCW, nothing reported yet. */
export function begin(cpu: Processor): void {
  const fcw = cpu.u32[FCW_AT]!;
  env.rounding = (fcw >> 10) & 3;
  env.precision = PRECISIONS[(fcw >> 8) & 3]!;
  env.masked = fcw & ALL_FLAGS;
  env.flags = 0;
  env.roundedUp = false;
}

const top = (cpu: Processor): number => (cpu.u32[FSW_AT]! >> TOP_SHIFT) & 7;
const physical = (cpu: Processor, i: number): number => (top(cpu) + i) & 7;
export const isEmpty = (cpu: Processor, i: number): boolean => (cpu.u32[FTW_AT]! & (1 << physical(cpu, i))) === 0;
export const registerAt = (cpu: Processor, i: number): number => S.x87 + 16 * physical(cpu, i);

export function setTag(cpu: Processor, i: number, valid: boolean): void {
  const bit = 1 << physical(cpu, i);
  if (valid) cpu.u32[FTW_AT]! |= bit; else cpu.u32[FTW_AT]! &= ~bit;
}
export function moveTop(cpu: Processor, by: number): void {
  cpu.u32[FSW_AT] = (cpu.u32[FSW_AT]! & ~FSW.TOP) | (((top(cpu) + by) & 7) << TOP_SHIFT);
}
export function load(cpu: Processor, i: number, to: SoftFloat): void {
  const at = registerAt(cpu, i) >> 2;
  unpackExtended(to, cpu.u32[at]!, cpu.u32[at + 1]!, cpu.u32[at + 2]! & 0xffff);
}
const words = { low: 0, high: 0, signExponent: 0 };
export function store(cpu: Processor, i: number, from: SoftFloat): void {
  packExtended(from, words);
  storeWords(cpu, i, words.low, words.high, words.signExponent);
}
export function storeWords(cpu: Processor, i: number, low: number, high: number, signExponent: number): void {
  const at = registerAt(cpu, i) >> 2;
  cpu.u32[at] = low;
  cpu.u32[at + 1] = high;
  cpu.u32[at + 2] = signExponent;
  setTag(cpu, i, true);
}
export function push(cpu: Processor, from: SoftFloat): void {
  moveTop(cpu, -1);
  store(cpu, 0, from);
}
export function pop(cpu: Processor): void {
  setTag(cpu, 0, false);
  moveTop(cpu, 1);
}

/** The last instruction that was not a control instruction; its opcode only when it raises an unmasked exception, as by default. */
export function remember(cpu: Processor, memory: boolean): void {
  cpu.set(S.fip, cpu.low(S.rip), cpu.high(S.rip));
  cpu.u32[S.fcs >> 2] = cpu.selector(CS);
  if (!memory) return;
  cpu.set(S.fdp, cpu.argumentLow(OFFSET), cpu.argumentHigh(OFFSET));
  cpu.u32[S.fds >> 2] = cpu.selector(segmentNumber(cpu.argumentLow(SEGMENT_AT)));
}
/** Where instructions with a memory operand pass its offset and segment. */
export const OFFSET = 2, SEGMENT_AT = 3;

/** Bits 10:0 of the instruction: low three bits of its first byte, then ModRM. */
function rememberOpcode(cpu: Processor): void {
  let at = unchecked(cpu, CS, cpu.rip);
  while ((read8(cpu, at) & 0xf8) !== 0xd8) at++;
  cpu.u32[S.fop >> 2] = ((read8(cpu, at) & 7) << 8) | read8(cpu, at + 1);
}

/** Sets the flags and C1; tells whether the exception goes unmasked. */
function report(cpu: Processor, flags: number, c1: boolean): boolean {
  const old = cpu.u32[FSW_AT]!;
  let fsw = (old & ~FSW.C1) | flags | (c1 ? FSW.C1 : 0);
  const unmasked = (flags & ALL_FLAGS & ~env.masked) !== 0;
  if (unmasked) {
    fsw |= FSW.ES | FSW.B;
    rememberOpcode(cpu);
  }
  cpu.u32[FSW_AT] = fsw;
  return unmasked;
}

/** "Stack underflow": false when it is unmasked, so that nothing else happens. */
export function underflow(cpu: Processor, memory = false): boolean {
  remember(cpu, memory);
  return !report(cpu, IE | FSW.SF, false);
}
export function overflow(cpu: Processor, memory = false): boolean {
  remember(cpu, memory);
  return !report(cpu, IE | FSW.SF, true);
}

/**
 * Reports what the operation collected in `env`. False: an unmasked exception found before computing, so the destination
 * stays as it is. Exceptions found afterwards let the result be stored.
 */
export function finish(cpu: Processor, memory = false): boolean {
  remember(cpu, memory);
  const { flags } = env;
  if (flags & PRE_COMPUTATION & ~env.masked) {
    report(cpu, flags & PRE_COMPUTATION, false);
    return false;
  }
  report(cpu, flags, (flags & PE) !== 0 && env.roundedUp);
  return true;
}
/** The same for a store to memory, which unmasked overflow and underflow prevent too. */
export function finishStore(cpu: Processor, preventing: number): boolean {
  const stored = (env.flags & preventing & ~env.masked) === 0;
  return finish(cpu, true) && stored;
}

export const indefinite = softFloat();
setIndefinite(indefinite);

export function setConditionCodes(cpu: Processor, codes: number): void {
  cpu.u32[FSW_AT] = (cpu.u32[FSW_AT]! & ~CONDITION_CODES) | codes;
}
