/** Kernels for GRUB's first protocol. Multiboot Specification 0.6.96, "OS image format", "Machine state" and "Boot information format". */
import { BadImage, hex, REBUILD } from './bad-image.js';
import { entrySegment, isElf, parseElf } from './elf.js';
import { loadSegments } from './elf-image.js';
import { placeSections, type SectionTable } from './elf-sections.js';
import { protected32Entry } from './entry-state.js';
import { LOADER_AREA } from './environment.js';
import { informationBytes } from './multiboot1-information.js';
import { PAGE_4K } from './page-tables.js';
import { Placement } from './placement.js';
import type { BootPlan, ImageRequest } from './plan.js';

const SEARCHED_BYTES = 8192;
const MAGIC = 0x1badb002, BOOTED_MAGIC = 0x2badb002n;
const ALIGN_MODULES = 1 << 0, MEMORY_INFORMATION = 1 << 1, VIDEO_MODE = 1 << 2, ADDRESSES = 1 << 16;
const MANDATORY = 0xffff, KNOWN = ALIGN_MODULES | MEMORY_INFORMATION | VIDEO_MODE;
const HEADER_BYTES = 12, HEADER_BYTES_WITH_ADDRESSES = 32;

/** The kernel sets up a stack of its own; this is where there is room until it does. */
const SCRATCH_STACK = 0x7c00n;

interface Addresses {
  readonly header: number;
  readonly load: number;
  readonly loadEnd: number;
  readonly bssEnd: number;
  readonly entry: number;
}

export interface Multiboot1Header {
  readonly offset: number;
  readonly flags: number;
  readonly addresses?: Addresses;
}

export function findMultiboot1(bytes: Uint8Array): Multiboot1Header | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const searched = Math.min(SEARCHED_BYTES, bytes.length);
  const u32 = (at: number) => view.getUint32(at, true);
  for (let offset = 0; offset + HEADER_BYTES <= searched; offset += 4) {
    if (u32(offset) !== MAGIC) continue;
    const flags = u32(offset + 4);
    if (((MAGIC + flags + u32(offset + 8)) >>> 0) !== 0) continue;
    if ((flags & ADDRESSES) === 0) return { offset, flags };
    if (offset + HEADER_BYTES_WITH_ADDRESSES > searched) continue;
    const [header, load, loadEnd, bssEnd, entry] = [12, 16, 20, 24, 28].map((field) => u32(offset + field)) as [number, number, number, number, number];
    return { offset, flags, addresses: { header, load, loadEnd, bssEnd, entry } };
  }
  return undefined;
}

export function loadMultiboot1(request: ImageRequest, header: Multiboot1Header): BootPlan {
  const { name, memoryBytes } = request;
  const unknown = header.flags & MANDATORY & ~KNOWN;
  if (unknown !== 0) {
    throw new BadImage(name, `its multiboot header demands ${hex(unknown)}, flags that the specification does not define`, 'clear them in the header');
  }
  const placement = new Placement(name, memoryBytes);
  const { entry, sections } = header.addresses ? loadByAddresses(request, placement, header.offset, header.addresses) : loadElf(request, placement);
  const modules = request.modules.map((module) => {
    const start = placement.place(`module ${module.name}`, module.bytes, PAGE_4K, placement.end);
    return { start, end: start + module.bytes.length, text: commandLine(module) };
  });
  const describe = (base: number) => informationBytes({ base, map: placement.map, commandLine: commandLine(request), modules, ...(sections && { sections }) });
  const information = placement.reserve('multiboot information', describe(0).length, 8, LOADER_AREA);
  placement.writes.push({ address: information, bytes: describe(information) });
  const notes = (header.flags & VIDEO_MODE) !== 0 ? ['not implemented: video modes; the multiboot header asks for one and will find no framebuffer'] : [];
  return {
    kind: 'multiboot 1',
    writes: placement.writes,
    entry: protected32Entry(entry, { rax: BOOTED_MAGIC, rbx: BigInt(information), rsp: SCRATCH_STACK }),
    notes,
  };
}

/** "the kernel's name, then its arguments", as loaders since GRUB Legacy write it. */
const commandLine = ({ name, args }: { name: string; args: string }) => (args === '' ? name : `${name} ${args}`);

interface Loaded {
  readonly entry: bigint;
  readonly sections?: SectionTable | undefined;
}

function loadElf(request: ImageRequest, placement: Placement): Loaded {
  const { name, bytes } = request;
  if (!isElf(bytes)) {
    throw new BadImage(name, 'the file is not ELF and its multiboot header gives no load addresses', 'link it as ELF, or set flag 16 and the address fields');
  }
  const image = parseElf(name, bytes);
  loadSegments(placement, image);
  const { virtualAddress, physicalAddress } = entrySegment(name, image);
  return { entry: image.entry - virtualAddress + physicalAddress, sections: placeSections(placement, bytes, image.bits) };
}

function loadByAddresses({ name, bytes }: ImageRequest, placement: Placement, headerOffset: number, a: Addresses): Loaded {
  const fileStart = headerOffset - (a.header - a.load);
  if (a.load > a.header || fileStart < 0) {
    throw new BadImage(name, `the multiboot header puts itself at ${hex(a.header)} but the load address at ${hex(a.load)}, which the file does not reach`, 'correct header_addr and load_addr');
  }
  const fileEnd = a.loadEnd === 0 ? bytes.length : fileStart + (a.loadEnd - a.load);
  if (fileEnd < fileStart || fileEnd > bytes.length) {
    throw new BadImage(name, `load_end_addr ${hex(a.loadEnd)} of the multiboot header asks for bytes up to ${hex(fileEnd)} of a file of ${hex(bytes.length)}`, REBUILD);
  }
  const loadEnd = a.load + (fileEnd - fileStart);
  if (a.bssEnd !== 0 && a.bssEnd < loadEnd) {
    throw new BadImage(name, `bss_end_addr ${hex(a.bssEnd)} of the multiboot header lies before the end of the data, ${hex(loadEnd)}`, 'correct bss_end_addr');
  }
  const end = a.bssEnd === 0 ? loadEnd : a.bssEnd;
  if (a.entry < a.load || a.entry >= end) {
    throw new BadImage(name, `entry_addr ${hex(a.entry)} of the multiboot header lies outside the image, ${hex(a.load)}–${hex(end)}`, 'correct entry_addr');
  }
  placement.claim('the image', BigInt(a.load), bytes.subarray(fileStart, fileEnd), BigInt(end - a.load));
  return { entry: BigInt(a.entry) };
}
