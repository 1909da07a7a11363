/** Kernels entered as Xen enters a guest without firmware: in protected mode, with one structure that says all. Xen, "x86/HVM direct boot ABI". */
import { ACPI_TABLES } from './board.js';
import { BadImage, hex, REBUILD } from './bad-image.js';
import type { ElfImage } from './elf.js';
import { loadSegments } from './elf-image.js';
import { protected32Entry } from './entry-state.js';
import { LOADER_AREA, textBytes } from './environment.js';
import { MEMORY_TYPE_NUMBERS, type MemoryRange } from './memory-map.js';
import { PAGE_4K } from './page-tables.js';
import { Placement } from './placement.js';
import type { BootPlan, ImageRequest } from './plan.js';

const NOTE_OWNER = 'Xen', GUEST_OS = 6, PHYS32_ENTRY = 18;
const MAGIC = 0x336ec578, VERSION_WITH_MEMORY_MAP = 1;
const START_INFO_BYTES = 56, MODULE_BYTES = 32, MAP_ENTRY_BYTES = 24;
const NR_MODULES = 12, MODLIST = 16, CMDLINE = 24, RSDP = 32, MEMMAP = 40, MEMMAP_ENTRIES = 48;

/** The physical address at which the image wants to be entered, if it knows this protocol. */
export function pvhEntry(image: ElfImage): bigint | undefined {
  const entry = noteOf(image, PHYS32_ENTRY);
  if (!entry || entry.length < 4) return undefined;
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  return entry.length < 8 ? BigInt(view.getUint32(0, true)) : view.getBigUint64(0, true);
}

/** The operating system that the image says it is, such as "linux". */
export const guestOf = (image: ElfImage): string => new TextDecoder().decode(noteOf(image, GUEST_OS)).replace(/\0$/, '');

const noteOf = ({ notes }: ElfImage, wanted: number): Uint8Array | undefined => notes.find(({ owner, type }) => owner === NOTE_OWNER && type === wanted)?.descriptor;

export function loadPvh({ name, memoryBytes, args, modules }: ImageRequest, image: ElfImage, entry: bigint): BootPlan {
  if (!image.segments.some(({ physicalAddress, memorySize }) => physicalAddress <= entry && entry < physicalAddress + memorySize)) {
    throw new BadImage(name, `its PVH entry point ${hex(entry)} lies in no loadable segment`, REBUILD);
  }
  const placement = new Placement(name, memoryBytes);
  loadSegments(placement, image);
  const placed = modules.map((module) => ({
    base: placement.place(`module ${module.name}`, module.bytes, PAGE_4K, placement.end),
    size: module.bytes.length,
    text: module.args,
  }));
  const describe = (base: number) => startInfo(base, placement.map, args, placed);
  const information = placement.reserve('start information', describe(0).length, 8, LOADER_AREA);
  placement.writes.push({ address: information, bytes: describe(information) });
  return { kind: 'PVH', writes: placement.writes, entry: protected32Entry(entry, { rbx: BigInt(information) }), notes: [] };
}

/** struct hvm_start_info, the module list, the memory map and all texts, in one piece that will lie at `base`. */
function startInfo(base: number, map: readonly MemoryRange[], commandLine: string, modules: readonly { base: number; size: number; text: string }[]): Uint8Array {
  const modulesAt = START_INFO_BYTES, mapAt = modulesAt + modules.length * MODULE_BYTES, textsAt = mapAt + map.length * MAP_ENTRY_BYTES;
  const texts = [commandLine, ...modules.map(({ text }) => text)].map(textBytes);
  const bytes = new Uint8Array(texts.reduce((end, text) => end + text.length, textsAt));
  const view = new DataView(bytes.buffer);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true), u64 = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  let end = textsAt;
  const text = (at: number, number: number) => {
    u64(at, base + end);
    bytes.set(texts[number]!, end);
    end += texts[number]!.length;
  };
  u32(0, MAGIC);
  u32(4, VERSION_WITH_MEMORY_MAP);
  u32(NR_MODULES, modules.length);
  u64(MODLIST, base + modulesAt);
  text(CMDLINE, 0);
  u64(RSDP, ACPI_TABLES);
  u64(MEMMAP, base + mapAt);
  u32(MEMMAP_ENTRIES, map.length);
  for (const [number, module] of modules.entries()) {
    const at = modulesAt + number * MODULE_BYTES;
    u64(at, module.base);
    u64(at + 8, module.size);
    text(at + 16, number + 1);
  }
  for (const [number, range] of map.entries()) {
    const at = mapAt + number * MAP_ENTRY_BYTES;
    u64(at, range.base);
    u64(at + 8, range.length);
    u32(at + 16, MEMORY_TYPE_NUMBERS[range.type]);
  }
  return bytes;
}
