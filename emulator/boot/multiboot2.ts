/** Kernels for GRUB's second protocol. Multiboot2 Specification 2.0, "OS image format", "I386 machine state" and "Boot information format". */
import { BadImage, hex, REBUILD } from './bad-image.js';
import { entrySegment, isElf, parseElf } from './elf.js';
import { loadSegments } from './elf-image.js';
import { placeSections, type SectionTable } from './elf-sections.js';
import { protected32Entry } from './entry-state.js';
import { LOADER_AREA } from './environment.js';
import { GIVEN_TAGS, informationBytes, LAST_TAG } from './multiboot2-information.js';
import { PAGE_4K } from './page-tables.js';
import { alignUp, Placement } from './placement.js';
import type { BootPlan, ImageRequest } from './plan.js';

const SEARCHED_BYTES = 32768, ALIGNMENT = 8;
const MAGIC = 0xe85250d6, BOOTED_MAGIC = 0x36d76289n, ARCHITECTURE_I386 = 0;
const HEADER_BYTES = 16, TAG_HEADER_BYTES = 8;
const TAG = { end: 0, informationRequest: 1, address: 2, entryAddress: 3, framebuffer: 5, relocatable: 10, last: 10 } as const;
const OPTIONAL = 1 << 0;
/** A load address that means: with the start of the file. */
const FROM_THE_START = 0xffffffff;

interface Tag {
  readonly type: number;
  readonly optional: boolean;
  /** The words after type, flags and size. */
  readonly words: readonly number[];
}

export interface Multiboot2Header {
  readonly offset: number;
  readonly architecture: number;
  readonly tags: readonly Tag[];
}

export function findMultiboot2(bytes: Uint8Array): Multiboot2Header | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), searched = Math.min(SEARCHED_BYTES, bytes.length);
  const u32 = (at: number) => view.getUint32(at, true);
  for (let offset = 0; offset + HEADER_BYTES <= searched; offset += ALIGNMENT) {
    if (u32(offset) !== MAGIC) continue;
    const architecture = u32(offset + 4), length = u32(offset + 8);
    if (((MAGIC + architecture + length + u32(offset + 12)) >>> 0) !== 0 || offset + length > searched) continue;
    return { offset, architecture, tags: readTags(view, offset + HEADER_BYTES, offset + length) };
  }
  return undefined;
}

function readTags(view: DataView, from: number, end: number): Tag[] {
  const tags: Tag[] = [];
  for (let at = from; at + TAG_HEADER_BYTES <= end;) {
    const type = view.getUint16(at, true), size = view.getUint32(at + 4, true);
    if (type === TAG.end || size < TAG_HEADER_BYTES || at + size > end) break;
    const words = Array.from({ length: Math.floor((size - TAG_HEADER_BYTES) / 4) }, (_, place) => view.getUint32(at + TAG_HEADER_BYTES + 4 * place, true));
    tags.push({ type, optional: (view.getUint16(at + 2, true) & OPTIONAL) !== 0, words });
    at = alignUp(at + size, ALIGNMENT);
  }
  return tags;
}

export function loadMultiboot2(request: ImageRequest, header: Multiboot2Header): BootPlan {
  const { name, memoryBytes, args } = request, { architecture, tags } = header;
  if (architecture !== ARCHITECTURE_I386) throw new BadImage(name, `its multiboot 2 header is for architecture ${architecture}`, 'build it for i386 (0), which 64-bit kernels use as well');
  const notes = tags.flatMap((tag) => judge(name, tag));
  const placement = new Placement(name, memoryBytes);
  const address = tags.find(({ type }) => type === TAG.address);
  const loaded = address ? loadByAddresses(request, placement, header.offset, address.words) : loadElf(request, placement);
  const entry = tags.find(({ type }) => type === TAG.entryAddress)?.words[0] ?? loaded.entry;
  if (entry === undefined) throw new BadImage(name, 'its multiboot 2 header gives load addresses but no entry address', 'add the entry address tag to the header');
  const modules = request.modules.map((module) => {
    const start = placement.place(`module ${module.name}`, module.bytes, PAGE_4K, placement.end);
    return { start, end: start + module.bytes.length, text: module.args };
  });
  const information = informationBytes({
    map: placement.map, commandLine: args, modules, ...(loaded.sections && { sections: loaded.sections }), ...(tags.some(({ type }) => type === TAG.relocatable) && { loadBase: loaded.base }),
  });
  const rbx = BigInt(placement.place('multiboot information', information, ALIGNMENT, LOADER_AREA));
  return { kind: 'multiboot 2', writes: placement.writes, entry: protected32Entry(BigInt(entry), { rax: BOOTED_MAGIC, rbx }), notes };
}

/** What will be missing, in words; what is unknown and not optional is refused. The tags that are not named here ask nothing of a PC without EFI. */
function judge(name: string, { type, optional, words }: Tag): string[] {
  const refuse = (what: string): string => {
    if (!optional) throw new BadImage(name, `its multiboot 2 header demands ${what}, which the specification does not define`, 'make the tag optional (flag 0) in the header');
    return `the multiboot 2 header asks for ${what}, which the specification does not define`;
  };
  if (type > TAG.last) return [refuse(`tag ${type}`)];
  if (type === TAG.framebuffer) return ['not implemented: framebuffers; the multiboot 2 header asks for one'];
  if (type !== TAG.informationRequest) return [];
  return words.filter((each) => !GIVEN_TAGS.includes(each)).map((each) => (each > LAST_TAG ? refuse(`information of type ${each}`) : `there is no information of type ${each}, which the multiboot 2 header asks for`));
}

interface Loaded {
  readonly base: number;
  readonly entry?: number;
  readonly sections?: SectionTable | undefined;
}

function loadElf({ name, bytes }: ImageRequest, placement: Placement): Loaded {
  if (!isElf(bytes)) throw new BadImage(name, 'the file is not ELF and its multiboot 2 header gives no load addresses', 'link it as ELF, or add the address tag to the header');
  const image = parseElf(name, bytes);
  loadSegments(placement, image);
  const { virtualAddress, physicalAddress } = entrySegment(name, image);
  return {
    base: Math.min(...image.segments.map((segment) => Number(segment.physicalAddress))),
    entry: Number(image.entry - virtualAddress + physicalAddress),
    sections: placeSections(placement, bytes, image.bits),
  };
}

function loadByAddresses({ name, bytes }: ImageRequest, placement: Placement, offset: number, words: readonly number[]): Loaded {
  const [headerAddress = 0, load = 0, loadEnd = 0, bssEnd = 0] = words;
  const base = load === FROM_THE_START ? headerAddress - offset : load, fileStart = offset - (headerAddress - base);
  if (base > headerAddress || base < 0 || fileStart < 0) {
    throw new BadImage(name, `the multiboot 2 header puts itself at ${hex(headerAddress)} but the load address at ${hex(load)}, which the file does not reach`, 'correct header_addr and load_addr');
  }
  const fileEnd = loadEnd === 0 ? bytes.length : fileStart + (loadEnd - base);
  if (fileEnd < fileStart || fileEnd > bytes.length) {
    throw new BadImage(name, `load_end_addr ${hex(loadEnd)} of the multiboot 2 header asks for bytes up to ${hex(fileEnd)} of a file of ${hex(bytes.length)}`, REBUILD);
  }
  const end = Math.max(bssEnd, base + (fileEnd - fileStart));
  placement.claim('the image', BigInt(base), bytes.subarray(fileStart, fileEnd), BigInt(end - base));
  return { base };
}
