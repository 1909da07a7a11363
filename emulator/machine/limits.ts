/** What a machine may be given, and has if nothing is said. */

/** Instructions of a turn, where several processors take turns. */
export const DEFAULT_QUANTUM = 10_000, MOST_QUANTUM = 1_000_000;
/** Virtual time of an instruction. */
export const MOST_NANOSECONDS = 1000;
/** 1 January 2026, in seconds since 1970: what the clock of the PC shows at reset. */
export const EPOCH_SECONDS = 1_767_225_600;

export { MOST_MEMORY } from '../boot/memory-map.js';
