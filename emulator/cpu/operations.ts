import type { Processor } from './processor.js';

/**
 * A TypeScript operation called from an instruction's meaning: `compute` (inside it) or `perform` (completes it).
 * Arguments: `cpu.argument(n)` and its kin; results: `cpu.result(n, …)`. On entry `cpu.rip` is the offset of the instruction
 * and `cpu.nextRip` that of the one after it; a transfer sets `cpu.nextRip`. Faults are thrown (cpu/events.ts).
 */
export type Operation = (cpu: Processor) => void;
export type Operations = Readonly<Record<string, Operation>>;
