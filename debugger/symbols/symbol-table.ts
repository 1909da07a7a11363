/** The linker's symbols, by name and by address. */
import type { ElfFile, ElfSymbol } from './elf.js';
import { compare } from './ranges.js';

export class SymbolTable {
  private readonly byName = new Map<string, ElfSymbol>();
  /** Symbols that stand for places, the best of each address last. */
  private readonly sorted: ElfSymbol[];

  constructor(elf: ElfFile) {
    const all = [...elf.symbols()];
    for (const symbol of all) {
      const known = this.byName.get(symbol.name);
      if (!known || rank(symbol) > rank(known)) this.byName.set(symbol.name, symbol);
    }
    const placed = all.filter(({ section, kind }) => section?.allocated && kind !== 'thread-local');
    this.sorted = placed.sort((a, b) => compare(a.address, b.address) || rank(a) - rank(b));
  }

  all(): Iterable<ElfSymbol> {
    return this.byName.values();
  }

  named(name: string): ElfSymbol | undefined {
    return this.byName.get(name);
  }

  /** The nearest symbol at or before the address, in the section that holds it. */
  at(address: bigint): ElfSymbol | undefined {
    const symbol = this.sorted[this.countUpTo(address) - 1];
    return symbol && isInside(symbol, address) ? symbol : undefined;
  }

  /** The function around the address; labels of assembly count as functions that end at the next one. */
  functionAt(address: bigint): { name: string; start: bigint; end: bigint } | undefined {
    const count = this.countUpTo(address);
    for (let index = count - 1; index >= 0; index--) {
      const symbol = this.sorted[index]!;
      if (!isInside(symbol, address)) return undefined;
      if (!isCode(symbol)) continue;
      const end = symbol.size > 0n ? symbol.address + symbol.size : this.endOf(symbol, count);
      if (address < end) return { name: symbol.name, start: symbol.address, end };
      if (symbol.size > 0n) return undefined;
    }
    return undefined;
  }

  private endOf(label: ElfSymbol, from: number): bigint {
    const section = label.section!;
    const limit = section.address + BigInt(section.size);
    for (let index = from; index < this.sorted.length; index++) {
      const symbol = this.sorted[index]!;
      if (symbol.address >= limit) break;
      if (isCode(symbol) && symbol.address > label.address) return symbol.address;
    }
    return limit;
  }

  private countUpTo(address: bigint): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function rank({ kind, binding, size }: ElfSymbol): number {
  const byKind = kind === 'function' ? 4 : kind === 'object' ? 3 : 0;
  const byBinding = binding === 'global' ? 1 : binding === 'weak' ? 0.5 : 0;
  return byKind + byBinding + (size > 0n ? 0.25 : 0);
}

function isInside({ section }: ElfSymbol, address: bigint): boolean {
  return section !== undefined && address >= section.address && address < section.address + BigInt(section.size);
}

/** Functions, and labels that are not an assembler's local ones (`.loop`, `start.loop`). */
function isCode({ kind, section, name, binding }: ElfSymbol): boolean {
  if (!section?.executable) return false;
  return kind === 'function' || (kind === 'label' && !(binding === 'local' && name.includes('.')));
}
