/** Messages of 9P2000.L, read and written: a size, a type, a tag, then fields in little-endian order. */

export const MESSAGE = {
  error: 6, statfs: 8, open: 12, create: 14, symlink: 16, mknod: 18, rename: 20, readlink: 22, getattr: 24, setattr: 26, xattrwalk: 30, readdir: 40, fsync: 50, lock: 52, getlock: 54,
  link: 70, mkdir: 72, renameat: 74, unlinkat: 76, version: 100, attach: 104, flush: 108, walk: 110, read: 116, write: 118, clunk: 120, remove: 122,
} as const;
export const HEADER_BYTES = 7;
export const QID_DIRECTORY = 0x80, QID_SYMLINK = 0x02;

export interface Qid {
  readonly type: number;
  readonly version: number;
  readonly path: bigint;
}

/** What is wrong with a message that ends too early. */
export class Truncated extends Error {}

export class Reader {
  private readonly view: DataView;
  private at = 0;

  constructor(private readonly message: Uint8Array) {
    this.view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  }

  u8(): number { return this.view.getUint8(this.take(1)); }
  u16(): number { return this.view.getUint16(this.take(2), true); }
  u32(): number { return this.view.getUint32(this.take(4), true); }
  u64(): bigint { return this.view.getBigUint64(this.take(8), true); }
  bytes(count: number): Uint8Array { const at = this.take(count); return this.message.subarray(at, at + count); }
  text(): string { return new TextDecoder().decode(this.bytes(this.u16())); }

  private take(count: number): number {
    const { at } = this;
    if (at + count > this.message.length) throw new Truncated();
    this.at += count;
    return at;
  }
}

export class Writer {
  private readonly parts: number[] = [];
  private data: Uint8Array = new Uint8Array(0);

  get length(): number { return HEADER_BYTES + this.parts.length + this.data.length; }

  u8(value: number): this { this.parts.push(value & 0xff); return this; }
  u16(value: number): this { return this.u8(value).u8(value >>> 8); }
  u32(value: number): this { return this.u16(value).u16(value >>> 16); }
  u64(value: bigint): this { return this.u32(Number(BigInt.asUintN(32, value))).u32(Number(BigInt.asUintN(32, value >> 32n))); }
  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.u16(bytes.length).parts.push(...bytes);
    return this;
  }
  qid({ type, version, path }: Qid): this { return this.u8(type).u32(version).u64(path); }
  /** Counted, and the last of the message. */
  counted(bytes: Uint8Array): this {
    this.u32(bytes.length);
    this.data = bytes;
    return this;
  }

  message(type: number, tag: number): Uint8Array {
    const bytes = new Uint8Array(this.length), view = new DataView(bytes.buffer);
    view.setUint32(0, bytes.length, true);
    view.setUint8(4, type);
    view.setUint16(5, tag, true);
    bytes.set(this.parts, HEADER_BYTES);
    bytes.set(this.data, HEADER_BYTES + this.parts.length);
    return bytes;
  }
}
