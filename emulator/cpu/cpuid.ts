/** What the processor says it is. SDM Vol. 2, "CPUID—CPU Identification". */
import type { Processor } from './processor.js';

/** Width of physical addresses, in bits. */
export const MAX_PHYSICAL_BITS = 39;
export interface CpuidResult { readonly eax: number; readonly ebx: number; readonly ecx: number; readonly edx: number }
export function cpuid(cpu: Processor, leaf: number, subleaf: number): CpuidResult { throw new Error(`not implemented: ${cpu.id} ${leaf} ${subleaf}`); }
