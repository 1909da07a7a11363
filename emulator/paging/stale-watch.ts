/**
 * Watches for uses of stale translations: an invalidation is missing. While it watches, pages that hold paging structures
 * have no write entries in the fast TLB, and a write to one empties it, so that every cached translation that might have
 * become stale is met again. The processor does what it does without it; only slower.
 */
import { TRAP } from '../cpu/trap-events.js';
import type { Mmu } from './mmu.js';
import { hex, READ, WalkOutcome, type AccessKind, type WalkStep } from './outcome.js';
import { staleness } from './tlb-listing.js';
import { TLB_ENTRIES } from './tlb.js';
import { walk } from './walk.js';

const VERBS = ['reads', 'writes', 'executes'] as const;

export class StaleWatch {
  /** By physical page: nonzero when a translation came from it. */
  private readonly structures: Uint8Array;
  /** By entry: the sentence that was told already. */
  private readonly told = new Map<number, string>();

  constructor(private readonly mmu: Mmu) {
    this.structures = new Uint8Array(mmu.codePages.length);
    for (let n = 0; n < TLB_ENTRIES; n++) if (mmu.tlb.isLive(n)) this.cached(n);
    mmu.fast.clear();
  }

  /** A translation was cached as entry n: notes where it came from. */
  cached(n: number): void {
    const { mmu } = this, space = mmu.tlb.space(n)!, steps: WalkStep[] = [];
    walk(mmu.cpu, space.state, mmu.tlb.page[n]!, READ, 0, new WalkOutcome(), steps);
    for (const { physical } of steps) {
      if (physical === undefined) continue;
      const page = Math.floor(physical / 4096);
      if (this.structures[page] !== 0) continue;
      this.structures[page] = 1;
      mmu.fast.dropWritesTo(page);
    }
    this.told.delete(n);
  }

  /** Entry n serves an access. */
  used(n: number, linear: number, kind: AccessKind): void {
    const { mmu } = this, stale = staleness(mmu, n);
    if (stale === undefined || this.told.get(n) === stale) return;
    this.told.set(n, stale);
    const physical = mmu.tlb.physical[n]! + (linear - mmu.tlb.page[n]!);
    mmu.cpu.observer.raise(TRAP['stale translation'], [linear, physical], () =>
      `an access ${VERBS[kind]} linear address ${hex(linear)} at physical address ${hex(physical)}, as cached, but ${stale}`);
  }

  /** Whether writes to this physical page must be seen; what is cached may be stale after this one. */
  written(page: number): boolean {
    if (this.structures[page] !== 1) return false;
    this.mmu.fast.clear();
    return true;
  }
}
