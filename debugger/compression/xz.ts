/**
 * XZ. The library knows LZMA2 alone, but kernels come with the filter for x86 code as well: then its blocks are given to the
 * library one by one, as if they had no filter and no check, and both are done here. The .xz File Format 1.2.0, "Stream" and "Block".
 */
import * as library from 'xz-decompress';
import { crc32 } from './crc32.js';
import { gather } from './gather.js';
import { unfilterX86 } from './x86-filter.js';

/** Node finds no names in this package's module, bundlers do. */
const { XzReadableStream } = 'default' in library ? (library.default as typeof library) : library;

const HEADER_BYTES = 12, FOOTER_BYTES = 12, MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], FOOTER_MAGIC = [0x59, 0x5a];
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;
const CHECK_CRC32 = 1;
const X86 = 0x04, LZMA2 = 0x21;
const HAS_COMPRESSED_SIZE = 0x40, HAS_UNCOMPRESSED_SIZE = 0x80;

interface Block {
  readonly filters: readonly { readonly id: number; readonly properties: readonly number[] }[];
  readonly data: Uint8Array;
  readonly check: Uint8Array;
  readonly uncompressedBytes: number;
}

export async function decompressXz(packed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const blocks = readBlocks(packed);
  if (!blocks.some(({ filters }) => filters.some(({ id }) => id === X86))) return gather(new XzReadableStream(new Blob([packed]).stream()));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const block of blocks) parts.push(await decompressFiltered(block));
  return gather(new Blob(parts).stream());
}

async function decompressFiltered({ filters, data, check, uncompressedBytes }: Block): Promise<Uint8Array<ArrayBuffer>> {
  const [first, last, ...others] = filters;
  if (first?.id !== X86 || first.properties.length > 0 || last?.id !== LZMA2 || others.length > 0) throw new Error(`filters ${filters.map(({ id }) => `0x${id.toString(16)}`).join(', ')} are not known`);
  const bytes = await gather(new XzReadableStream(new Blob([plainStream(last.properties, data, uncompressedBytes)]).stream()));
  unfilterX86(bytes);
  if (check.length > 0 && crc32(bytes) !== viewOf(check).getUint32(0, true)) throw new Error('the check sum is wrong');
  return bytes;
}

/** A stream of one block without check. */
function plainStream(lzma2Properties: readonly number[], data: Uint8Array, uncompressedBytes: number): Uint8Array<ArrayBuffer> {
  const flags = [0, 0], filter = [LZMA2, lzma2Properties.length, ...lzma2Properties];
  const headerBytes = 4 * Math.ceil((2 + filter.length + 4) / 4), header = [headerBytes / 4 - 1, 0, ...filter];
  const blockHeader = withCrc([...header, ...new Array<number>(headerBytes - 4 - header.length).fill(0)]);
  const records = [0, 1, ...variableInteger(headerBytes + data.length), ...variableInteger(uncompressedBytes)];
  const index = withCrc([...records, ...zerosTo4(records.length)]);
  const backward = [...little32(index.length / 4 - 1), ...flags];
  const head = [...MAGIC, ...withCrc(flags), ...blockHeader], tail = [...zerosTo4(data.length), ...index, ...little32(crc32(Uint8Array.from(backward))), ...backward, ...FOOTER_MAGIC];
  const stream = new Uint8Array(head.length + data.length + tail.length);
  stream.set(head);
  stream.set(data, head.length);
  stream.set(tail, head.length + data.length);
  return stream;
}

/** As the index at the end of the stream has them. */
function readBlocks(packed: Uint8Array): Block[] {
  const footer = packed.length - FOOTER_BYTES, view = viewOf(packed);
  if (footer < HEADER_BYTES || FOOTER_MAGIC.some((byte, place) => packed[footer + 10 + place] !== byte)) throw new Error('the end of the stream is missing');
  const indexAt = footer - (view.getUint32(footer + 4, true) + 1) * 4, check = packed[7]! & 0x0f;
  if (indexAt < HEADER_BYTES || packed[indexAt] !== 0) throw new Error('the index is damaged');
  const index = new Cursor(packed, indexAt + 1, footer), count = index.variableInteger(), blocks: Block[] = [];
  for (let at = HEADER_BYTES; blocks.length < count;) {
    const unpaddedBytes = index.variableInteger(), uncompressedBytes = index.variableInteger(), dataAt = at + (packed[at]! + 1) * 4;
    const dataEnd = at + unpaddedBytes - CHECK_BYTES[check]!, checkAt = 4 * Math.ceil(dataEnd / 4), end = checkAt + CHECK_BYTES[check]!;
    if (dataAt > dataEnd || end > indexAt) throw new Error('the index is damaged');
    blocks.push({ filters: readFilters(packed, at, dataAt), data: packed.subarray(dataAt, dataEnd), check: check === CHECK_CRC32 ? packed.subarray(checkAt, end) : new Uint8Array(), uncompressedBytes });
    at = end;
  }
  return blocks;
}

function readFilters(packed: Uint8Array, at: number, end: number): Block['filters'] {
  const flags = packed[at + 1]!, cursor = new Cursor(packed, at + 2, end);
  if ((flags & HAS_COMPRESSED_SIZE) !== 0) cursor.variableInteger();
  if ((flags & HAS_UNCOMPRESSED_SIZE) !== 0) cursor.variableInteger();
  return Array.from({ length: (flags & 3) + 1 }, () => {
    const id = cursor.variableInteger();
    return { id, properties: Array.from({ length: cursor.variableInteger() }, () => cursor.byte()) };
  });
}

class Cursor {
  constructor(private readonly bytes: Uint8Array, private at: number, private readonly end: number) {}

  byte(): number {
    if (this.at >= this.end) throw new Error('a header is cut off');
    return this.bytes[this.at++]!;
  }

  /** Seven bits in each byte, lowest first. */
  variableInteger(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}

function variableInteger(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 128) | 0x80, ...variableInteger(Math.floor(value / 128))];
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const little32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
const withCrc = (bytes: readonly number[]): number[] => [...bytes, ...little32(crc32(Uint8Array.from(bytes)))];
const zerosTo4 = (length: number): number[] => new Array<number>(-length & 3).fill(0);
