/** Model-specific registers as one table. SDM Vol. 4, "Model-Specific Registers (MSRs)". */
import type { Processor } from './processor.js';

export interface Msr {
  readonly index: number;
  readonly name: string;
  read(cpu: Processor): bigint;
  /** Throws #GP(0) when the value is not allowed. Absent: read-only. */
  write?(cpu: Processor, value: bigint): void;
}
/** vmx/ and devices add theirs. */
export function registerMsrs(cpu: Processor, msrs: readonly Msr[]): void { throw new Error(`not implemented: ${cpu.id} ${msrs.length}`); }
export const findMsr = (cpu: Processor, index: number): Msr | undefined => { throw new Error(`not implemented: ${cpu.id} ${index}`); };
/** RDMSR and WRMSR without intercepts; #GP(0) when there is no such MSR or the value is wrong. */
export function readMsr(cpu: Processor, index: number): bigint { throw new Error(`not implemented: ${cpu.id} ${index}`); }
export function writeMsr(cpu: Processor, index: number, value: bigint): void { throw new Error(`not implemented: ${cpu.id} ${index} ${value}`); }
