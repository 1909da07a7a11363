/**
 * The architectural TLB, the one that people see. An entry lives until an operation invalidates it or its place is needed,
 * whatever becomes of the paging structures meanwhile. Looking an entry up changes nothing.
 * SDM Vol. 3, "Caching Translation Information"; Vol. 3C, "Caching Translation Information".
 */
import { architecturalTlb, S, TLB, TLB_ENTRIES, TLB_SETS as SETS, TLB_WAYS as WAYS } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { GLOBAL } from './outcome.js';
import { UNPAGED, type Space, type Spaces } from './spaces.js';

export { TLB_ENTRIES } from '../cpu/layout.js';
export const NO_ENTRY = -1;
const NOBODY = -1;

/** Which entries an invalidation concerns. Absent: any. */
export interface Selection {
  readonly vpid: number;
  /** Global entries belong to every PCID when `globals` is set, otherwise they are spared. */
  readonly pcid?: number;
  readonly globals: boolean;
}

/** Plain data: so many numbers an entry and a space, in the order of `save`. */
export interface TlbState { readonly entries: readonly number[]; readonly spaces: readonly number[]; readonly victims: readonly number[] }
const ENTRY_FIELDS = 9, SPACE_FIELDS = 16;

export class Tlb {
  /** Linear address of the page (guest-physical for guest-physical mappings); NaN when the place is empty. */
  readonly page: Float64Array;
  readonly guestPhysical: Float64Array;
  readonly physical: Float64Array;
  readonly rights: Int32Array;
  readonly shift: Uint8Array;
  readonly guestShift: Uint8Array;
  readonly born: Float64Array;
  /** By number; NOBODY when the place is empty. */
  private readonly owner: Int32Array;
  /** The way that goes next when a set is full. */
  private readonly victims: Uint8Array;
  /** Sizes of pages that were cached, as a list and as bits. */
  private shifts: readonly number[] = [];
  private readonly shiftBits: Uint32Array;

  /** `dropped`: an entry that was alive is gone. */
  constructor(private readonly cpu: Processor, private readonly spaces: Spaces, private readonly dropped: (linear: number, shift: number) => void) {
    const { id, memory: { buffer } } = cpu, at = architecturalTlb(id);
    this.page = new Float64Array(buffer, at + TLB.page, TLB_ENTRIES);
    this.guestPhysical = new Float64Array(buffer, at + TLB.guestPhysical, TLB_ENTRIES);
    this.physical = new Float64Array(buffer, at + TLB.physical, TLB_ENTRIES);
    this.rights = new Int32Array(buffer, at + TLB.rights, TLB_ENTRIES);
    this.shift = new Uint8Array(buffer, at + TLB.shift, TLB_ENTRIES);
    this.guestShift = new Uint8Array(buffer, at + TLB.guestShift, TLB_ENTRIES);
    this.born = new Float64Array(buffer, at + TLB.born, TLB_ENTRIES);
    this.owner = new Int32Array(buffer, at + TLB.owner, TLB_ENTRIES);
    this.victims = new Uint8Array(buffer, at + TLB.victims, SETS);
    this.shiftBits = new Uint32Array(buffer, at + TLB.shifts, 1);
    this.clear();
  }

  /** Tells generated code where it is, which space is the present one, and since when. */
  show(): void {
    const { cpu, spaces } = this;
    cpu.u32[S.tlb >> 2] = architecturalTlb(cpu.id);
    cpu.u32[S.space >> 2] = spaces.current.number;
    cpu.view.setFloat64(S.tlbNow, spaces.now, true);
  }
  /** Whose entry it is. */
  space(n: number): Space | undefined { return this.spaces.numbered(this.owner[n]!); }
  private use(shifts: Iterable<number>): void {
    this.shifts = [...shifts].sort((a, b) => a - b);
    this.shiftBits[0] = this.shifts.reduce((bits, shift) => bits | (1 << shift), 0);
  }

  /** The entry that the current space may use for an address, or NO_ENTRY. */
  lookup(linear: number): number {
    const space = this.spaces.current;
    for (const shift of this.shifts) {
      const page = linear - (linear & ((1 << shift) - 1));
      const first = WAYS * setOf(linear, shift, space.vpid);
      for (let n = first; n < first + WAYS; n++) {
        if (this.page[n] === page && this.shift[n] === shift && this.usable(n, space)) return n;
      }
    }
    return NO_ENTRY;
  }

  private usable(n: number, space: Space): boolean {
    const owner = this.owner[n]!, { since, globalSince, world } = this.spaces;
    if ((this.rights[n]! & GLOBAL) === 0) return owner === space.number && this.born[n]! >= since[owner]!;
    return world[owner] === world[space.number] && this.born[n]! >= globalSince[owner]!;
  }

  isLive(n: number): boolean {
    const owner = this.owner[n]!, { since, globalSince } = this.spaces;
    return owner !== NOBODY && this.born[n]! >= ((this.rights[n]! & GLOBAL) !== 0 ? globalSince : since)[owner]!;
  }

