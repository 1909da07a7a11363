/** What the trap ledger's panel asks for. `at` counts retired instructions. */

export interface TrapRow {
  at: number | string;
  cpu: number;
  kind: string;
  name: string;
  rip: string;
  symbol?: string;
  detail: string;
  world: string;
  /** Of an event that belongs to an interrupt: all of it, from what came to the processor to the end of what came of it. */
  thread?: { at: number; role: string; says: string }[];
}

export interface TrapCount {
  name: string;
  count: number;
  /** Of VM exits, as the ledger measures them: instructions up to the next VM entry, and the instant of the exit that took the most. */
  served?: { count: number; total: number; least: number; most: number; mostAt: number };
}

export interface TrapPage {
  total: number;
  rows: TrapRow[];
  counts: TrapCount[];
}

export type TrapRequests = {
  'ringside/traps': { arguments: { filter?: string; start: number; count: number }; body: TrapPage };
};
