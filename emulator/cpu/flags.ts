/** The status flags, kept lazily, as TypeScript reads and sets them. SDM Vol. 1, "EFLAGS Register". */
import { S } from './layout.js';
import type { Processor } from './processor.js';

export const CF = 1 << 0, PF = 1 << 2, AF = 1 << 4, ZF = 1 << 6, SF = 1 << 7, OF = 1 << 11;
export const STATUS_FLAGS = CF | PF | AF | ZF | SF | OF;
/** The others, in S.rflags. */
export const TF = 1 << 8, IF = 1 << 9, DF = 1 << 10, IOPL = 3 << 12, NT = 1 << 14, RF = 1 << 16, VM = 1 << 17, AC = 1 << 18,
  VIF = 1 << 19, VIP = 1 << 20, ID = 1 << 21;

/** S.flagRule of flags that stand as they are: S.flagA holds the six flags at their places in RFLAGS. */
const EXPLICIT = 0;

/** The six status flags at their places in RFLAGS. */
export function statusFlags(cpu: Processor): number {
  const rule = cpu.low(S.flagRule);
  if (rule === EXPLICIT) return cpu.low(S.flagA) & STATUS_FLAGS;
  throw new Error(`not implemented: status flags of rule ${rule}`);
}

export function setStatusFlags(cpu: Processor, bits: number): void {
  cpu.set(S.flagRule, EXPLICIT, 0);
  cpu.set(S.flagA, bits & STATUS_FLAGS, 0);
}

export const getRflags = (cpu: Processor): number => cpu.low(S.rflags) | statusFlags(cpu);

export function setRflags(cpu: Processor, value: number): void {
  cpu.set(S.rflags, (value & ~STATUS_FLAGS) | 2, 0);
  setStatusFlags(cpu, value);
}
