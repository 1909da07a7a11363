/** The tags that EBX points to. Multiboot2 Specification 2.0, "Boot information format". */
import { rootPointer } from './acpi/tables.js';
import type { SectionTable } from './elf-sections.js';
import { textBytes } from './environment.js';
import { MEMORY_TYPE_NUMBERS, usable, type MemoryRange } from './memory-map.js';
import { BOOT_LOADER_NAME, type PlacedModule } from './multiboot1-information.js';
import { alignUp } from './placement.js';

const TAG = { end: 0, commandLine: 1, bootLoaderName: 2, module: 3, basicMemory: 4, memoryMap: 6, elfSections: 9, acpiOld: 14, acpiNew: 15, loadBase: 21 } as const;
/** Of version 1. */
const RSDP_1_BYTES = 20;
const ALIGNMENT = 8, MAP_ENTRY_BYTES = 24, MAP_ENTRY_VERSION = 0;

/** The last number that the specification gives to a tag. */
export const LAST_TAG: number = TAG.loadBase;
export const GIVEN_TAGS: readonly number[] = Object.values(TAG);

export interface Information {
  readonly map: readonly MemoryRange[];
  readonly commandLine: string;
  readonly modules: readonly PlacedModule[];
  readonly sections?: SectionTable;
  /** Where the image was loaded, for one that could have been loaded elsewhere. */
  readonly loadBase?: number;
}

/** It holds no address of its own, so it can lie anywhere. */
export function informationBytes({ map, commandLine, modules, sections, loadBase }: Information): Uint8Array {
  const [lower, upper] = usable(map);
  const tags = [
    tag(TAG.commandLine, textBytes(commandLine)),
    tag(TAG.bootLoaderName, textBytes(BOOT_LOADER_NAME)),
    ...modules.map(({ start, end, text }) => tag(TAG.module, words(start, end), textBytes(text))),
    tag(TAG.basicMemory, words(lower!.length / 1024, upper!.length / 1024)),
    tag(TAG.memoryMap, words(MAP_ENTRY_BYTES, MAP_ENTRY_VERSION), ...map.map(mapEntry)),
    ...(sections ? [tag(TAG.elfSections, words(sections.count, sections.entrySize, sections.names), sections.bytes)] : []),
    tag(TAG.acpiOld, rootPointer().slice(0, RSDP_1_BYTES)),
    tag(TAG.acpiNew, rootPointer()),
    ...(loadBase === undefined ? [] : [tag(TAG.loadBase, words(loadBase))]),
    tag(TAG.end),
  ];
  const size = tags.reduce((sum, each) => sum + each.length, ALIGNMENT);
  return join([words(size, 0), ...tags], size);
}

/** Padded to the alignment of the next; the padding is not part of its size. */
function tag(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, ALIGNMENT);
  return join([words(type, size), ...parts], alignUp(size, ALIGNMENT));
}

function mapEntry({ base, length, type }: MemoryRange): Uint8Array {
  const view = new DataView(new ArrayBuffer(MAP_ENTRY_BYTES));
  view.setBigUint64(0, BigInt(base), true);
  view.setBigUint64(8, BigInt(length), true);
  view.setUint32(16, MEMORY_TYPE_NUMBERS[type], true);
  return new Uint8Array(view.buffer);
}

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
