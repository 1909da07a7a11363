/** Reads little-endian fields of one section; every access is checked against the section's end. */
import { SymbolError } from './symbol-error.js';

const TEXT = new TextDecoder();

export class ByteReader {
  readonly file: string;
  readonly section: string;
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;
  private readonly view: DataView;

  constructor(file: string, section: string, bytes: Uint8Array, position = 0, end = bytes.length) {
    this.file = file;
    this.section = section;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!(end <= bytes.length)) this.fail(`a part is said to end at byte ${end}, the section has ${bytes.length}`);
    if (!(position >= 0 && position <= end)) this.fail(`offset ${position} lies outside (the end is ${end})`);
    this.end = end;
    this.position = position;
  }

  fail(fault: string): never {
    throw new SymbolError(this.file, `${this.section}: ${fault}`);
  }

  get atEnd(): boolean {
    return this.position >= this.end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** A reader of the same section for `length` bytes from here; this reader moves behind them. */
  part(length: number): ByteReader {
    const start = this.take(length);
    return new ByteReader(this.file, this.section, this.bytes, start, start + length);
  }

  seek(position: number): void {
    if (!(position >= 0 && position <= this.end)) this.fail(`offset ${position} lies outside (the end is ${this.end})`);
    this.position = position;
  }

  skip(count: number): void {
    this.take(count);
  }

  block(length: number): Uint8Array {
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u24(): number {
    return this.u16() | (this.u8() << 16);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }

  i8(): number {
    return this.view.getInt8(this.take(1));
  }

  /** An unsigned integer of 1 to 8 bytes. */
  unsigned(size: number): bigint {
    if (size === 8) return this.u64();
    if (size === 4) return BigInt(this.u32());
    if (size === 2) return BigInt(this.u16());
    if (size === 1) return BigInt(this.u8());
    return this.fail(`an integer of ${size} bytes at byte ${this.position} is not supported`);
  }

  signed(size: number): bigint {
    return BigInt.asIntN(8 * size, this.unsigned(size));
  }

  /** An offset or length that must lie inside a file: exact as a number. */
  offset(size: number): number {
    return size === 8 ? this.small(this.u64()) : this.u32();
  }

  /** LEB128, unsigned, at most 53 bits. */
  uleb(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    this.position--;
    return this.small(this.ulebWide());
  }

  /** LEB128, signed, at most 53 bits. */
  sleb(): number {
    const first = this.u8();
    if (first < 0x80) return first & 0x40 ? first - 0x80 : first;
    this.position--;
    return this.small(this.slebWide());
  }

  ulebWide(): bigint {
    return BigInt.asUintN(64, this.leb().value);
  }

  slebWide(): bigint {
    const { value, bits } = this.leb();
    return BigInt.asIntN(64, BigInt.asIntN(bits, value));
  }

  cstring(): string {
    const start = this.position;
    const stop = this.bytes.indexOf(0, start);
    if (stop < 0 || stop >= this.end) this.fail(`the string at byte ${start} has no end`);
    this.position = stop + 1;
    return TEXT.decode(this.bytes.subarray(start, stop));
  }

  private leb(): { value: bigint; bits: number } {
    let value = 0n;
    let bits = 0;
    for (;;) {
      const byte = this.u8();
      if (bits < 70) value |= BigInt(byte & 0x7f) << BigInt(bits);
      else if ((byte & 0x7f) !== 0 && (byte & 0x7f) !== 0x7f) this.fail(`the LEB128 number before byte ${this.position} is too long`);
      bits = Math.min(bits + 7, 70);
      if (byte < 0x80) return { value, bits };
    }
  }

  private small(value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) this.fail(`the number ${value} before byte ${this.position} is too large`);
    return number;
  }

  private take(count: number): number {
    const start = this.position;
    if (!(count >= 0 && count <= this.end - start)) this.fail(`${count} bytes wanted at byte ${start}, the end is ${this.end}`);
    this.position = start + count;
    return start;
  }
}
