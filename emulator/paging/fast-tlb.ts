/**
 * The direct-mapped tables that generated code consults in line (cpu/layout.ts). They only repeat what the architectural
 * TLB holds: an access that hits here would have changed nothing there.
 */
import { FAST_TLB_ENTRIES, FAST_TLB_ENTRY_BYTES, FAST_TLB_FOLD, FAST_TLB_PART_BYTES, FAST_TLB_PARTS, fastTlbSet, MAP, S, SPACE } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { forgetDestinations } from '../cpu/known-worlds.js';
import { USER_ACCESS } from './outcome.js';
import type { Space } from './spaces.js';

/** Tables by kind of access. */
export const FAST_TABLES = [MAP.tlbRead, MAP.tlbWrite, MAP.tlbExecute] as const;
const WORDS = FAST_TLB_ENTRY_BYTES / 4;
/** 0xfff is no tag: an empty entry is all ones. */
const LAST_TAG = 0xffd;
/** The tag of no entry: every access is left to TypeScript. */
export const UNMATCHED_TAG = 0xffe;

export const fastIndex = (linear: number): number => ((linear >>> 12) ^ (linear >>> FAST_TLB_FOLD)) & (FAST_TLB_ENTRIES - 1);

/** Where the code at a linear address is in the shared memory, as far as it is known here. */
export function fastHost({ u32 }: Processor, linear: number): number | undefined {
  const low = linear >>> 0, at = ((MAP.tlbExecute + u32[S.tlbPart >> 2]!) >> 2) + WORDS * fastIndex(low);
  return u32[at] === (((low & ~0xfff) | u32[S.spaceTag >> 2]!) >>> 0) && u32[at + 1] === Math.floor(linear / 2 ** 32) >>> 0 ? (low + u32[at + 2]!) >>> 0 : undefined;
}

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

  /** The tag that names a space and a privilege now; a new one after a flush. `pkru`: 0 where protection keys are not enabled. */
  tag(space: Space, privilege: number, pkru: number): number {
    const stamp = space.since;
    if (space.stamp !== stamp || space.era !== this.era || space.pkru !== pkru) {
      space.tags.fill(-1);
      space.stamp = stamp;
      space.era = this.era;
      space.pkru = pkru;
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
      forgetDestinations(this.cpu);
    }
    return (space.tags[privilege] = this.nextTag++);
  }

  /** The space that serves now, and the two between which CPL chooses. */
  select(space: Space, nonRoot: boolean, supervisor: number, pkru: number): void {
    const { cpu } = this, part = this.set + (nonRoot ? 2 * FAST_TLB_PART_BYTES : 0);
    // With the second tag a new era may begin, in which the first is void.
    for (let era = -1; era !== this.era;) {
      ({ era } = this);
      cpu.set(S.supervisorSpace + SPACE.tag, this.tag(space, supervisor, pkru), 0);
      cpu.set(S.userSpace + SPACE.tag, this.tag(space, USER_ACCESS, pkru), 0);
    }
    cpu.u32[(S.supervisorSpace + SPACE.privilege) >> 2] = supervisor;
    cpu.u32[(S.userSpace + SPACE.privilege) >> 2] = USER_ACCESS;
    cpu.u32[(S.supervisorSpace + SPACE.part) >> 2] = part;
    cpu.u32[(S.userSpace + SPACE.part) >> 2] = part + FAST_TLB_PART_BYTES;
    const now = cpu.cpl === 3 ? S.userSpace : S.supervisorSpace;
    cpu.set(S.spaceTag, cpu.low(now + SPACE.tag), 0);
    cpu.u32[S.tlbPart >> 2] = cpu.low(now + SPACE.part);
  }

  /** `host`: the index into the shared memory. */
  fill(table: number, linear: number, host: number, tag: number, privilege: number): void {
    const { i32 } = this.cpu, space = (privilege & USER_ACCESS) !== 0 ? S.userSpace : S.supervisorSpace;
    const at = ((table + i32[(space + SPACE.part) >> 2]!) >> 2) + WORDS * fastIndex(linear), page = linear & ~0xfff;
    i32[at] = page | tag;
    i32[at + 1] = Math.floor(linear / 2 ** 32);
    i32[at + 2] = host - (host & 0xfff) - page;
  }

  /** Drops whatever may concern this page, in all spaces. */
  dropPage(linear: number): void {
    const offset = (this.set >> 2) + WORDS * fastIndex(linear), { i32 } = this.cpu;
    for (const table of FAST_TABLES) for (let part = 0; part < FAST_TLB_PARTS; part++) {
      const at = ((table + part * FAST_TLB_PART_BYTES) >> 2) + offset;
      i32[at] = i32[at + 1] = -1;
    }
  }

  /** `page`: of the store. */
  dropWritesTo(page: number): void {
    const { i32 } = this.cpu, host = (MAP.guestMemory + page * 4096) | 0;
    for (let n = 0; n < FAST_TLB_PARTS * FAST_TLB_ENTRIES; n++) {
      const at = ((MAP.tlbWrite + this.set) >> 2) + WORDS * n;
      if (((i32[at]! & ~0xfff) + i32[at + 2]! | 0) === host) i32[at] = i32[at + 1] = -1;
    }
  }

  clear(): void {
    for (const table of FAST_TABLES) this.cpu.u8.fill(0xff, table + this.set, table + this.set + FAST_TLB_PARTS * FAST_TLB_PART_BYTES);
  }
}
