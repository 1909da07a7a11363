/** An ELF executable without a boot protocol: ELF64 starts in 64-bit mode, ELF32 in protected mode. */
import { BadImage, hex } from './bad-image.js';
import { entrySegment, parseElf, type ElfImage, type ElfSegment } from './elf.js';
import { long64Environment, protected32Environment } from './environment.js';
import { PAGE_2M, PAGE_4K, type PageSize, type PageTables } from './page-tables.js';
import { Placement } from './placement.js';
import type { BootPlan, ImageRequest } from './plan.js';

const IDENTITY_END = 2n ** 32n;

export function loadElfImage(request: ImageRequest): BootPlan {
  const { name, bytes, memoryBytes, args } = request;
  const image = parseElf(name, bytes);
  const entry = entrySegment(name, image);
  const placement = new Placement(name, memoryBytes);
  loadSegments(placement, image);
  if (image.bits === 32) {
    const physicalEntry = image.entry - entry.virtualAddress + entry.physicalAddress;
    return { kind: 'ELF32', writes: placement.writes, entry: protected32Environment(placement, physicalEntry, args), notes: [] };
  }
  const pages = higherPages(name, image);
  const mapHigher = (tables: PageTables) => {
    for (const [virtual, physical] of pages.map) tables.map(virtual, physical, pages.size);
  };
  return { kind: 'ELF64', writes: placement.writes, entry: long64Environment(placement, image.entry, args, mapHigher), notes: [] };
}

export function loadSegments(placement: Placement, image: ElfImage): void {
  for (const { index, physicalAddress, bytes, memorySize } of image.segments) placement.claim(`segment ${index}`, physicalAddress, bytes, memorySize);
}

/** The pages outside the identity map that the segments' virtual addresses ask for: large ones where all segments agree with them. */
function higherPages(name: string, image: ElfImage): { size: PageSize; map: Map<bigint, number> } {
  const higher = image.segments.filter((segment) => isHigher(name, segment));
  const large = pagesOf(higher, PAGE_2M);
  if (large.conflict === undefined) return { size: PAGE_2M, map: large.map };
  const small = pagesOf(higher, PAGE_4K);
  if (small.conflict === undefined) return { size: PAGE_4K, map: small.map };
  throw new BadImage(
    name,
    `segment ${small.conflict.index} wants virtual address ${hex(small.conflict.virtualAddress)} at physical ${hex(small.conflict.physicalAddress)}, which its page offset or another segment forbids`,
    'align the segments to 4 KiB in the linker script',
  );
}

function isHigher(name: string, segment: ElfSegment): boolean {
  const { index, virtualAddress, physicalAddress, memorySize } = segment;
  const last = virtualAddress + memorySize - 1n;
  if (!isCanonical(virtualAddress) || !isCanonical(last) || last >> 47n !== virtualAddress >> 47n) {
    throw new BadImage(name, `segment ${index}, ${hex(virtualAddress)}–${hex(last)}, is not canonical: no processor can address it`, 'link it elsewhere');
  }
  if (virtualAddress >= IDENTITY_END) return true;
  if (virtualAddress !== physicalAddress) {
    throw new BadImage(
      name,
      `segment ${index} is linked for ${hex(virtualAddress)} but loads at ${hex(physicalAddress)}, and below 4 GiB memory is mapped one to one`,
      'link and load it at the same address, or link it above 4 GiB',
    );
  }
  return false;
}

const isCanonical = (address: bigint) => address >> 47n === 0n || address >> 47n === 0x1ffffn;

/** One virtual page cannot be at two physical places; the first segment that would need it is the conflict. */
function pagesOf(segments: readonly ElfSegment[], size: PageSize): { map: Map<bigint, number>; conflict?: ElfSegment } {
  const map = new Map<bigint, number>();
  const mask = BigInt(size - 1);
  for (const segment of segments) {
    const { virtualAddress, physicalAddress, memorySize } = segment;
    if (((virtualAddress ^ physicalAddress) & mask) !== 0n) return { map, conflict: segment };
    let physical = Number(physicalAddress & ~mask);
    for (let virtual = virtualAddress & ~mask; virtual < virtualAddress + memorySize; virtual += BigInt(size), physical += size) {
      if ((map.get(virtual) ?? physical) !== physical) return { map, conflict: segment };
      map.set(virtual, physical);
    }
  }
  return { map };
}
