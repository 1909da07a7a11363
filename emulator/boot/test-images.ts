/** Small images made by hand, for the tests beside this file, and a look at what was made of them. */
import type { BootPlan } from './plan.js';

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

export function multiboot2Header(...tags: Uint8Array[]): Uint8Array {
  const body = bytesOf(...tags, multiboot2Tag(0, 0)), length = 16 + body.length;
  return bytesOf(words(0xe85250d6, 0, length, -(0xe85250d6 + length)), body);
}

/** Flag 1 makes it optional. */
export function multiboot2Tag(type: number, flags: number, ...values: number[]): Uint8Array {
  return bytesOf(words(type | (flags << 16), 8 + 4 * values.length, ...values), words(...(values.length % 2 ? [0] : [])));
}

/** A note as the linker lays it out. */
export function note(owner: string, type: number, descriptor: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(`${owner}\0`), padded = (bytes: Uint8Array) => bytesOf(bytes, new Uint8Array(-bytes.length & 3));
  return bytesOf(words(name.length, descriptor.length, type), padded(name), padded(descriptor));
}

export interface TestBzImage {
  readonly version?: number;
  readonly has64?: boolean;
  readonly payload?: Uint8Array;
}

/** Setup code of two sectors, then the "kernel" with its payload at 200h. */
export function bzImage({ version = 0x20f, has64 = true, payload = new Uint8Array(0) }: TestBzImage = {}): Uint8Array {
  const setup = 3 * 512, kernelBytes = Math.ceil((0x200 + payload.length) / 16) * 16;
  const bytes = new Uint8Array(setup + kernelBytes), view = new DataView(bytes.buffer);
  view.setUint8(0x1f1, 2);
  view.setUint32(0x1f4, kernelBytes / 16, true);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint16(0x200, 0x66eb, true);
  view.setUint32(0x202, 0x53726448, true);
  view.setUint16(0x206, version, true);
  view.setUint8(0x211, 1);
  view.setUint32(0x22c, 0x7fffffff, true);
  view.setUint16(0x236, has64 ? 1 : 0, true);
  view.setUint32(0x238, 2047, true);
  view.setUint32(0x248, 0x200, true);
  view.setUint32(0x24c, payload.length, true);
  view.setBigUint64(0x258, 0x1000000n, true);
  view.setUint32(0x260, 0x100000, true);
  bytes.set(payload, setup + 0x200);
  return bytes;
}

/** A cpio archive in the format "newc", with its trailer; names that end with a slash are folders. */
export function cpio(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const padded = (bytes: Uint8Array) => joined([bytes, new Uint8Array(-bytes.length & 3)]);
  return joined(Object.entries({ ...files, 'TRAILER!!!': new Uint8Array(0) }).flatMap(([entry, bytes]) => {
    const name = entry.replace(/\/$/, ''), mode = name === entry ? 0o100755 : 0o040755;
    const fields = [1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0].map((value) => value.toString(16).padStart(8, '0')).join('');
    return [padded(new TextEncoder().encode(`070701${fields}${name}\0`)), padded(bytes)];
  }));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function memoryOf(plan: BootPlan, memoryBytes: number): DataView {
  const bytes = new Uint8Array(memoryBytes);
  for (const write of plan.writes) bytes.set(write.bytes, write.address);
  return new DataView(bytes.buffer);
}

export function textAt(view: DataView, at: number): string {
  const bytes = new Uint8Array(view.buffer);
  return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
}
