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
}

export interface TrapPage {
  total: number;
  rows: TrapRow[];
  counts: { name: string; count: number }[];
}

export type TrapRequests = {
  'ringside/traps': { arguments: { filter?: string; start: number; count: number }; body: TrapPage };
};
