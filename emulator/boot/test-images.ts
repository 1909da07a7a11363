/** Small images made by hand, for the tests beside this file. */

export interface TestSegment {
  readonly type?: number;
  readonly virtual: bigint;
  readonly physical?: bigint;
  readonly bytes: Uint8Array;
  readonly memorySize?: bigint;
}

export interface TestElf {
  readonly bits: 32 | 64;
  readonly entry: bigint;
  readonly segments: readonly TestSegment[];
  readonly type?: number;
  readonly machine?: number;
}

const PT_LOAD = 1;

export function elf({ bits, entry, segments, type = 2, machine = bits === 64 ? 62 : 3 }: TestElf): Uint8Array {
  const [headerBytes, programBytes] = bits === 64 ? [64, 56] : [52, 32];
  const dataAt = headerBytes + programBytes * segments.length;
  const bytes = new Uint8Array(dataAt + segments.reduce((sum, segment) => sum + segment.bytes.length, 0));
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: bigint) => (bits === 64 ? view.setBigUint64(at, value, true) : view.setUint32(at, Number(value), true));
  const wordBytes = bits / 8;
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits / 32, 1, 1]);
  view.setUint16(16, type, true);
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  word(24, entry);
  word(24 + wordBytes, BigInt(headerBytes));
  const tail = 24 + 3 * wordBytes + 4;
  [headerBytes, programBytes, segments.length].forEach((value, place) => view.setUint16(tail + 2 * place, value, true));

  let offset = dataAt;
  for (const [number, segment] of segments.entries()) {
    const at = headerBytes + number * programBytes;
    const size = BigInt(segment.bytes.length);
    const fields = [BigInt(offset), segment.virtual, segment.physical ?? segment.virtual, size, segment.memorySize ?? size];
    view.setUint32(at, segment.type ?? PT_LOAD, true);
    fields.forEach((value, place) => word(at + (bits === 64 ? 8 : 4) + place * wordBytes, value));
    bytes.set(segment.bytes, offset);
    offset += segment.bytes.length;
  }
  return bytes;
}

export function multibootHeader(flags: number, ...addresses: number[]): Uint8Array {
  return words(0x1badb002, flags, -(0x1badb002 + flags), ...addresses);
}

export function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values.map((value) => value >>> 0)).buffer);
}

export function bytesOf(...parts: (Uint8Array | number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
