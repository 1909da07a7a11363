/** Writes page tables for 64-bit mode. SDM Vol. 3, "4-Level Paging and 5-Level Paging". */
import type { GuestWrite } from './plan.js';

const PRESENT = 1n, WRITABLE = 2n, PAGE_SIZE = 0x80n, ADDRESS = 0xffffffffff000n;
const ENTRIES = 512;

export const PAGE_4K = 0x1000;
export const PAGE_2M = 0x200000;
export type PageSize = typeof PAGE_4K | typeof PAGE_2M;

export class PageTables {
  readonly root: number;
  private readonly tables = new Map<number, BigUint64Array>();

  /** `allocate` finds a free page of guest memory. */
  constructor(private readonly allocate: () => number) {
    this.root = this.newTable();
  }

  map(virtual: bigint, physical: number, size: PageSize): void {
    const leafShift = size === PAGE_2M ? 21n : 12n;
    let table = this.tables.get(this.root)!;
    for (let shift = 39n; shift > leafShift; shift -= 9n) table = this.next(table, index(virtual, shift));
    table[index(virtual, leafShift)] = BigInt(physical) | PRESENT | WRITABLE | (size === PAGE_2M ? PAGE_SIZE : 0n);
  }

  get writes(): GuestWrite[] {
    return [...this.tables].map(([address, table]) => ({ address, bytes: new Uint8Array(table.buffer) }));
  }

  private next(table: BigUint64Array, entry: number): BigUint64Array {
    if (table[entry] === 0n) table[entry] = BigInt(this.newTable()) | PRESENT | WRITABLE;
    return this.tables.get(Number(table[entry]! & ADDRESS))!;
  }

  private newTable(): number {
    const address = this.allocate();
    this.tables.set(address, new BigUint64Array(ENTRIES));
    return address;
  }
}

const index = (virtual: bigint, shift: bigint) => Number((virtual >> shift) & 0x1ffn);
