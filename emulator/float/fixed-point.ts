/** Elementary functions of fixed-point numbers: integers scaled by 2^P. Good to some 180 bits, far beyond what is rounded from them. */
import { FINITE, normalize, setZero, type SoftFloat } from './number.js';

export const P = 256n;
export const ONE = 1n << P;

const multiply = (a: bigint, b: bigint): bigint => (a * b) >> P;
export const quotient = (a: bigint, b: bigint): bigint => (a << P) / b;

/** Sums a series until its terms vanish. */
function series(first: bigint, next: (term: bigint, n: bigint) => bigint, weigh: (term: bigint, n: bigint) => bigint = (t) => t): bigint {
  let sum = 0n, term = first;
  for (let n = 0n; term !== 0n && term !== -1n; term = next(term, ++n)) sum += weigh(term, n);
  return sum;
}

/** e^x - 1. */
export const exponentialLess1 = (x: bigint): bigint => series(x, (t, n) => multiply(t, x) / (n + 1n));
/** Inverse hyperbolic tangent, |x| well below 1. */
function inverseHyperbolicTangent(x: bigint): bigint {
  const square = multiply(x, x);
  return series(x, (t) => multiply(t, square), (t, n) => t / (2n * n + 1n));
}
/** Natural logarithm of a / b, which is near 1: from 3/4 to 2, or the series takes for ever. */
export const logarithmOfRatio = (a: bigint, b: bigint): bigint => 2n * inverseHyperbolicTangent(quotient(a - b, a + b));
export function sine(x: bigint): bigint {
  const square = multiply(x, x);
  return series(x, (t, n) => -multiply(t, square) / (2n * n * (2n * n + 1n)));
}
export function cosine(x: bigint): bigint {
  const square = multiply(x, x);
  return series(ONE, (t, n) => -multiply(t, square) / ((2n * n - 1n) * 2n * n));
}
function arctangentSeries(x: bigint): bigint {
  const square = multiply(x, x);
  return series(x, (t) => -multiply(t, square), (t, n) => t / (2n * n + 1n));
}
/** John Machin's formula. */
export const PI = 4n * (4n * arctangentSeries(ONE / 5n) - arctangentSeries(ONE / 239n));
export const LN2 = logarithmOfRatio(2n * ONE, ONE);
/** Arctangent of a number from 0 to 1. */
export const arctangent = (x: bigint): bigint => (5n * x < 2n * ONE ? arctangentSeries(x) : PI / 4n + arctangentSeries(quotient(x - ONE, x + ONE)));

export const bitLength = (v: bigint): number => v.toString(2).length;

/** r = ±value × 2^(exponent - P), of a value that is not negative; unless it is exact, the lowest bit tells that something follows. */
export function setFixed(r: SoftFloat, negative: boolean, value: bigint, exponent = 0, exact = false): void {
  if (value === 0n) { setZero(r, negative); return; }
  const excess = BigInt(bitLength(value) - 96), top = excess >= 0n ? value >> excess : value << -excess;
  const rest = !exact || (excess > 0n && top << excess !== value);
  r.kind = FINITE;
  r.negative = negative;
  r.denormal = false;
  r.exponent = Number(excess) + 95 - Number(P) + exponent;
  r.high = Number(top >> 64n);
  r.low = Number((top >> 32n) & 0xffffffffn);
  r.extra = (Number(top & 0xffffffffn) | (rest ? 1 : 0)) >>> 0;
  normalize(r);
}
