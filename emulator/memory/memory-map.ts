/** Which memory answers at a physical address. Most of it is at the place of its number; for the rest there are windows. */

export const NOWHERE = -1;

/** Addresses in whole pages, and where their first byte is in the store: for reads, writes and fetches, which need not agree; NOWHERE without memory. */
export interface Window {
  readonly base: number;
  readonly end: number;
  readonly places: readonly [read: number, write: number, fetch: number];
}

/** A PC has no windows on memory but those between 640 KiB and 1 MiB. */
export const ADAPTERS = 0xa0000, ADAPTERS_END = 0x100000;

export class MemoryMap {
  private windows: readonly Window[] = [];
  private as = '';
  private readonly low: number;

  /** The store holds the memory of that size, then what the video adapter and the ROM have. */
  constructor(private readonly ramBytes: number, readonly storeBytes = ramBytes) {
    this.low = Math.min(ADAPTERS, ramBytes);
  }

  /** In the order of their importance: the first that holds an address is asked. Whether that changes anything. */
  set(windows: readonly Window[]): boolean {
    const as = JSON.stringify(windows), changed = as !== this.as;
    this.windows = windows;
    this.as = as;
    return changed;
  }

  /** The place in the store of a byte, NOWHERE when a device answers, or nobody. `kind`: 0 read, 1 write, 2 fetch. */
  place(physical: number, kind: 0 | 1 | 2): number {
    if (physical < this.low || (physical >= ADAPTERS_END && physical < this.ramBytes)) return physical;
    for (const { base, end, places } of this.windows) if (base <= physical && physical < end) return places[kind] === NOWHERE ? NOWHERE : places[kind] + physical - base;
    return physical < this.ramBytes ? physical : NOWHERE;
  }
}
