import type { AccessBytes, Device } from '../../memory/bus.js';

/** Vectors of MSI-X with their pending bits, in the memory of one base address register. PCI Local Bus Specification 3.0, "MSI-X Capability and Table Structure". */

const ENTRY_BYTES = 16, MASKED = 1;
const ADDRESS = 0, DATA = 2, CONTROL = 3;

export class MsiXTable implements Device {
  readonly name = 'MSI-X table';
  private readonly words: Uint32Array;
  private readonly pending: Uint32Array;
  private masked = true;

  constructor(private readonly vectors: number, private readonly send: (address: number, data: number) => void) {
    this.words = new Uint32Array(4 * vectors);
    this.pending = new Uint32Array(Math.ceil(vectors / 32));
    this.reset();
  }

  /** The pending bits stand in the second half of the memory. */
  static pendingAt(vectors: number): number { return Math.max(2048, 2 ** Math.ceil(Math.log2(ENTRY_BYTES * vectors))); }
  static bytes(vectors: number): number { return 2 * MsiXTable.pendingAt(vectors); }

  signal(vector: number): void {
    if (vector >= this.vectors) return;
    const at = 4 * vector;
    if (this.masked || (this.words[at + CONTROL]! & MASKED) !== 0) this.pending[vector >>> 5]! |= 1 << (vector & 31);
    else this.send(this.words[at + ADDRESS]!, this.words[at + DATA]!);
  }

  /** All vectors at once, by the capability's control word. */
  setMasked(masked: boolean): void {
    this.masked = masked;
    for (let vector = 0; vector < this.vectors; vector++) this.deliver(vector);
  }

  read(offset: number, bytes: AccessBytes): number {
    const pendingAt = MsiXTable.pendingAt(this.vectors);
    const word = (offset < pendingAt ? this.words[offset >>> 2] : this.pending[(offset - pendingAt) >>> 2]) ?? 0;
    const value = word >>> (8 * (offset & 3));
    return bytes === 4 ? value : value & (bytes === 2 ? 0xffff : 0xff);
  }

  /** UNDEFINED: accesses of less than 32 bits; ours are ignored. */
  write(offset: number, bytes: AccessBytes, value: number): void {
    if (bytes !== 4 || offset >>> 2 >= this.words.length) return;
    this.words[offset >>> 2] = (offset & 12) === 4 * CONTROL ? value & MASKED : value;
    this.deliver(offset >>> 4);
  }

  reset(): void {
    this.words.fill(0);
    for (let vector = 0; vector < this.vectors; vector++) this.words[4 * vector + CONTROL] = MASKED;
    this.pending.fill(0);
    this.masked = true;
  }

  save(): unknown { return { words: this.words.slice(), pending: this.pending.slice(), masked: this.masked }; }
  restore(state: unknown): void {
    const { words, pending, masked } = state as { words: Uint32Array; pending: Uint32Array; masked: boolean };
    this.words.set(words);
    this.pending.set(pending);
    this.masked = masked;
  }

  private deliver(vector: number): void {
    const bit = 1 << (vector & 31);
    if ((this.pending[vector >>> 5]! & bit) === 0 || this.masked || (this.words[4 * vector + CONTROL]! & MASKED) !== 0) return;
    this.pending[vector >>> 5]! &= ~bit;
    this.signal(vector);
  }
}
