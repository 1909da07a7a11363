import { BadImage, hex, REBUILD } from './bad-image.js';
import { alignUp } from './placement.js';

/** Reads the loadable segments of an ELF executable, trusting nothing. System V Application Binary Interface, "Program Header". */

export interface ElfSegment {
  /** Its number in the program header table, as readelf counts. */
  readonly index: number;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  readonly bytes: Uint8Array;
  readonly memorySize: bigint;
}

export interface ElfNote {
  readonly owner: string;
  readonly type: number;
  readonly descriptor: Uint8Array;
}

export interface ElfImage {
  readonly bits: 32 | 64;
  readonly entry: bigint;
  readonly segments: readonly ElfSegment[];
  readonly notes: readonly ElfNote[];
}

const CLASS = 4, DATA = 5, HEADER_CLASS_32 = 1, HEADER_CLASS_64 = 2, LITTLE_ENDIAN = 1;
const TYPE = 16, MACHINE = 18;
const ET_EXEC = 2, EM_386 = 3, EM_X86_64 = 62, PT_LOAD = 1, PT_NOTE = 4;
const NOTE_HEADER_BYTES = 12, NOTE_ALIGNMENT = 4;
const MOST_SEGMENTS = 128;

const OTHER_TYPES: Readonly<Record<number, { is: string; remedy: string }>> = {
  1: { is: 'an object file', remedy: 'link it first' },
  3: { is: 'position-independent or a shared library', remedy: 'link it with -static -no-pie' },
  4: { is: 'a core dump', remedy: 'give the program instead' },
};

/** Offsets and widths that differ between the classes. */
const LAYOUTS = {
  32: { header: 52, entry: 24, programOffset: 28, entrySize: 42, count: 44, program: 32, at: { offset: 4, virtual: 8, physical: 12, fileSize: 16, memorySize: 20 } },
  64: { header: 64, entry: 24, programOffset: 32, entrySize: 54, count: 56, program: 56, at: { offset: 8, virtual: 16, physical: 24, fileSize: 32, memorySize: 40 } },
} as const;

export const isElf = (bytes: Uint8Array) => bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

export function parseElf(name: string, bytes: Uint8Array): ElfImage {
  const bits = checkIdentification(name, bytes);
  const layout = LAYOUTS[bits];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number) => (bits === 64 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true)));
  checkHeader(name, view, bits);

  const count = view.getUint16(layout.count, true);
  const tableOffset = word(layout.programOffset);
  if (count === 0) throw new BadImage(name, 'the ELF file has no program headers, so nothing of it can be loaded', 'link it as an executable');
  if (tableOffset + BigInt(count * layout.program) > BigInt(bytes.length)) {
    throw new BadImage(name, `the program header table at ${hex(tableOffset)} (${count} entries) reaches beyond the ${hex(bytes.length)} bytes of the file`, REBUILD);
  }
  const segments: ElfSegment[] = [];
  const notes: ElfNote[] = [];
  for (let index = 0; index < count; index++) {
    const at = Number(tableOffset) + index * layout.program;
    const type = view.getUint32(at, true), memorySize = word(at + layout.at.memorySize);
    if ((type !== PT_LOAD && type !== PT_NOTE) || memorySize === 0n) continue;
    const fileBytes = segmentBytes(name, index, bytes, word(at + layout.at.offset), word(at + layout.at.fileSize), memorySize);
    if (type === PT_NOTE) {
      notes.push(...parseNotes(fileBytes));
      continue;
    }
    segments.push({ index, virtualAddress: word(at + layout.at.virtual), physicalAddress: word(at + layout.at.physical), bytes: fileBytes, memorySize });
    if (segments.length > MOST_SEGMENTS) throw new BadImage(name, `the ELF file has more than ${MOST_SEGMENTS} loadable segments`, 'link it with fewer');
  }
  if (segments.length === 0) throw new BadImage(name, 'the ELF file has no loadable segment', 'link it as an executable');
  return { bits, entry: word(layout.entry), segments, notes };
}

