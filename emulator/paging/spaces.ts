/**
 * Address spaces as cached translations are tagged: VPID, PCID and EP4TA. Flushing a class of translations costs the same
 * however many there are: the class notes the moment, and what was cached before it is dead.
 * SDM Vol. 3C, "Caching Translation Information".
 */
import { architecturalTlb, MOST_SPACES, TLB } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { PRIVILEGES } from './outcome.js';
import { pagingState, type PagingState } from './walk.js';

/** EP4TA of translations made while EPT is not in use. */
export const NO_EPT = -1;
/** VPID and PCID while CR0.PG = 0: guest-physical mappings belong to neither. */
export const UNPAGED = -1;

interface VpidClass { readonly vpid: number; all: number; nonGlobal: number }
interface PcidClass { nonGlobal: number }
interface EptClass { readonly ep4ta: number; all: number; readonly spaces: Map<number, Space>; readonly worlds: Map<number, number> }

export class Space {
  /** Fast-TLB tags by privilege, -1 where none was given yet; void when `stamp`, `era` or `pkru` has moved on. */
  readonly tags = new Int16Array(PRIVILEGES).fill(-1);
  stamp = 0;
  era = -1;
  pkru = 0;
  /** The registers of the last walk made here: what the panel compares entries against. */
  readonly state: PagingState = pagingState();

  constructor(readonly number: number, readonly pcid: number, readonly vpidClass: VpidClass, readonly pcidClass: PcidClass, readonly eptClass: EptClass) {}

  is(vpid: number, pcid: number, ep4ta: number): boolean { return this.pcid === pcid && this.vpidClass.vpid === vpid && this.eptClass.ep4ta === ep4ta; }
  get vpid(): number { return this.vpidClass.vpid; }
  get ep4ta(): number { return this.eptClass.ep4ta; }
  /** Global translations cached before this moment are dead; so are the others cached before `since`. Spaces.since and globalSince repeat both. */
  get globalSince(): number { return Math.max(this.vpidClass.all, this.eptClass.all); }
  get since(): number { return Math.max(this.vpidClass.all, this.vpidClass.nonGlobal, this.pcidClass.nonGlobal, this.eptClass.all); }
}

/** Well above the number of entries, so that forgetting always makes room for more. */
const MANY = MOST_SPACES - 512;

export class Spaces {
  /** Advances with every flush. */
  now = 0;
  current: Space;
  /** The one before: VM entries and exits go back and forth between two. */
  private previous: Space;
  private vpids = new Map<number, VpidClass>();
  private pcids = new Map<number, PcidClass>();
  private epts = new Map<number, EptClass>();
  private count = 0;
  private readonly byNumber: (Space | undefined)[] = [];
  private readonly free: number[] = [];
  private worldCount = 0;
  /** By the number of a space, where generated code sees them. Spaces of one VPID and EP4TA, which share global translations, are of one world. */
  readonly since: Float64Array;
  readonly globalSince: Float64Array;
  readonly world: Int32Array;

  constructor({ memory: { buffer }, id }: Processor) {
    const at = architecturalTlb(id);
    this.since = new Float64Array(buffer, at + TLB.since, MOST_SPACES);
    this.globalSince = new Float64Array(buffer, at + TLB.globalSince, MOST_SPACES);
    this.world = new Int32Array(buffer, at + TLB.world, MOST_SPACES);
    this.current = this.previous = this.find(UNPAGED, UNPAGED, NO_EPT);
  }

  find(vpid: number, pcid: number, ep4ta: number): Space {
    const eptClass = getOrMake(this.epts, ep4ta, () => ({ ep4ta, all: 0, spaces: new Map<number, Space>(), worlds: new Map<number, number>() }));
    const key = vpid * 4096 + pcid;
    return getOrMake(eptClass.spaces, key, () => {
      this.count++;
      const number = this.free.pop() ?? this.byNumber.length;
      if (number >= MOST_SPACES) throw new Error('address spaces were not forgotten in time');
      const space = new Space(
        number, pcid,
        getOrMake(this.vpids, vpid, () => ({ vpid, all: 0, nonGlobal: 0 })),
        getOrMake(this.pcids, key, () => ({ nonGlobal: 0 })),
        eptClass,
      );
      this.byNumber[number] = space;
      this.world[number] = getOrMake(eptClass.worlds, vpid, () => ++this.worldCount);
      this.note(space);
      return space;
    });
  }
  numbered(number: number): Space | undefined { return this.byNumber[number]; }

  private note(space: Space): void {
    this.since[space.number] = space.since;
    this.globalSince[space.number] = space.globalSince;
  }
  /** After a flush. */
  private noteAll(): void { for (const space of this.byNumber) if (space) this.note(space); }

  select(vpid: number, pcid: number, ep4ta: number): Space {
    const { current, previous } = this;
    if (current.is(vpid, pcid, ep4ta)) return current;
    this.previous = current;
    return (this.current = previous.is(vpid, pcid, ep4ta) ? previous : this.find(vpid, pcid, ep4ta));
  }

  flushPcid(vpid: number, pcid: number): void {
    const pcidClass = this.pcids.get(vpid * 4096 + pcid);
    if (!pcidClass) return;
    pcidClass.nonGlobal = ++this.now;
    this.noteAll();
  }
  flushVpid(vpid: number): void {
    const vpidClass = this.vpids.get(vpid);
    if (!vpidClass) return;
    vpidClass.all = ++this.now;
    this.noteAll();
  }
  flushVpidNonGlobal(vpid: number): void {
    const vpidClass = this.vpids.get(vpid);
    if (!vpidClass) return;
    vpidClass.nonGlobal = ++this.now;
    this.noteAll();
  }
  flushVpids(): void {
    this.now++;
    for (const vpidClass of this.vpids.values()) if (vpidClass.vpid > 0) vpidClass.all = this.now;
    this.noteAll();
  }
  flushEpt(ep4ta: number): void {
    const eptClass = this.epts.get(ep4ta);
    if (!eptClass) return;
    eptClass.all = ++this.now;
    this.noteAll();
  }
  flushEpts(): void {
    this.now++;
    for (const eptClass of this.epts.values()) if (eptClass.ep4ta !== NO_EPT) eptClass.all = this.now;
    this.noteAll();
  }
  flushEverything(): void {
    this.now++;
    for (const eptClass of this.epts.values()) eptClass.all = this.now;
    this.noteAll();
  }

  /** A guest may name any number of spaces: whether those without translations should be forgotten. */
  get tooMany(): boolean { return this.count > MANY; }
  /** Forgets all spaces but these and the current one. */
  keepOnly(used: ReadonlySet<Space>): void {
    const kept = [...used].filter((space) => space !== this.current).concat(this.current), keeps = new Set(kept);
    this.byNumber.forEach((space, number) => {
      if (!space || keeps.has(space)) return;
      this.byNumber[number] = undefined;
      this.free.push(number);
    });
    this.vpids = new Map(kept.map((space) => [space.vpid, space.vpidClass]));
    this.pcids = new Map(kept.map((space) => [space.vpid * 4096 + space.pcid, space.pcidClass]));
    this.epts = new Map(kept.map((space) => [space.ep4ta, space.eptClass]));
    for (const eptClass of this.epts.values()) eptClass.spaces.clear();
    for (const space of kept) space.eptClass.spaces.set(space.vpid * 4096 + space.pcid, space);
    this.count = kept.length;
    this.previous = this.current;
  }
}

function getOrMake<V>(map: Map<number, V>, key: number, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
