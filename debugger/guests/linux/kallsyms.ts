/**
 * The symbols that a Linux kernel carries for itself: tables that scripts/kallsyms writes into its read-only data, found by their
 * own structure since nothing names them. Names are compressed by a table of 256 tokens, addresses are offsets from a base.
 */

import { kindOf, type KernelSymbol } from './kernel-symbols.js';

const TOKENS = 256;
const MARKER_EVERY = 256;
const LONGEST_NAME = 512;
/** Where x86-64 kernels are linked. */
const KERNEL_MAP_START = 0xffffffff80000000n;

const aligned = (position: number): number => Math.ceil(position / 8) * 8;

/** Undefined where the image holds no such tables. */
export function readKallsyms(image: Uint8Array): KernelSymbol[] | undefined {
  const tables = new KallsymsTables(image);
  for (const tokens of tables.tokenTables()) {
    const names = tables.namesBefore(tokens.start);
    const addresses = names && (tables.addressesBefore(names.start, names.count) ?? tables.addressesAt(aligned(tokens.end), names.count));
    if (names && addresses) return tables.symbols(names.start, names.count, tokens.texts, addresses);
  }
  return undefined;
}

interface TokenTable {
  readonly start: number;
  /** Behind the index of the table, which follows it. */
  readonly end: number;
  readonly texts: readonly string[];
}

type Addresses = (index: number) => { address: bigint; isAbsolute: boolean };

class KallsymsTables {
  private readonly view: DataView;

  constructor(private readonly image: Uint8Array) {
    this.view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  }

  /** Digits and letters stand for themselves: ten strings of one digit each lie in a row. */
  *tokenTables(): Generator<TokenTable> {
    const { image } = this;
    const isRow = (at: number): boolean => Array.from({ length: 10 }, (_, digit) => image[at + 2 * digit] === 0x30 + digit && image[at + 2 * digit + 1] === 0).every(Boolean);
    for (let at = image.indexOf(0x30); at >= 0 && at + 20 < image.length; at = image.indexOf(0x30, at + 1)) {
      const table = image[at + 1] === 0 && isRow(at) ? this.tokenTable(at) : undefined;
      if (table) yield table;
    }
  }

  private tokenTable(digits: number): TokenTable | undefined {
    const { image, view } = this;
    let start = digits;
    for (let before = 0x30; before > 0; before--) start = image.lastIndexOf(0, start - 2) + 1;
    if (digits - start > 0x30 * LONGEST_NAME) return undefined;
    const offsets: number[] = [], texts: string[] = [];
    let at = start;
    for (let token = 0; token < TOKENS; token++) {
      const end = image.indexOf(0, at);
      if (end < 0 || end - at > LONGEST_NAME) return undefined;
      offsets.push(at - start);
      texts.push(String.fromCharCode(...image.subarray(at, end)));
      at = end + 1;
    }
    const index = aligned(at);
    if (index + 2 * TOKENS > image.length || !offsets.every((offset, token) => view.getUint16(index + 2 * token, true) === offset)) return undefined;
    return { start, end: index + 2 * TOKENS, texts };
  }

  /** The compressed names, found from the markers behind them: the offset of every 256th name. */
  namesBefore(end: number): { start: number; count: number } | undefined {
    for (let markers = aligned(end) - 8; markers > 0; markers -= 8) {
      const count = this.view.getUint32(markers, true) === 0 ? this.increasing(markers) : 0;
      const names = count >= 4 ? this.namesEndingAt(markers, count) : undefined;
      if (names) return names;
    }
    return undefined;
  }

  private increasing(at: number): number {
    const { view } = this;
    let count = 1;
    for (let last = 0; at + 4 * count + 4 <= view.byteLength; count++) {
      const next = view.getUint32(at + 4 * count, true);
      if (next <= last || next - last > MARKER_EVERY * LONGEST_NAME) break;
      last = next;
    }
    return count;
  }

  private namesEndingAt(markers: number, count: number): { start: number; count: number } | undefined {
    const { view } = this;
    const first = view.getUint32(markers + 4, true), last = view.getUint32(markers + 4 * (count - 1), true);
    const lowest = markers - last - MARKER_EVERY * LONGEST_NAME;
    for (let start = aligned(markers - last) - 8; start >= Math.max(8, lowest); start -= 8) {
      const symbols = view.getUint32(start - 8, true);
      if (Math.ceil(symbols / MARKER_EVERY) !== count || view.getUint32(start - 4, true) !== 0) continue;
      if (this.skip(start, MARKER_EVERY) === start + first && aligned(this.skip(start, symbols)) === markers) return { start, count: symbols };
    }
    return undefined;
  }

  private skip(at: number, names: number): number {
    for (let n = 0; n < names && at < this.image.length; n++) at += this.lengthAt(at).bytes + this.lengthAt(at).tokens;
    return at;
  }

  /** Names of 128 tokens and more have a length of two bytes. */
  private lengthAt(at: number): { bytes: number; tokens: number } {
    const first = this.image[at]!;
    return first < 0x80 ? { bytes: 1, tokens: first } : { bytes: 2, tokens: (first & 0x7f) | (this.image[at + 1]! << 7) };
  }

  /** Up to Linux 6.3: offsets, base and number of symbols stand in front of the names. */
  addressesBefore(names: number, count: number): Addresses | undefined {
    return this.relative(names - 16 - aligned(4 * count), count, names - 16);
  }

  /** From Linux 6.4 on: offsets and base follow the tokens. */
  addressesAt(start: number, count: number): Addresses | undefined {
    return this.relative(start, count, start + aligned(4 * count));
  }

  private relative(offsets: number, count: number, baseAt: number): Addresses | undefined {
    const { view } = this;
    if (offsets < 0 || baseAt + 8 > view.byteLength) return undefined;
    const base = view.getBigUint64(baseAt, true);
    if (base < KERNEL_MAP_START) return undefined;
    const offsetAt = (index: number): number => view.getInt32(offsets + 4 * index, true);
    // With CONFIG_KALLSYMS_ABSOLUTE_PERCPU, positive offsets are absolute values and negative ones count from the base.
    const hasAbsolutes = Array.from({ length: count }, (_, index) => offsetAt(index)).some((offset) => offset < 0);
    if (!hasAbsolutes) return (index) => ({ address: base + BigInt(view.getUint32(offsets + 4 * index, true)), isAbsolute: false });
    return (index) => {
      const offset = offsetAt(index);
      return offset >= 0 ? { address: BigInt(offset), isAbsolute: true } : { address: base - 1n - BigInt(offset), isAbsolute: false };
    };
  }

  symbols(start: number, count: number, tokens: readonly string[], addresses: Addresses): KernelSymbol[] {
    const symbols: KernelSymbol[] = [];
    for (let index = 0, at = start; index < count; index++) {
      const length = this.lengthAt(at);
      at += length.bytes;
      let text = '';
      for (const end = at + length.tokens; at < end; at++) text += tokens[this.image[at]!]!;
      const { address, isAbsolute } = addresses(index);
      symbols.push({ name: text.slice(1), address, kind: isAbsolute ? 'absolute' : kindOf(text.charAt(0)) });
    }
    return symbols;
  }
}
