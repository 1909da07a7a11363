/** The address ranges of an entry (.debug_ranges, .debug_rnglists), and an index from addresses to what covers them. */
import { AT } from './dwarf-constants.js';
import type { Die } from './dwarf-die.js';
import type { FormValue } from './dwarf-forms.js';
import type { Unit } from './dwarf-unit.js';

export interface Range {
  readonly start: bigint;
  /** Exclusive. */
  readonly end: bigint;
}

/** DW_RLE_*, the kinds of entry of a range list. */
const RLE = { endOfList: 0, baseAddressx: 1, startxEndx: 2, startxLength: 3, offsetPair: 4, baseAddress: 5, startEnd: 6, startLength: 7 } as const;

export function rangesOf(die: Die): Range[] {
  const value = die.value(AT.ranges);
  if (value) return die.unit.version >= 5 ? rangeList(die.unit, value) : oldRangeList(die.unit, value);
  const start = die.address(AT.lowPc);
  if (start === undefined) return [];
  const high = die.value(AT.highPc);
  const end = high?.is === 'constant' ? start + high.value : die.address(AT.highPc);
  return end !== undefined && end > start ? [{ start, end }] : [];
}

/** What the offsets of lists count from until the list says otherwise. */
export function baseAddress(unit: Unit): bigint {
  return unit.root.address(AT.lowPc) ?? 0n;
}

function oldRangeList(unit: Unit, value: FormValue): Range[] {
  const offset = unit.info.listOffset(unit, value, '.debug_rnglists');
  if (offset === undefined) return [];
  const reader = unit.info.sections.reader('.debug_ranges', offset);
  const selectsBase = (1n << BigInt(8 * unit.addressSize)) - 1n;
  const ranges: Range[] = [];
  let base = baseAddress(unit);
  for (;;) {
    const first = reader.unsigned(unit.addressSize);
    const second = reader.unsigned(unit.addressSize);
    if (first === 0n && second === 0n) return ranges;
    if (first === selectsBase) base = second;
    else if (second > first) ranges.push({ start: base + first, end: base + second });
  }
}

function rangeList(unit: Unit, value: FormValue): Range[] {
  const { info, addressSize } = unit;
  const offset = info.listOffset(unit, value, '.debug_rnglists');
  if (offset === undefined) return [];
  const reader = info.sections.reader('.debug_rnglists', offset);
  const address = () => reader.unsigned(addressSize);
  const indexed = () => info.address(unit, reader.uleb());
  const ranges: Range[] = [];
  let base = baseAddress(unit);
  const push = (start: bigint, end: bigint) => {
    if (end > start) ranges.push({ start, end });
  };
  for (;;) {
    const kind = reader.u8();
    switch (kind) {
      case RLE.endOfList:
        return ranges;
      case RLE.baseAddressx:
        base = indexed();
        break;
      case RLE.baseAddress:
        base = address();
        break;
      case RLE.startxEndx:
        push(indexed(), indexed());
        break;
      case RLE.startEnd:
        push(address(), address());
        break;
      case RLE.offsetPair:
        push(base + reader.ulebWide(), base + reader.ulebWide());
        break;
      case RLE.startxLength: {
        const start = indexed();
        push(start, start + reader.ulebWide());
        break;
      }
      case RLE.startLength: {
        const start = address();
        push(start, start + reader.ulebWide());
        break;
      }
      default:
        reader.fail(`the range list has an entry of the unknown kind ${kind}`);
    }
  }
}

/** Finds the ranges around an address by binary search. */
export class RangeIndex<T> {
  private readonly entries: (Range & { readonly value: T })[];
  /** The largest end among the entries up to this one. */
  private readonly reach: bigint[] = [];

  constructor(entries: Iterable<Range & { readonly value: T }>) {
    this.entries = [...entries].sort((a, b) => compare(a.start, b.start) || compare(b.end, a.end));
    let reach = 0n;
    for (const { end } of this.entries) {
      if (end > reach) reach = end;
      this.reach.push(reach);
    }
  }

  /** The innermost range that holds the address. */
  at(address: bigint): (Range & { readonly value: T }) | undefined {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    for (let index = low - 1; index >= 0 && this.reach[index]! > address; index--) {
      const entry = this.entries[index]!;
      if (entry.end > address) return entry;
    }
    return undefined;
  }

  [Symbol.iterator](): IterableIterator<Range & { readonly value: T }> {
    return this.entries[Symbol.iterator]();
  }
}

export function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function holds(ranges: readonly Range[], address: bigint): boolean {
  return ranges.some(({ start, end }) => address >= start && address < end);
}