/** The segment whose virtual addresses hold this one. */
export const segmentAt = (image: ElfImage, address: bigint) =>
  image.segments.find((segment) => segment.virtualAddress <= address && address < segment.virtualAddress + segment.memorySize);

/** The segment of the entry point; an image without one cannot be started. */
export function entrySegment(name: string, image: ElfImage): ElfSegment {
  const segment = segmentAt(image, image.entry);
  if (!segment) throw new BadImage(name, `the entry point ${hex(image.entry)} lies in no loadable segment`, 'name the entry symbol to the linker (ENTRY or -e)');
  return segment;
}

function checkIdentification(name: string, bytes: Uint8Array): 32 | 64 {
  const bits = bytes[CLASS] === HEADER_CLASS_32 ? 32 : bytes[CLASS] === HEADER_CLASS_64 ? 64 : undefined;
  if (bits === undefined) throw new BadImage(name, `ELF class ${bytes[CLASS] ?? 'missing'} is neither 32-bit nor 64-bit`, REBUILD);
  if (bytes.length < LAYOUTS[bits].header) throw new BadImage(name, `the file has ${bytes.length} bytes, fewer than an ELF header`, REBUILD);
  if (bytes[DATA] !== LITTLE_ENDIAN) throw new BadImage(name, 'the ELF file is not little-endian', 'build it for x86');
  return bits;
}

function checkHeader(name: string, view: DataView, bits: 32 | 64): void {
  const machine = view.getUint16(MACHINE, true);
  if (machine !== EM_386 && machine !== EM_X86_64) throw new BadImage(name, `the ELF file is for machine ${machine}, not x86`, 'build it for i386 or x86-64');
  if (machine !== (bits === 64 ? EM_X86_64 : EM_386)) {
    throw new BadImage(name, `the ELF file is ${bits}-bit but for machine ${machine}`, 'build it with -m32 or -m64, not as x32');
  }
  const type = view.getUint16(TYPE, true);
  if (type !== ET_EXEC) {
    const other = OTHER_TYPES[type] ?? { is: `of ELF type ${type}`, remedy: REBUILD };
    throw new BadImage(name, `the file is ${other.is}, not an executable for a fixed address`, other.remedy);
  }
  const entrySize = view.getUint16(LAYOUTS[bits].entrySize, true);
  if (entrySize !== LAYOUTS[bits].program) {
    throw new BadImage(name, `program headers of ${entrySize} bytes instead of ${LAYOUTS[bits].program}`, REBUILD);
  }
}

function segmentBytes(name: string, index: number, bytes: Uint8Array, offset: bigint, fileSize: bigint, memorySize: bigint): Uint8Array {
  if (fileSize > memorySize) {
    throw new BadImage(name, `segment ${index} has ${hex(fileSize)} bytes in the file but only ${hex(memorySize)} in memory`, REBUILD);
  }
  if (offset + fileSize > BigInt(bytes.length)) {
    throw new BadImage(name, `segment ${index} ends at byte ${hex(offset + fileSize)} of the file, which has only ${hex(bytes.length)}`, REBUILD);
  }
  return bytes.subarray(Number(offset), Number(offset + fileSize));
}

/** What is cut off at the end of the notes is no note. */
function* parseNotes(bytes: Uint8Array): Generator<ElfNote> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + NOTE_HEADER_BYTES <= bytes.length;) {
    const [ownerBytes, descriptorBytes, type] = [0, 4, 8].map((field) => view.getUint32(at + field, true)) as [number, number, number];
    const ownerAt = at + NOTE_HEADER_BYTES, descriptorAt = alignUp(ownerAt + ownerBytes, NOTE_ALIGNMENT), end = descriptorAt + descriptorBytes;
    if (end > bytes.length) return;
    yield { owner: new TextDecoder().decode(bytes.subarray(ownerAt, ownerAt + ownerBytes)).replace(/\0$/, ''), type, descriptor: bytes.subarray(descriptorAt, end) };
    at = alignUp(end, NOTE_ALIGNMENT);
  }
}
