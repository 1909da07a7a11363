/** The section header table of an ELF file, as multiboot hands it to kernels that read their own symbols. System V Application Binary Interface, "Sections". */
import { BadImage, hex, REBUILD } from './bad-image.js';
import type { Placement } from './placement.js';

/** Offsets and widths that differ between the classes. */
const LAYOUTS = {
  32: { tableOffset: 32, entrySize: 46, count: 48, names: 50, section: 40, at: { address: 12, offset: 16, size: 20, alignment: 32 } },
  64: { tableOffset: 40, entrySize: 58, count: 60, names: 62, section: 64, at: { address: 16, offset: 24, size: 32, alignment: 48 } },
} as const;
const TYPE = 4, SHT_NULL = 0, SHT_NOBITS = 8;
const MOST_ALIGNMENT = 0x1000;

export interface SectionTable {
  readonly count: number;
  readonly entrySize: number;
  /** The number of the section that holds the sections' names. */
  readonly names: number;
  readonly bytes: Uint8Array;
}

/** Sections that are part of no segment (symbols, names, debugging information) get room of their own, and an address in the table. */
export function placeSections(placement: Placement, file: Uint8Array, bits: 32 | 64): SectionTable | undefined {
  const layout = LAYOUTS[bits], view = new DataView(file.buffer, file.byteOffset, file.byteLength), { name } = placement;
  const count = view.getUint16(layout.count, true), tableOffset = readWord(view, layout.tableOffset);
  if (count === 0) return undefined;
  if (view.getUint16(layout.entrySize, true) !== layout.section || tableOffset + count * layout.section > file.length) {
    throw new BadImage(name, `the section header table at ${hex(tableOffset)} (${count} entries) reaches beyond the ${hex(file.length)} bytes of the file`, REBUILD);
  }
  const bytes = Uint8Array.from(file.subarray(tableOffset, tableOffset + count * layout.section)), table = new DataView(bytes.buffer);
  for (let section = 0; section < count; section++) {
    const at = section * layout.section, type = table.getUint32(at + TYPE, true), size = readWord(table, at + layout.at.size), offset = readWord(table, at + layout.at.offset);
    if (type === SHT_NULL || type === SHT_NOBITS || size === 0 || readWord(table, at + layout.at.address) !== 0) continue;
    if (offset + size > file.length) throw new BadImage(name, `section ${section} ends at byte ${hex(offset + size)} of the file, which has only ${hex(file.length)}`, REBUILD);
    const alignment = Math.min(Math.max(1, readWord(table, at + layout.at.alignment)), MOST_ALIGNMENT);
    table.setUint32(at + layout.at.address, placement.place(`section ${section}`, file.subarray(offset, offset + size), alignment, placement.end), true);
  }
  return { count, entrySize: layout.section, names: view.getUint16(layout.names, true), bytes };

  function readWord(from: DataView, at: number): number {
    return bits === 64 ? Number(from.getBigUint64(at, true)) : from.getUint32(at, true);
  }
}
