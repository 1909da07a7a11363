/** The kernel's symbols by name and by address. They have no sizes: each ends where the next begins. */
export type KernelSymbolKind = 'function' | 'object' | 'absolute';

export interface KernelSymbol {
  readonly name: string;
  /** Linear, unsigned; for `absolute` a value, such as an offset in the data of each processor. */
  readonly address: bigint;
  readonly kind: KernelSymbolKind;
}

/** By the letter that nm gives: of text, weak symbols included, or of data. */
export const kindOf = (letter: string): KernelSymbolKind => (letter === 'A' || letter === 'a' ? 'absolute' : /[tw]/i.test(letter) ? 'function' : 'object');

export class KernelSymbols {
  private readonly byName = new Map<string, KernelSymbol>();
  private readonly sorted: readonly KernelSymbol[];

  constructor(symbols: readonly KernelSymbol[]) {
    for (const symbol of symbols) if (!this.byName.has(symbol.name)) this.byName.set(symbol.name, symbol);
    this.sorted = symbols.filter(({ kind }) => kind !== 'absolute').sort((a, b) => (a.address < b.address ? -1 : Number(a.address > b.address)));
  }

  named(name: string): KernelSymbol | undefined {
    return this.byName.get(name);
  }

  names(): Iterable<string> {
    return this.byName.keys();
  }

  /** The nearest symbol at or before the address. */
  at(address: bigint): { name: string; offset: bigint } | undefined {
    const symbol = this.sorted[this.firstOf(this.countUpTo(address) - 1)];
    return symbol && { name: symbol.name, offset: address - symbol.address };
  }

  functionAt(address: bigint): { name: string; start: bigint; end: bigint } | undefined {
    const { sorted } = this, count = this.countUpTo(address);
    let index = count - 1;
    while (index >= 0 && sorted[index]!.kind !== 'function') index--;
    const found = sorted[this.firstOf(index)];
    if (!found) return undefined;
    const next = sorted.slice(count, count + 64).find(({ address: start }) => start > address);
    return { name: found.name, start: found.address, end: next?.address ?? address + 1n };
  }

  /** Of several symbols for one address, the first is the one that the kernel itself prints. */
  private firstOf(index: number): number {
    const { sorted } = this;
    while (index > 0 && sorted[index - 1]!.address === sorted[index]?.address && sorted[index - 1]!.kind === sorted[index]?.kind) index--;
    return index;
  }

  private countUpTo(address: bigint): number {
    let low = 0, high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
