/** One paging structure at a time, entry by entry, as the page-table panel unfolds it. SDM Vol. 3, "Paging"; Vol. 3C, "The Extended Page Table Mechanism (EPT)". */
import type { Processor } from '../cpu/processor.js';
import { pagingMode, type PagingState } from '../paging/walk.js';
import { ep4ta } from '../vmx/ept.js';
import { ObservedMemory } from './memory.js';

export interface TableEntry {
  readonly index: number;
  /** In the space of the table: guest-physical for the guest's tables, host-physical for EPT. */
  readonly entryAddress: number;
  readonly value: bigint;
  readonly present: boolean;
  readonly leaf: boolean;
  readonly target: number;
  /** How far from the first address of the table the entry's range begins, and how long the range is. */
  readonly offset: number;
  readonly size: number;
  /** `xu`: with mode-based execute control for EPT, execution from user-mode linear addresses. */
  readonly rights: { readonly r: boolean; readonly w: boolean; readonly x: boolean; readonly u: boolean; readonly xu?: boolean };
  readonly accessed: boolean;
  readonly dirty: boolean;
  readonly global: boolean;
}

export interface PagingRoot {
  readonly levels: number;
  readonly table: number;
}

const ADDRESS_MASK = 0x000ffffffffff000n;
const LARGE = 1n << 7n, XD = 1n << 63n;

/** Where the tables begin; levels is 0 without paging. */
export function rootOf(state: PagingState, root: 'guest' | 'ept'): PagingRoot {
  if (root === 'ept') return state.eptp === 0 ? { levels: 0, table: 0 } : { levels: 4, table: ep4ta(state.eptp) };
  switch (pagingMode(state)) {
    case 'none': return { levels: 0, table: 0 };
    case '32-bit': return { levels: 2, table: Math.floor(state.cr3 / 4096) * 4096 };
    case 'PAE': return { levels: 3, table: Math.floor((state.cr3 % 2 ** 32) / 32) * 32 };
    case '4-level': return { levels: 4, table: Math.floor(state.cr3 / 4096) * 4096 };
  }
}

/** How many bytes an entry of that level translates. */
const spanOf = (level: number, is32Bit: boolean): number => 2 ** (12 + (is32Bit ? 10 : 9) * (level - 1));

export function readTable(cpu: Processor, state: PagingState, root: 'guest' | 'ept', table: number, level: number): TableEntry[] | string {
  const isEpt = root === 'ept';
  const mode = isEpt ? '4-level' : pagingMode(state);
  const is32Bit = mode === '32-bit';
  const bytes = is32Bit ? 4 : 8;
  const count = mode === 'PAE' && level === 3 ? 4 : 4096 / bytes;
  const { bytes: read, why } = tableMemory(cpu, state, isEpt).read(table, count * bytes);
  if (why !== undefined) return why;
  const view = new DataView(read.buffer);
  return Array.from({ length: count }, (_, index) => {
    const value = is32Bit ? BigInt(view.getUint32(4 * index, true)) : view.getBigUint64(8 * index, true);
    const entry = isEpt ? eptEntry(value, level, state.modeBased) : guestEntry(value, level, mode, is32Bit);
    const size = spanOf(level, is32Bit);
    return { index, entryAddress: table + bytes * index, value, offset: index * size, size, ...entry };
  });
}

function guestEntry(value: bigint, level: number, mode: string, is32Bit: boolean): Omit<TableEntry, 'index' | 'entryAddress' | 'value' | 'offset' | 'size'> {
  const present = (value & 1n) !== 0n;
  const isPdpteOfPae = mode === 'PAE' && level === 3;
  const leaf = level === 1 || (!isPdpteOfPae && level < 4 && (value & LARGE) !== 0n);
  const span = BigInt(spanOf(level, is32Bit));
  const mask = leaf && level > 1 ? ADDRESS_MASK & -span : ADDRESS_MASK;
  const high = is32Bit && leaf && level === 2 ? ((value >> 13n) & 0xffn) << 32n : 0n;
  const target = Number(is32Bit ? (value & mask & 0xffffffffn) | high : value & mask);
  return {
    present,
    leaf,
    target,
    rights: { r: present, w: isPdpteOfPae ? present : (value & 2n) !== 0n, x: present && (is32Bit || (value & XD) === 0n), u: isPdpteOfPae ? present : (value & 4n) !== 0n },
    accessed: !isPdpteOfPae && (value & 0x20n) !== 0n,
    dirty: leaf && (value & 0x40n) !== 0n,
    global: leaf && (value & 0x100n) !== 0n,
  };
}

function eptEntry(value: bigint, level: number, modeBased: boolean): Omit<TableEntry, 'index' | 'entryAddress' | 'value' | 'offset' | 'size'> {
  const leaf = level === 1 || (level < 4 && (value & LARGE) !== 0n);
  return {
    present: (value & (modeBased ? 0x407n : 7n)) !== 0n,
    leaf,
    target: Number(value & (leaf && level > 1 ? ADDRESS_MASK & -BigInt(spanOf(level, false)) : ADDRESS_MASK)),
    rights: { r: (value & 1n) !== 0n, w: (value & 2n) !== 0n, x: (value & 4n) !== 0n, u: true, ...(modeBased && { xu: (value & 0x400n) !== 0n }) },
    accessed: (value & 0x100n) !== 0n,
    dirty: leaf && (value & 0x200n) !== 0n,
    global: false,
  };
}

/** The guest's tables lie in guest-physical memory, the EPT's in the host's. */
const tableMemory = (cpu: Processor, state: PagingState, isEpt: boolean): ObservedMemory =>
  new ObservedMemory(cpu, isEpt || state.eptp === 0 ? undefined : withoutPaging(state));

/** Translates guest-physical addresses: the same EPT, with paging off. */
export const withoutPaging = (state: PagingState): PagingState => ({ ...state, cr0: state.cr0 & 0x7fffffff });

