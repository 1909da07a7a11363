/** The structure that EBX points to. Multiboot Specification 0.6.96, "Boot information format". */
import type { SectionTable } from './elf-sections.js';
import { textBytes } from './environment.js';
import { MEMORY_TYPE_NUMBERS, usable, type MemoryRange } from './memory-map.js';
import { alignUp } from './placement.js';

export const BOOT_LOADER_NAME = 'Ringside';

const STRUCTURE_BYTES = 120;
const FLAGS = 0, MEM_LOWER = 4, MEM_UPPER = 8, CMDLINE = 16, MODS_COUNT = 20, MODS_ADDR = 24, SYMS = 28, MMAP_LENGTH = 44, MMAP_ADDR = 48, LOADER_NAME = 64;
const HAS_MEMORY = 1 << 0, HAS_CMDLINE = 1 << 2, HAS_MODS = 1 << 3, HAS_SECTIONS = 1 << 5, HAS_MMAP = 1 << 6, HAS_LOADER_NAME = 1 << 9;
const MODULE_BYTES = 16;
const MMAP_ENTRY_BYTES = 24;
/** An entry's size field does not count itself. */
const MMAP_ENTRY_SIZE = MMAP_ENTRY_BYTES - 4;

export interface PlacedModule {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Information {
  /** The physical address at which the bytes will lie; their number does not depend on it. */
  readonly base: number;
  readonly map: readonly MemoryRange[];
  readonly commandLine: string;
  readonly modules: readonly PlacedModule[];
  readonly sections?: SectionTable;
}

/** The structure, the module list, the memory map, the ELF sections and all texts, in one piece. */
export function informationBytes({ base, map, commandLine, modules, sections }: Information): Uint8Array {
  const modulesAt = STRUCTURE_BYTES;
  const mapAt = alignUp(modulesAt + modules.length * MODULE_BYTES, 8);
  const texts = [commandLine, BOOT_LOADER_NAME, ...modules.map((module) => module.text)].map(textBytes);
  const textsAt: number[] = [];
  const sectionsAt = mapAt + map.length * MMAP_ENTRY_BYTES;
  let end = sectionsAt + (sections?.bytes.length ?? 0);
  for (const text of texts) {
    textsAt.push(end);
    end += text.length;
  }

  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  const [lower, upper] = usable(map);
  u32(FLAGS, HAS_MEMORY | HAS_CMDLINE | HAS_MODS | HAS_MMAP | HAS_LOADER_NAME | (sections ? HAS_SECTIONS : 0));
  u32(MEM_LOWER, lower!.length / 1024);
  u32(MEM_UPPER, upper!.length / 1024);
  u32(CMDLINE, base + textsAt[0]!);
  u32(LOADER_NAME, base + textsAt[1]!);
  u32(MODS_COUNT, modules.length);
  u32(MODS_ADDR, base + modulesAt);
  u32(MMAP_LENGTH, map.length * MMAP_ENTRY_BYTES);
  u32(MMAP_ADDR, base + mapAt);
  for (const [number, module] of modules.entries()) {
    const at = modulesAt + number * MODULE_BYTES;
    u32(at, module.start);
    u32(at + 4, module.end);
    u32(at + 8, base + textsAt[2 + number]!);
  }
  for (const [number, range] of map.entries()) {
    const at = mapAt + number * MMAP_ENTRY_BYTES;
    u32(at, MMAP_ENTRY_SIZE);
    view.setBigUint64(at + 4, BigInt(range.base), true);
    view.setBigUint64(at + 12, BigInt(range.length), true);
    u32(at + 20, MEMORY_TYPE_NUMBERS[range.type]);
  }
  if (sections) {
    [sections.count, sections.entrySize, base + sectionsAt, sections.names].forEach((value, place) => u32(SYMS + 4 * place, value));
    bytes.set(sections.bytes, sectionsAt);
  }
  for (const [number, text] of texts.entries()) bytes.set(text, textsAt[number]!);
  return bytes;
}
