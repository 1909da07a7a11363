/** What the TLB panel asks for. */

import type { Rights } from '../kit/text.js';

export interface TlbEntry {
  linear: string;
  physical: string;
  guestPhysical?: string;
  size: string | number;
  rights: Rights;
  vpid: number;
  pcid: number;
  eptp: string;
  global: boolean;
  /** How the entry differs from what the tables say now. */
  stale?: string;
}

export type TlbRequests = {
  'ringside/tlb': { arguments: Record<string, never>; body: { entries: TlbEntry[] } };
};
