import { BadImage, hex } from './bad-image.js';
import { inMib, memoryMap, MIB, MOST_MEMORY, usable, type MemoryRange } from './memory-map.js';
import type { GuestWrite } from './plan.js';

/** Keeps account of guest memory while an image is laid out: what the image claims, and where there is room for what the loader adds. */

/** Recommended memory sizes are multiples of this. */
const RECOMMENDED_STEP = 32 * MIB;

interface Claim {
  readonly what: string;
  readonly base: number;
  readonly end: number;
}

export class Placement {
  readonly writes: GuestWrite[] = [];
  readonly map: readonly MemoryRange[];
  private readonly claims: Claim[] = [];

  constructor(readonly name: string, readonly memoryBytes: number) {
    this.map = memoryMap(memoryBytes);
  }

  /** The first address above everything claimed in extended memory. */
  get end(): number {
    return this.claims.reduce((end, claim) => Math.max(end, claim.end), MIB);
  }

  /** A part of the image that must be at this address: its bytes, then zeros up to `size`. */
  claim(what: string, address: bigint, bytes: Uint8Array, size: bigint): void {
    const endWanted = address + size;
    if (endWanted > BigInt(this.memoryBytes)) throw this.tooLarge(`${what} ends at ${hex(endWanted)}`, endWanted);
    const base = Number(address);
    const end = Number(endWanted);
    const inMemory = usable(this.map).some((range) => range.base <= base && end <= range.base + range.length);
    if (!inMemory) {
      const hole = this.map.find((range) => range.type === 'reserved' && base < range.base + range.length && range.base < end)!;
      throw new BadImage(
        this.name,
        `${what}, ${hex(base)}–${hex(end)}, lies in ${hex(hole.base)}–${hex(hole.base + hole.length - 1)}, where a PC has no memory`,
        `link it at ${hex(MIB)} or above`,
      );
    }
    const other = this.claims.find((claim) => base < claim.end && claim.base < end);
    if (other) throw new BadImage(this.name, `${what}, ${hex(base)}–${hex(end)}, overlaps ${other.what}, ${hex(other.base)}–${hex(other.end)}`, 'load them apart');
    if (bytes.length > 0) this.writes.push({ address: base, bytes });
    this.claims.push({ what, base, end });
  }

  /** Finds room for something of the loader's, at the first free address from `from` on. */
  reserve(what: string, size: number, alignment: number, from: number): number {
    for (const range of usable(this.map)) {
      const base = this.firstFit(Math.max(range.base, from), size, alignment);
      if (base + size > range.base + range.length) continue;
      this.claims.push({ what, base, end: base + size });
      return base;
    }
    throw this.tooLarge(`no room is left for ${what} of ${size} bytes`, BigInt(this.end + size + alignment));
  }

  place(what: string, bytes: Uint8Array, alignment: number, from: number): number {
    const address = this.reserve(what, bytes.length, alignment, from);
    this.writes.push({ address, bytes });
    return address;
  }

  private firstFit(from: number, size: number, alignment: number): number {
    let base = alignUp(from, alignment);
    for (const claim of [...this.claims].sort((a, b) => a.base - b.base)) {
      if (base < claim.end && claim.base < base + size) base = alignUp(claim.end, alignment);
    }
    return base;
  }

  private tooLarge(fault: string, needed: bigint): BadImage {
    if (needed > BigInt(MOST_MEMORY)) {
      return new BadImage(this.name, `${fault}, beyond the ${inMib(MOST_MEMORY)} that a guest can have (not implemented: memory above 4 GiB)`, 'link it lower');
    }
    const recommended = Math.min(MOST_MEMORY, alignUp(Number(needed), RECOMMENDED_STEP));
    return new BadImage(
      this.name,
      `${fault}, beyond the ${inMib(this.memoryBytes)} of guest memory`,
      `start with --memory ${recommended / MIB}M or more`,
    );
  }
}

export const alignUp = (value: number, alignment: number) => Math.ceil(value / alignment) * alignment;
