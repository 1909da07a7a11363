/** Products and sums that are rounded once, by WebAssembly's operations, which round each: the error of each is found exactly, and counted in. */
import type { Value } from '../../meaning/meaning.js';
import type { Cpu } from '../instruction.js';
import type { Lanes } from '../sse/fast.js';
import { every, shuffle, vector, zero } from '../sse/vector.js';

/** Four singles or two doubles: the result, and for which elements it is the processor's. */
export type Quickly = (cpu: Cpu, l: Lanes, a: Value, b: Value, c: Value) => { readonly result: Value; readonly ok: Value };

const double = (cpu: Cpu, name: string, ...of: Value[]): Value => vector(cpu, `f64x2.${name}`, ...of);

/** The rounded sum, and what rounding has lost. (D. Knuth, The Art of Computer Programming, vol. 2, "Floating Point Arithmetic".) */
function twoSum(cpu: Cpu, a: Value, b: Value): { sum: Value; error: Value } {
  const sum = double(cpu, 'add', a, b), fromB = double(cpu, 'sub', sum, a), fromA = double(cpu, 'sub', sum, fromB);
  return { sum, error: double(cpu, 'add', double(cpu, 'sub', a, fromA), double(cpu, 'sub', b, fromB)) };
}
/** The sum rounded to odd: where it is not exact, of both neighbours the one whose last bit is 1. What is rounded from it again is as if rounded once. */
function oddSum(cpu: Cpu, a: Value, b: Value): Value {
  const { sum, error } = twoSum(cpu, a, b), one = every(cpu, 1n, 64);
  const isEven = vector(cpu, 'i64x2.eq', vector(cpu, 'v128.and', sum, one), zero(cpu)), inexact = double(cpu, 'ne', error, zero(cpu));
  // One unit away from zero where the error has the sign of the sum, else towards it.
  const opposite = cpu.meaning.wasm('i64x2.shr_s', 128, [vector(cpu, 'v128.xor', sum, error), cpu.constant(63, 32)]), step = vector(cpu, 'v128.or', opposite, one);
  return vector(cpu, 'i64x2.add', sum, vector(cpu, 'v128.and', step, vector(cpu, 'v128.and', isEven, inexact)));
}

/** A product of singles is exact as a double, whose precision is more than two bits above a single's. */
export const fusedSingles: Quickly = (cpu, l, a, b, c) => {
  const HIGH = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15], BOTH = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
  const half = (n: 0 | 1) => {
    const [x, y, z] = [a, b, c].map((v) => vector(cpu, 'f64x2.promote_low_f32x4', n === 0 ? v : shuffle(cpu, v, v, HIGH))) as [Value, Value, Value];
    return vector(cpu, 'f32x4.demote_f64x2_zero', oddSum(cpu, double(cpu, 'mul', x, y), z));
  };
  const result = shuffle(cpu, half(0), half(1), BOTH), operands = l.both(l.both(l.plain(a), l.plain(b)), l.plain(c));
  const nothing = l.both(l.isZero(c), l.either(l.isZero(a), l.isZero(b)));
  return { result, ok: l.both(operands, l.either(l.safe(result), nothing)) };
};

/** 2^27 + 1 splits a double into two of half its precision. (T. J. Dekker, "A Floating-Point Technique for Extending the Available Precision", 1971.) */
const SPLITTER = 0x41a0000002000000n;
function twoProduct(cpu: Cpu, a: Value, b: Value): { product: Value; error: Value } {
  const split = (v: Value) => {
    const scaled = double(cpu, 'mul', v, every(cpu, SPLITTER, 64)), high = double(cpu, 'sub', scaled, double(cpu, 'sub', scaled, v));
    return [high, double(cpu, 'sub', v, high)] as const;
  };
  const product = double(cpu, 'mul', a, b), [aHigh, aLow] = split(a), [bHigh, bLow] = split(b), times = (x: Value, y: Value) => double(cpu, 'mul', x, y);
  const rest = double(cpu, 'sub', times(aHigh, bHigh), product), middle = double(cpu, 'add', double(cpu, 'add', rest, times(aHigh, bLow)), times(aLow, bHigh));
  return { product, error: double(cpu, 'add', middle, times(aLow, bLow)) };
}
/** Magnitudes of which no part of a product is too small or too large: 2^-300 to 2^300. */
const LEAST = 0x2d30000000000000n, MOST = 0x52b0000000000000n;

/** S. Boldo and G. Melquiond, "Emulation of a FMA and Correctly Rounded Sums: Proved Algorithms Using Rounding to Odd", 2008. */
export const fusedDoubles: Quickly = (cpu, l, a, b, c) => {
  const u = twoProduct(cpu, a, b), t = twoSum(cpu, c, u.error), v = twoSum(cpu, u.product, t.sum), result = double(cpu, 'add', v.sum, oddSum(cpu, t.error, v.error));
  const moderate = (x: Value) => {
    const magnitude = l.value('abs', x);
    return l.both(l.mask('ge', magnitude, l.constant(LEAST)), l.mask('le', magnitude, l.constant(MOST)));
  };
  const factors = l.both(moderate(a), moderate(b)), orZeros = l.both(l.either(moderate(a), l.isZero(a)), l.either(moderate(b), l.isZero(b)));
  return { result, ok: l.either(l.both(orZeros, moderate(c)), l.both(factors, l.isZero(c))) };
};
