/** Floating-point numbers near every edge: made once, then drawn. */
import { Random } from './random.js';

/** Doublewords that one takes: two halves, a single, a double, 80 bits in sixteen bytes. */
const WORDS = { halves: 1, single: 1, double: 2, extended: 4 } as const;
export type NumberKind = keyof typeof WORDS;

interface Format { readonly exponentBits: number; readonly fractionBits: number }
/** Widths of the exponent and of the fraction's part in the highest doubleword. */
const HALF: Format = { exponentBits: 5, fractionBits: 10 }, SINGLE: Format = { exponentBits: 8, fractionBits: 23 }, DOUBLE: Format = { exponentBits: 11, fractionBits: 20 };

function fraction(r: Random, bits: number): number {
  const all = 2 ** bits - 1;
  switch (r.below(7)) {
    case 0: return 0;
    case 1: return all;
    case 2: return 1;
    case 3: return r.below(4) * 2 ** (bits - 2);
    case 4: return all - r.below(4);
    case 5: return (r.u32() & all) >>> r.below(bits);
    default: return r.u32() & all;
  }
}
function exponent(r: Random, bits: number): number {
  const most = 2 ** bits - 1, bias = most >> 1;
  switch (r.below(8)) {
    case 0: return r.below(3);
    case 1: return most - r.below(3);
    case 2: return r.below(most + 1);
    case 3: return (bias >> 1) + r.below(4);
    case 4: return Math.min(most, bias + r.below(70));
    default: return bias + r.below(5) - 2;
  }
}

/** The highest 32 bits of a number, or all of it: sign, exponent, fraction. */
function float(r: Random, { exponentBits, fractionBits }: Format): number {
  const sign = r.below(2) * 2 ** (exponentBits + fractionBits);
  return r.chance(12) ? sign : sign + exponent(r, exponentBits) * 2 ** fractionBits + fraction(r, fractionBits);
}

function double(r: Random, words: Uint32Array, at: number): void {
  const high = float(r, DOUBLE), ones = (high & 0xfffff) === 0xfffff;
  words[at] = r.chance(3) ? (ones ? 0xffff_ffff : 0) : r.chance(4) ? (ones ? -1 - r.below(4) : r.below(4)) : r.chance(3) ? r.u32() & 0xe000_0000 : r.u32();
  words[at + 1] = high;
}

/** At times without the integer bit that it should have. */
function extended(r: Random, words: Uint32Array, at: number): void {
  const zero = r.chance(10), power = zero ? 0 : exponent(r, 15), integer = !zero && (power !== 0 ? !r.chance(40) : r.chance(8));
  const high = zero ? 0 : fraction(r, 31), ones = high === 0x7fff_ffff;
  words[at] = zero ? 0 : r.chance(3) ? (ones ? -1 - r.below(3) : r.below(3)) : r.chance(3) ? r.u32() & 0xffff_f800 : r.chance(3) ? 0 : r.u32();
  words[at + 1] = high + (integer ? 2 ** 31 : 0);
  words[at + 2] = (r.below(2) << 15) | power;
}

const DRAWN = 1 << 16;
function pool(kind: NumberKind, make: (r: Random, words: Uint32Array, at: number) => void): Uint32Array {
  const r = new Random(WORDS[kind]), words = new Uint32Array(DRAWN * WORDS[kind]);
  for (let at = 0; at < words.length; at += WORDS[kind]) make(r, words, at);
  return words;
}
const POOLS: Readonly<Record<NumberKind, Uint32Array>> = {
  halves: pool('halves', (r, words, at) => { words[at] = float(r, HALF) + float(r, HALF) * 0x10000; }),
  single: pool('single', (r, words, at) => { words[at] = float(r, SINGLE); }),
  double: pool('double', double),
  extended: pool('extended', extended),
};

/** Draws a number into doublewords. */
export function numberTo(random: Random, kind: NumberKind, words: Uint32Array, at: number): void {
  const numbers = POOLS[kind], count = WORDS[kind], from = (random.u32() % DRAWN) * count;
  for (let i = 0; i < count; i++) words[at + i] = numbers[from + i]!;
}
