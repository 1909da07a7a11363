/** What the page-table panel asks for: tables entry by entry, and the walk of one address. */
import type { Rights } from '../kit/text.js';

export type Root = 'guest' | 'ept';
export type Access = 'read' | 'write' | 'execute';
export type Space = 'linear' | 'guest-physical';

export interface TableEntry {
  index: number;
  entryAddress: string;
  value: string;
  present: boolean;
  leaf: boolean;
  /** The next table, or the page. */
  target: string;
  /** The first address that the entry translates. */
  linear: string;
  size: string | number;
  rights: Rights;
  accessed: boolean;
  dirty: boolean;
  global: boolean;
}

export interface Table {
  levels: number;
  entries: TableEntry[];
}

export interface WalkStep {
  stage: 'guest' | 'ept';
  /** For a load from the EPT: the guest entry whose address it translates. */
  for?: string;
  level: number;
  name: string;
  entryAddress: string;
  entryHostAddress?: string;
  value: string;
  rights: Rights;
  denied?: string;
}

export interface WalkOutcome {
  kind: 'mapped' | 'page fault' | 'EPT violation' | 'EPT misconfiguration' | 'APIC access';
  physical?: string;
  errorCode?: string | number;
  qualification?: string;
  sentence: string;
}

export interface Walk {
  steps: WalkStep[];
  outcome: WalkOutcome;
}

export interface WalkQuestion {
  linear: string;
  access: Access;
  user?: boolean;
  space: Space;
}

export type PageTableRequests = {
  'ringside/pageTable': { arguments: { root: Root; table?: string; level?: number }; body: Table };
  'ringside/walk': { arguments: WalkQuestion; body: Walk };
};

/** What `show` brings: an address to walk. */
export interface ShowWalk {
  linear: string;
  space: Space;
}
