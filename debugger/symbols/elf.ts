/** ELF files: header, sections, segments and symbols, 32 and 64 bits, little-endian. System V ABI, "Object Files". */
import { ByteReader } from './byte-reader.js';
import { SymbolError } from './symbol-error.js';

const ET_REL = 1;
const EM_386 = 3;
const EM_X86_64 = 62;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHT_DYNSYM = 11;
const SHF_ALLOC = 2n;
const SHF_EXECINSTR = 4n;
const SHF_COMPRESSED = 0x800n;
const SHN_UNDEF = 0;
const SHN_LORESERVE = 0xff00;
const SHN_ABS = 0xfff1;
const SHN_XINDEX = 0xffff;
const PN_XNUM = 0xffff;
const SYMBOL_KINDS = ['label', 'object', 'function', 'section', 'file', 'common', 'thread-local'] as const;
const STT_GNU_IFUNC = 10;

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly entrySize: number;
  readonly allocated: boolean;
  readonly executable: boolean;
  readonly compressed: boolean;
}

export interface ElfSegment {
  readonly type: number;
  readonly flags: number;
  readonly offset: bigint;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
}

export interface ElfSymbol {
  readonly name: string;
  readonly address: bigint;
  readonly size: bigint;
  readonly kind: (typeof SYMBOL_KINDS)[number] | 'other';
  readonly binding: 'local' | 'global' | 'weak';
  /** Undefined for absolute symbols, whose value is a constant. */
  readonly section: ElfSection | undefined;
}

interface Header {
  type: number;
  entry: bigint;
  programHeaders: number;
  sectionHeaders: number;
  programHeaderSize: number;
  programHeaderCount: number;
  sectionHeaderSize: number;
  sectionHeaderCount: number;
  sectionNames: number;
}

type RawSection = Omit<ElfSection, 'name'> & { nameOffset: number; info: number };

export class ElfFile {
  readonly file: string;
  readonly bits: 32 | 64;
  readonly entry: bigint;
  readonly sections: readonly ElfSection[];
  readonly segments: readonly ElfSegment[];
  private readonly bytes: Uint8Array;

  constructor(file: string, bytes: Uint8Array) {
    this.file = file;
    this.bytes = bytes;
    this.bits = identify(file, bytes);
    const header = this.readHeader();
    this.entry = header.entry;
    if (header.type === ET_REL) {
      throw new SymbolError(file, 'not implemented: relocatable object files (ET_REL); link the object into an executable first');
    }
    const raw = this.readSections(header);
    const first = raw[0];
    this.sections = this.nameSections(raw, header.sectionNames === SHN_XINDEX ? (first?.link ?? 0) : header.sectionNames);
    const segmentCount = header.programHeaderCount === PN_XNUM ? (first?.info ?? 0) : header.programHeaderCount;
    this.segments = this.readSegments(header, segmentCount);
  }

  section(name: string): ElfSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  contents(section: ElfSection): Uint8Array {
    if (section.type === SHT_NOBITS) return new Uint8Array(0);
    if (section.compressed) {
      const remedy = 'link with --compress-debug-sections=none, or run objcopy --decompress-debug-sections';
      throw new SymbolError(this.file, `not implemented: compressed sections (${section.name} is SHF_COMPRESSED); ${remedy}`);
    }
    return this.slice(section.offset, section.size, `section ${section.name}`);
  }

  /** Symbols that name a place or an absolute value; undefined, file and section symbols are left out. */
  *symbols(): Generator<ElfSymbol> {
    const table =
      this.sections.find(({ type, size }) => type === SHT_SYMTAB && size > 0) ?? this.sections.find(({ type }) => type === SHT_DYNSYM);
    if (!table) return;
    const entrySize = this.bits === 64 ? 24 : 16;
    if (table.entrySize !== entrySize) throw new SymbolError(this.file, `${table.name}: entries of ${table.entrySize} bytes instead of ${entrySize}`);
    const strings = this.sections[table.link];
    if (!strings) throw new SymbolError(this.file, `${table.name}: its string table is section ${table.link}, which does not exist`);
    const names = this.contents(strings);
    const reader = this.reader(table.name, this.contents(table));
    while (reader.remaining >= entrySize) {
      const symbol = this.readSymbol(reader, names, strings.name);
      if (symbol) yield symbol;
    }
  }

  private readSymbol(reader: ByteReader, names: Uint8Array, namesSection: string): ElfSymbol | undefined {
    const nameOffset = reader.u32();
    const wide = this.bits === 64;
    const narrow = wide ? undefined : { address: BigInt(reader.u32()), size: BigInt(reader.u32()) };
    const info = reader.u8();
    reader.skip(1);
    const index = reader.u16();
    const { address, size } = narrow ?? { address: reader.u64(), size: reader.u64() };
    const kind = info & 15;
    if (index === SHN_UNDEF || nameOffset === 0) return undefined;
    const kindName = kind === STT_GNU_IFUNC ? 'function' : (SYMBOL_KINDS[kind] ?? 'other');
    if (kindName === 'section' || kindName === 'file' || kindName === 'common') return undefined;
    const section = index < SHN_LORESERVE ? this.sections[index] : undefined;
    if (!section && index !== SHN_ABS && index !== SHN_XINDEX) return undefined;
    const name = new ByteReader(this.file, namesSection, names, nameOffset).cstring();
    return { name, address, size, kind: kindName, binding: (['local', 'global'] as const)[info >> 4] ?? 'weak', section };
  }

