/** The TLB as people read it: every live entry, and how it differs from what the paging structures say now. Changes nothing. */
import {
  DIRTY, EPT_RIGHTS_SHIFT, EXECUTE, EXECUTE_DISABLE, GLOBAL, hex, READ, USER, WalkOutcome, WRITABLE, type AccessKind,
} from './outcome.js';
import type { Mmu } from './mmu.js';
import { NO_EPT, UNPAGED } from './spaces.js';
import { TLB_ENTRIES } from './tlb.js';
import { walk } from './walk.js';

export interface TlbListing {
  /** SDM Vol. 3C, "Information That May Be Cached". */
  readonly kind: 'linear' | 'combined' | 'guest-physical';
  /** Undefined for guest-physical mappings, which have neither. */
  readonly vpid: number | undefined;
  readonly pcid: number | undefined;
  /** Undefined for linear mappings. */
  readonly ep4ta: number | undefined;
  readonly global: boolean;
  /** Undefined for guest-physical mappings. */
  readonly linear: number | undefined;
  readonly guestPhysical: number;
  readonly physical: number;
  /** What the entry covers, and the page in the guest's tables (smaller regions of EPT split it). */
  readonly pageBytes: number;
  readonly guestPageBytes: number;
  readonly rights: { readonly write: boolean; readonly user: boolean; readonly execute: boolean };
  readonly eptRights: { readonly read: boolean; readonly write: boolean; readonly execute: boolean; readonly executeUser: boolean } | undefined;
  readonly dirty: boolean;
  /** Whether the processor may use it at this moment. */
  readonly usable: boolean;
  /** What a walk says now, when that is something else: the entry is stale. */
  readonly stale: string | undefined;
}

export function listTlb(mmu: Mmu): TlbListing[] {
  const { tlb } = mmu, list: TlbListing[] = [];
  for (let n = 0; n < TLB_ENTRIES; n++) if (tlb.isLive(n)) list.push(listing(mmu, n));
  return list.sort((a, b) => (a.vpid ?? UNPAGED) - (b.vpid ?? UNPAGED) || (a.pcid ?? UNPAGED) - (b.pcid ?? UNPAGED)
    || (a.linear ?? a.guestPhysical) - (b.linear ?? b.guestPhysical));
}

function listing(mmu: Mmu, n: number): TlbListing {
  const { tlb } = mmu, space = tlb.space(n)!, rights = tlb.rights[n]!, page = tlb.page[n]!;
  const unpaged = space.vpid === UNPAGED, noEpt = space.ep4ta === NO_EPT, ept = rights >> EPT_RIGHTS_SHIFT;
  return {
    kind: unpaged ? 'guest-physical' : noEpt ? 'linear' : 'combined',
    vpid: unpaged ? undefined : space.vpid,
    pcid: unpaged ? undefined : space.pcid,
    ep4ta: noEpt ? undefined : space.ep4ta,
    global: (rights & GLOBAL) !== 0,
    linear: unpaged ? undefined : page,
    guestPhysical: tlb.guestPhysical[n]!,
    physical: tlb.physical[n]!,
    pageBytes: 2 ** tlb.shift[n]!,
    guestPageBytes: 2 ** tlb.guestShift[n]!,
    rights: { write: (rights & WRITABLE) !== 0, user: (rights & USER) !== 0, execute: (rights & EXECUTE_DISABLE) === 0 },
    eptRights: noEpt ? undefined : { read: (ept & 1) !== 0, write: (ept & 2) !== 0, execute: (ept & 4) !== 0, executeUser: (ept & 8) !== 0 },
    dirty: (rights & DIRTY) !== 0,
    usable: tlb.lookup(page) === n,
    stale: staleness(mmu, n),
  };
}

/** Compares an entry with a walk in the space it belongs to, with the registers of the last walk made there. */
export function staleness(mmu: Mmu, n: number): string | undefined {
  const { tlb, spaces } = mmu, space = tlb.space(n)!, cached = tlb.rights[n]!;
  const state = space === spaces.current ? mmu.currentState() : space.state;
  const kind: AccessKind = (cached >> EPT_RIGHTS_SHIFT & 1 << READ) !== 0 ? READ : EXECUTE;
  const now = new WalkOutcome();
  walk(mmu.cpu, state, tlb.page[n]!, kind, 0, now);
  if (now.is !== 'mapped') return `a walk now ends in ${now.is === 'page fault' ? 'a' : 'an'} ${now.is}: ${now.why}`;
  if (now.physical !== tlb.physical[n]!) return `a walk now leads to physical address ${hex(now.physical)}`;
  if (now.guestPhysical !== tlb.guestPhysical[n]!) return `a walk now goes through guest-physical address ${hex(now.guestPhysical)}`;
  if (((now.rights ^ cached) & ~DIRTY) !== 0) return `a walk now finds other rights: ${differences(cached, now.rights)}`;
  return now.pageShift < tlb.shift[n]! ? `a walk now finds a page of ${2 ** now.pageShift} bytes` : undefined;
}

const NAMES: readonly [bit: number, name: string][] = [
  [WRITABLE, 'R/W'], [USER, 'U/S'], [EXECUTE_DISABLE, 'XD'], [GLOBAL, 'global'],
  [1 << EPT_RIGHTS_SHIFT, 'EPT read'], [2 << EPT_RIGHTS_SHIFT, 'EPT write'], [4 << EPT_RIGHTS_SHIFT, 'EPT execute'], [8 << EPT_RIGHTS_SHIFT, 'EPT execute (user mode)'],
];
const differences = (cached: number, now: number): string =>
  NAMES.filter(([bit]) => ((cached ^ now) & bit) !== 0).map(([bit, name]) => `${name} ${cached & bit ? '1 → 0' : '0 → 1'}`).join(', ');
