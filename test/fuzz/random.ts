/** A generator of numbers that is the same everywhere for a seed (xorshift128). */
export class Random {
  private x: number; private y: number; private z: number; private w = 0xbf58476d | 0;
  /** `stream` chooses one of many sequences of the same seed. */
  constructor(seed: number, stream = 0) {
    this.x = seed | 0;
    this.y = 0x9e3779b9 ^ seed;
    this.z = 0x7f4a7c15 ^ stream;
    for (let i = 0; i < 16; i++) this.u32();
  }
  u32(): number {
    const { x } = this;
    let t = this.w;
    t ^= t << 11; t ^= t >>> 8;
    this.w = this.z; this.z = this.y; this.y = x;
    this.x = t ^ x ^ (x >>> 19);
    return this.x >>> 0;
  }
  below(n: number): number { return this.u32() % n; }
  chance(n: number): boolean { return this.below(n) === 0; }
  pick<T>(list: readonly T[]): T { return list[this.below(list.length)]!; }
  u64(): bigint { return (BigInt(this.u32()) << 32n) | BigInt(this.u32()); }
  /** Often near an edge of some width. */
  value(): bigint {
    const words = new Uint32Array(2);
    this.valueTo(words, 0);
    return (BigInt(words[1]!) << 32n) | BigInt(words[0]!);
  }
  /** The same into two doublewords. */
  valueTo(words: Uint32Array, at: number): void {
    let low = this.u32(), high = 0;
    switch (this.below(6)) {
      case 0: high = this.u32(); break;
      case 1: low &= 0xff; break;
      case 2: {
        // 2 to the power of a width, minus 2 to plus 2.
        const width = this.pick(WIDTHS), step = (low % 5) - 2;
        low = (width < 32 ? 2 ** width + step : step) >>> 0;
        high = width < 32 ? 0 : width === 32 ? (step < 0 ? 0 : 1) : (width === 63 ? 0x8000_0000 : 0) - (step < 0 ? 1 : 0);
        break;
      }
      case 3: low = -(low & 0xff) >>> 0; high = low === 0 ? 0 : -1; break;
      case 4: break;
      default: high = low >> 31;
    }
    words[at] = low;
    words[at + 1] = high;
  }
}

const WIDTHS = [7, 8, 15, 16, 31, 32, 63, 64] as const;