  private readHeader(): Header {
    const reader = this.reader('ELF header', this.bytes);
    reader.seek(16);
    const word = this.bits / 8;
    const type = reader.u16();
    const machine = reader.u16();
    if (machine !== EM_386 && machine !== EM_X86_64) {
      throw new SymbolError(this.file, `is for machine ${machine}; only x86-64 (${EM_X86_64}) and 80386 (${EM_386}) files can be debugged`);
    }
    reader.skip(4);
    const entry = reader.unsigned(word);
    const programHeaders = reader.offset(word);
    const sectionHeaders = reader.offset(word);
    reader.skip(6);
    return {
      type,
      entry,
      programHeaders,
      sectionHeaders,
      programHeaderSize: reader.u16(),
      programHeaderCount: reader.u16(),
      sectionHeaderSize: reader.u16(),
      sectionHeaderCount: reader.u16(),
      sectionNames: reader.u16(),
    };
  }

  private readSections(header: Header): RawSection[] {
    if (header.sectionHeaders === 0) return [];
    const wanted = this.bits === 64 ? 64 : 40;
    if (header.sectionHeaderSize !== wanted) {
      throw new SymbolError(this.file, `section headers of ${header.sectionHeaderSize} bytes instead of ${wanted}`);
    }
    const first = this.readSection(header, 0);
    const count = header.sectionHeaderCount || first.size;
    this.slice(header.sectionHeaders, count * wanted, `table of ${count} section headers`);
    const sections = [first];
    for (let index = 1; index < count; index++) sections.push(this.readSection(header, index));
    return sections;
  }

  private readSection(header: Header, index: number): RawSection {
    const size = header.sectionHeaderSize;
    const reader = this.reader(`section header ${index}`, this.slice(header.sectionHeaders + index * size, size, `section header ${index}`));
    const word = this.bits / 8;
    const nameOffset = reader.u32();
    const type = reader.u32();
    const flags = reader.unsigned(word);
    const fields = {
      index,
      nameOffset,
      type,
      address: reader.unsigned(word),
      offset: reader.offset(word),
      size: reader.offset(word),
      link: reader.u32(),
      info: reader.u32(),
      allocated: (flags & SHF_ALLOC) !== 0n,
      executable: (flags & SHF_EXECINSTR) !== 0n,
      compressed: (flags & SHF_COMPRESSED) !== 0n,
    };
    reader.skip(word);
    return { ...fields, entrySize: reader.offset(word) };
  }

  private nameSections(raw: readonly RawSection[], namesIndex: number): ElfSection[] {
    const names = raw[namesIndex];
    if (!names) {
      if (raw.length === 0 || namesIndex === SHN_UNDEF) return [];
      throw new SymbolError(this.file, `the section names are said to be in section ${namesIndex}, which does not exist`);
    }
    const strings = namesIndex === SHN_UNDEF ? undefined : this.slice(names.offset, names.size, 'section of section names');
    return raw.map((section) => {
      const name = strings ? new ByteReader(this.file, 'section names', strings, section.nameOffset).cstring() : '';
      return { ...section, name };
    });
  }

  private readSegments(header: Header, count: number): ElfSegment[] {
    if (header.programHeaders === 0 || count === 0) return [];
    const size = this.bits === 64 ? 56 : 32;
    if (header.programHeaderSize !== size) {
      throw new SymbolError(this.file, `program headers of ${header.programHeaderSize} bytes instead of ${size}`);
    }
    const reader = this.reader('program headers', this.slice(header.programHeaders, count * size, `table of ${count} program headers`));
    return Array.from({ length: count }, () => (this.bits === 64 ? segment64(reader) : segment32(reader)));
  }

  private slice(offset: number, size: number, what: string): Uint8Array {
    if (!(offset + size <= this.bytes.length)) {
      throw new SymbolError(this.file, `the ${what} is said to lie at byte ${offset}, ${size} bytes long; the file has ${this.bytes.length}`);
    }
    return this.bytes.subarray(offset, offset + size);
  }

  private reader(section: string, bytes: Uint8Array): ByteReader {
    return new ByteReader(this.file, section, bytes);
  }
}

function identify(file: string, bytes: Uint8Array): 32 | 64 {
  const [magic, e, l, f, width, order] = bytes;
  if (magic !== 0x7f || e !== 0x45 || l !== 0x4c || f !== 0x46) {
    throw new SymbolError(file, 'is not an ELF file (it does not begin with 7F 45 4C 46); give the linked executable, not a flat image');
  }
  if (order !== 1) throw new SymbolError(file, 'is not little-endian; only x86 files can be debugged');
  if (width !== 1 && width !== 2) throw new SymbolError(file, `has the unknown ELF class ${width}`);
  return width === 2 ? 64 : 32;
}

function segment64(reader: ByteReader): ElfSegment {
  const type = reader.u32();
  const flags = reader.u32();
  const [offset, virtualAddress, physicalAddress, fileSize, memorySize] = [reader.u64(), reader.u64(), reader.u64(), reader.u64(), reader.u64()];
  reader.skip(8);
  return { type, flags, offset, virtualAddress, physicalAddress, fileSize, memorySize };
}

function segment32(reader: ByteReader): ElfSegment {
  const type = reader.u32();
  const next = () => BigInt(reader.u32());
  const [offset, virtualAddress, physicalAddress, fileSize, memorySize] = [next(), next(), next(), next(), next()];
  const flags = reader.u32();
  reader.skip(4);
  return { type, flags, offset, virtualAddress, physicalAddress, fileSize, memorySize };
}
