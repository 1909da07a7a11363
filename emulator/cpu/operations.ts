import type { Abandon } from './events.js';
import type { Processor } from './processor.js';

/**
 * A TypeScript operation called from an instruction's meaning: `compute` (inside it) or `perform` (completes it).
 * Arguments: `cpu.argument(n)` and its kin; results: `cpu.result(n, …)`. On entry `cpu.rip` is the offset of the instruction
 * and `cpu.nextRip` that of the one after it; a transfer sets `cpu.nextRip`. Faults are thrown (cpu/events.ts). ABANDON may
 * be thrown, or returned, which is cheaper by a microsecond: VM exits happen often.
 */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- most operations return nothing
export type Operation = (cpu: Processor) => void | Abandon;
export type Operations = Readonly<Record<string, Operation>>;