  /** Caches a translation for the current space. */
  insert(linear: number, guestPhysical: number, physical: number, shift: number, guestShift: number, rights: number): number {
    const space = this.spaces.current, offset = linear & ((1 << shift) - 1);
    const n = this.place(setOf(linear, shift, space.vpid));
    this.page[n] = linear - offset;
    this.guestPhysical[n] = guestPhysical - offset;
    this.physical[n] = physical - offset;
    this.rights[n] = rights;
    this.shift[n] = shift;
    this.guestShift[n] = guestShift;
    this.born[n] = this.spaces.now;
    this.owner[n] = space.number;
    if (!this.shifts.includes(shift)) this.use([...this.shifts, shift]);
    return n;
  }

  private place(set: number): number {
    for (let n = WAYS * set; n < WAYS * set + WAYS; n++) if (!this.isLive(n)) return n;
    const way = this.victims[set]!;
    this.victims[set] = (way + 1) % WAYS;
    this.remove(WAYS * set + way);
    return WAYS * set + way;
  }

  remove(n: number): void {
    if (this.isLive(n)) this.dropped(this.page[n]!, this.shift[n]!);
    this.page[n] = NaN;
    this.owner[n] = NOBODY;
  }

  /** Removes what would translate one linear address. */
  invalidate(linear: number, which: Selection): void {
    for (const shift of this.shifts) {
      const page = linear - (linear & ((1 << shift) - 1));
      const first = WAYS * setOf(linear, shift, which.vpid);
      for (let n = first; n < first + WAYS; n++) {
        if (this.page[n] === page && this.shift[n] === shift && this.selected(n, which)) this.remove(n);
      }
    }
  }

  private selected(n: number, which: Selection): boolean {
    const owner = this.space(n)!;
    if (owner.vpid !== which.vpid) return false;
    if ((this.rights[n]! & GLOBAL) !== 0) return which.globals;
    return which.pcid === undefined || owner.pcid === which.pcid;
  }

  /** Forgets dead entries for good, and the spaces that nothing names any more. */
  sweep(): void {
    const used = new Set<Space>();
    for (let n = 0; n < TLB_ENTRIES; n++) {
      if (this.isLive(n)) used.add(this.space(n)!);
      else this.remove(n);
    }
    this.spaces.keepOnly(used);
  }

  clear(): void {
    this.page.fill(NaN);
    this.owner.fill(NOBODY);
    this.victims.fill(0);
    this.use([12]);
  }

  save(): TlbState {
    const entries: number[] = [], spaces = new Set<Space>();
    for (let n = 0; n < TLB_ENTRIES; n++) {
      const space = this.space(n);
      if (space === undefined || !this.isLive(n)) continue;
      spaces.add(space);
      entries.push(
        n, space.vpid, space.pcid, space.ep4ta, this.page[n]!, this.guestPhysical[n]!, this.physical[n]!,
        this.rights[n]!, this.shift[n]! | this.guestShift[n]! << 8,
      );
    }
    return { entries, spaces: [...spaces].flatMap(savedSpace), victims: [...this.victims] };
  }

  restore(state: TlbState): void {
    this.clear();
    this.victims.set(state.victims);
    for (const [vpid, pcid, ep4ta, cr0, cr3, cr4, efer, eptp, modeBased, ...pdptes] of rows<SavedSpace>(state.spaces, SPACE_FIELDS)) {
      const registers = this.spaces.find(vpid, pcid, ep4ta).state;
      Object.assign(registers, { cr0, cr3, cr4, efer, eptp, modeBased: modeBased !== 0 });
      registers.pdptes.set(pdptes);
    }
    const shifts = new Set([12]);
    for (const [n, vpid, pcid, ep4ta, page, guestPhysical, physical, rights, sizes] of rows<SavedEntry>(state.entries, ENTRY_FIELDS)) {
      this.owner[n] = this.spaces.find(vpid, pcid, ep4ta).number;
      this.page[n] = page;
      this.guestPhysical[n] = guestPhysical;
      this.physical[n] = physical;
      this.rights[n] = rights;
      this.shift[n] = sizes & 0xff;
      this.guestShift[n] = sizes >> 8;
      this.born[n] = this.spaces.now;
      shifts.add(sizes & 0xff);
    }
    this.use(shifts);
  }
}

type SavedEntry = [number, number, number, number, number, number, number, number, number];
type SavedSpace = [number, number, number, number, number, number, number, number, number, ...number[]];

const savedSpace = ({ vpid, pcid, ep4ta, state }: Space): SavedSpace =>
  [vpid, pcid, ep4ta, state.cr0, state.cr3, state.cr4, state.efer, state.eptp, Number(state.modeBased), ...state.pdptes];

function* rows<Row>(flat: readonly number[], width: number): Generator<Row> {
  for (let at = 0; at < flat.length; at += width) yield flat.slice(at, at + width) as Row;
}

/** Global entries are found whatever the PCID, so the set depends on the VPID and the page only. */
function setOf(linear: number, shift: number, vpid: number): number {
  const low = (linear | 0) >>> shift, high = Math.floor(linear / 2 ** 32);
  return (low ^ low >>> 10 ^ high << 2 ^ (vpid === UNPAGED ? 0 : vpid * 37)) & (SETS - 1);
}
