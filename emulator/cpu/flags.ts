/** RFLAGS as TypeScript reads and sets it: the status flags are kept lazily. SDM Vol. 1, "EFLAGS Register". */
import { EXPLICIT, STATUS_FLAGS } from '../meaning/flags.js';
import { S } from './layout.js';
import type { Processor } from './processor.js';

export { AF, CF, OF, PF, SF, STATUS_FLAGS, ZF } from '../meaning/flags.js';
/** The others, in S.rflags. */
export const TF = 1 << 8, IF = 1 << 9, DF = 1 << 10, IOPL = 3 << 12, NT = 1 << 14, RF = 1 << 16, VM = 1 << 17, AC = 1 << 18,
  VIF = 1 << 19, VIP = 1 << 20, ID = 1 << 21;
/** How far bit 19 (VIF) lies above bit 9 (IF). */
export const VIF_ABOVE_IF = 10;

/** The six status flags at their places in RFLAGS. */
export function statusFlags(cpu: Processor): number {
  return cpu.low(S.flagRule) === EXPLICIT ? cpu.low(S.flagA) & STATUS_FLAGS : cpu.lazyStatus();
}

export function setStatusFlags(cpu: Processor, bits: number): void {
  cpu.set(S.flagRule, EXPLICIT, 0);
  cpu.set(S.flagA, bits & STATUS_FLAGS, 0);
  cpu.set(S.flagResult, 0, 0);
}

export const getRflags = (cpu: Processor): number => cpu.low(S.rflags) | statusFlags(cpu);

export function setRflags(cpu: Processor, value: number): void {
  cpu.set(S.rflags, (value & ~STATUS_FLAGS) | 2, 0);
  setStatusFlags(cpu, value);
}
