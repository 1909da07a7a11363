/** Why the interpreter left WebAssembly (S.exitReason), and what that says about the instruction at S.exitRecord. */
export const EXIT = {
  /** The block has ended; S.rip is where to go on. */
  target: 0,
  /** At the record's instruction, which has not retired: a breakpoint, code that changed, an exhausted budget, a fault. */
  at: 1,
  /** The record's instruction has retired in TypeScript; S.rip is where to go on. */
  after: 2,
  /** The record's instruction has not retired, but what came of it (a fault, a VM exit) is done; S.rip is where to go on. */
  settled: 3,
} as const;
