/** A set of interrupt vectors as the 256-bit registers IRR, ISR and TMR hold it. */
export class VectorSet {
  private readonly words = new Uint32Array(8);

  has(vector: number): boolean { return ((this.words[vector >>> 5]! >>> (vector & 31)) & 1) !== 0; }
  add(vector: number): void { this.words[vector >>> 5]! |= 1 << (vector & 31); }
  delete(vector: number): void { this.words[vector >>> 5]! &= ~(1 << (vector & 31)); }
  clear(): void { this.words.fill(0); }

  /** Vectors 32·n to 32·n+31. */
  word(n: number): number { return this.words[n]!; }

  /** -1 when it is empty. */
  get highest(): number {
    for (let n = 7; n >= 0; n--) if (this.words[n] !== 0) return 32 * n + 31 - Math.clz32(this.words[n]!);
    return -1;
  }

  save(): number[] { return [...this.words]; }
  restore(words: readonly number[]): void { this.words.set(words); }
}
