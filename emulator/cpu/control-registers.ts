/** MOV to control registers: checks, then effects. SDM Vol. 3, "Control Registers". */
import type { Processor } from './processor.js';

/** Each checks as the MOV does (#GP(0)) and performs all effects; no intercepts. `high`: bits 63:32. */
export function writeCr0(cpu: Processor, value: number, high = 0): void { throw new Error(`not implemented: ${cpu.id} ${value} ${high}`); }
export function writeCr3(cpu: Processor, value: number, high = 0): void { throw new Error(`not implemented: ${cpu.id} ${value} ${high}`); }
export function writeCr4(cpu: Processor, value: number, high = 0): void { throw new Error(`not implemented: ${cpu.id} ${value} ${high}`); }
export function writeCr8(cpu: Processor, value: number, high = 0): void { throw new Error(`not implemented: ${cpu.id} ${value} ${high}`); }
/** CR4 bits that this processor does not have. */
export const cr4Reserved = (cpu: Processor): number => { throw new Error(`not implemented: ${cpu.id}`); };
/** Loads the PDPTEs of PAE paging from `cr3`; false, and nothing loaded, when a reserved bit is set. */
export function loadPdptes(cpu: Processor, cr3: number): boolean { throw new Error(`not implemented: ${cpu.id} ${cr3}`); }
