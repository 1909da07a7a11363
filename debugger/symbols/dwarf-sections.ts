/** The debug sections of one file and the strings in them. */
import { ByteReader } from './byte-reader.js';
import type { ElfFile } from './elf.js';

export class DwarfSections {
  readonly file: string;
  private readonly elf: ElfFile;
  private readonly ignored: boolean;
  private readonly contents = new Map<string, Uint8Array>();

  /** `ignored`: as if the file had none of these sections. */
  constructor(elf: ElfFile, ignored = false) {
    this.elf = elf;
    this.ignored = ignored;
    this.file = elf.file;
  }

  has(name: string): boolean {
    return this.bytes(name).length > 0;
  }

  /** A missing section is an empty one. */
  bytes(name: string): Uint8Array {
    let bytes = this.contents.get(name);
    if (!bytes) {
      const section = this.ignored ? undefined : this.elf.section(name);
      bytes = section ? this.elf.contents(section) : new Uint8Array(0);
      this.contents.set(name, bytes);
    }
    return bytes;
  }

  reader(name: string, position = 0, end?: number): ByteReader {
    return new ByteReader(this.elf.file, name, this.bytes(name), position, end);
  }

  /** A reader of a location expression, which is a block taken from some section. */
  expression(block: Uint8Array, position = 0): ByteReader {
    return new ByteReader(this.file, 'location expression', block, position);
  }

  string(section: '.debug_str' | '.debug_line_str', offset: number): string {
    return this.reader(section, offset).cstring();
  }
}

/** The "initial length" of a unit: which offsets it uses, and a reader that ends where the unit ends. */
export function unitLength(reader: ByteReader): { offsetSize: 4 | 8; body: ByteReader } {
  const length = reader.u32();
  if (length < 0xfffffff0) return { offsetSize: 4, body: reader.part(length) };
  if (length !== 0xffffffff) reader.fail(`the unit before byte ${reader.position} has the reserved length 0x${length.toString(16)}`);
  return { offsetSize: 8, body: reader.part(reader.offset(8)) };
}
