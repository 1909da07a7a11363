/**
 * The direct-mapped tables that generated code consults in line (cpu/layout.ts). They only repeat what the architectural
 * TLB holds: an access that hits here would have changed nothing there.
 */
import { FAST_TLB_ENTRIES, FAST_TLB_ENTRY_BYTES, FAST_TLB_FOLD, FAST_TLB_HALF_BYTES, fastTlbSet, MAP, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import type { Space } from './spaces.js';

/** Tables by kind of access. */
export const FAST_TABLES = [MAP.tlbRead, MAP.tlbWrite, MAP.tlbExecute] as const;
const WORDS = FAST_TLB_ENTRY_BYTES / 4;
/** 0xfff is no tag: an empty entry is all ones. */
const LAST_TAG = 0xffd;
/** The tag of no entry: every access is left to TypeScript. */
export const UNMATCHED_TAG = 0xffe;

export const fastIndex = (linear: number): number => ((linear >>> 12) ^ (linear >>> FAST_TLB_FOLD)) & (FAST_TLB_ENTRIES - 1);

export class FastTlb {
  private nextTag = 0;
  /** Advances when the numbers have run out: every tag handed out before is void. */
  era = 0;

  /** Where this processor's tables are, from those of the first. */
  readonly set: number;

  constructor(private readonly cpu: Processor) {
    this.set = fastTlbSet(cpu.id);
    this.clear();
  }

  /** The tag that names a space and a privilege now; a new one after a flush. */
  tag(space: Space, privilege: number): number {
    const stamp = space.since;
    if (space.stamp !== stamp || space.era !== this.era) {
      space.tags.fill(-1);
      space.stamp = stamp;
      space.era = this.era;
    }
    const tag = space.tags[privilege]!;
    return tag >= 0 ? tag : this.newTag(space, privilege);
  }

  private newTag(space: Space, privilege: number): number {
    if (this.nextTag > LAST_TAG) {
      this.clear();
      this.nextTag = 0;
      space.era = ++this.era;
      space.tags.fill(-1);
    }
    return (space.tags[privilege] = this.nextTag++);
  }

  fill(table: number, linear: number, physical: number, tag: number): void {
    const { i32 } = this.cpu;
    const at = ((table + i32[S.tlbHalf >> 2]!) >> 2) + WORDS * fastIndex(linear), page = linear & ~0xfff;
    i32[at] = page | tag;
    i32[at + 1] = Math.floor(linear / 2 ** 32);
    i32[at + 2] = MAP.guestMemory + physical - (physical & 0xfff) - page;
  }

  /** Drops whatever may concern this page, in all spaces. */
  dropPage(linear: number): void {
    const offset = (this.set >> 2) + WORDS * fastIndex(linear), { i32 } = this.cpu;
    for (const table of FAST_TABLES) for (const half of [table, table + FAST_TLB_HALF_BYTES]) {
      i32[(half >> 2) + offset] = -1;
      i32[(half >> 2) + offset + 1] = -1;
    }
  }

  dropWritesTo(physicalPage: number): void {
    const { i32 } = this.cpu, host = (MAP.guestMemory + physicalPage * 4096) | 0;
    for (let n = 0; n < 2 * FAST_TLB_ENTRIES; n++) {
      const at = ((MAP.tlbWrite + this.set) >> 2) + WORDS * n;
      if (((i32[at]! & ~0xfff) + i32[at + 2]! | 0) === host) i32[at] = i32[at + 1] = -1;
    }
  }

  clear(): void {
    for (const table of FAST_TABLES) this.cpu.u8.fill(0xff, table + this.set, table + this.set + 2 * FAST_TLB_HALF_BYTES);
  }
}
