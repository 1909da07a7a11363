/** The transcendental functions of the x87, not rounded yet. SDM Vol. 1, "Transcendental Instructions", "Approximation of Pi". */
import { DE, type Environment, PE, ZE } from './environment.js';
import { divide } from './arithmetic.js';
import { arctangent, bitLength, cosine, exponentialLess1, LN2, logarithmOfRatio, ONE, P, PI, quotient, setFixed, sine } from './fixed-point.js';
import { fromNan, fromNans, invalid } from './nan.js';
import { bigSignificand, copy, FINITE, INFINITY, setInfinity, setSignificand, setZero, softFloat, type SoftFloat, ZERO } from './number.js';

/** Below 2^-TINY the first term of a series is the result, but for what lies beyond its last bit. */
const TINY = 70;

/** Moves a magnitude by less than anything that is kept: down, or up. */
function nudge(r: SoftFloat, up: boolean): void {
  if (up) { r.extra = (r.extra | 1) >>> 0; return; }
  if (r.extra !== 0) { r.extra--; r.extra = (r.extra | 1) >>> 0; return; }
  r.extra = 0xffffffff;
  if (r.low === 0) r.high = (r.high - 1) >>> 0;
  r.low = (r.low - 1) >>> 0;
  if (r.high < 0x80000000) {
    r.high = 0xffffffff;
    r.low = 0xffffffff;
    r.exponent--;
  }
}

/** |a| as a fixed-point number; a is not so small that bits are lost. */
const fixed = (a: SoftFloat): bigint => {
  const shift = P + BigInt(a.exponent - 63);
  return shift >= 0n ? bigSignificand(a) << shift : bigSignificand(a) >> -shift;
};

/** F2XM1: 2^x - 1 for -1 ≤ x ≤ 1; beyond, x itself (undefined). */
export function exponential(a: SoftFloat, r: SoftFloat, env: Environment): void {
  if (fromNan(a, r, env)) return;
  if (a.kind === ZERO) { setZero(r, a.negative); return; }
  if (a.kind === INFINITY) {
    if (a.negative) setSignificand(r, true, 0, 0x80000000, 0); else setInfinity(r, false);
    return;
  }
  if (a.denormal) env.flags |= DE;
  if (a.exponent >= 0) {
    if (a.exponent > 0 || a.high !== 0x80000000 || a.low !== 0) { copy(r, a); r.denormal = false; env.flags |= PE; return; }
    setSignificand(r, a.negative, a.negative ? -1 : 0, 0x80000000, 0);
    return;
  }
  if (a.exponent < -TINY) {
    setFixed(r, a.negative, bigSignificand(a) * LN2, a.exponent - 63);
    return;
  }
  const value = exponentialLess1((a.negative ? -1n : 1n) * ((fixed(a) * LN2) >> P));
  setFixed(r, a.negative, value < 0n ? -value : value);
}

/** y × value, where value = (negative) magnitude × 2^-P. */
function timesFixed(y: SoftFloat, negative: boolean, magnitude: bigint, exact: boolean, r: SoftFloat): void {
  setFixed(r, y.negative !== negative, bigSignificand(y) * magnitude, y.exponent - 63, exact);
}

/** The logarithm to base 2 of mantissa × 2^exponent, the mantissa from 1 to 2 in fixed point. */
function binaryLogarithm(mantissa: bigint, exponent: number): bigint {
  // Near 1 on both sides, for the series' sake: from 3/4 to 3/2.
  const high = 2n * mantissa > 3n * ONE;
  return BigInt(exponent + (high ? 1 : 0)) * ONE + quotient(logarithmOfRatio(high ? mantissa >> 1n : mantissa, ONE), LN2);
}

/** FYL2X: y × log2(x). It counts as inexact even when it is not. */
export function timesLogarithm(x: SoftFloat, y: SoftFloat, r: SoftFloat, env: Environment): void {
  if (fromNans(x, y, r, env)) return;
  if (x.negative && x.kind !== ZERO) { invalid(r, env); return; }
  if (x.kind === ZERO) {
    if (y.kind === ZERO) { invalid(r, env); return; }
    if (y.kind === FINITE) env.flags |= ZE;
    setInfinity(r, !y.negative);
    return;
  }
  const isOne = x.kind === FINITE && x.exponent === 0 && x.high === 0x80000000 && x.low === 0;
  const below = x.kind === FINITE && x.exponent < 0;
  if ((x.kind === INFINITY && y.kind === ZERO) || (isOne && y.kind === INFINITY)) { invalid(r, env); return; }
  if (x.denormal || y.denormal) env.flags |= DE;
  if (x.kind === INFINITY || y.kind === INFINITY) { setInfinity(r, y.negative !== below); return; }
  if (isOne) { setZero(r, y.negative); return; }
  if (y.kind === ZERO) { setZero(r, y.negative !== below); return; }
  const power = x.high === 0x80000000 && x.low === 0;
  const value = power ? BigInt(x.exponent) * ONE : binaryLogarithm(bigSignificand(x) << (P - 63n), x.exponent);
  timesFixed(y, value < 0n, value < 0n ? -value : value, power, r);
  env.flags |= PE;
}

/** FYL2XP1: y × log2(x + 1). */
export function timesLogarithmPlus1(x: SoftFloat, y: SoftFloat, r: SoftFloat, env: Environment): void {
  if (fromNans(x, y, r, env)) return;
  const atMostMinus1 = x.negative && (x.kind === INFINITY || (x.kind === FINITE && x.exponent >= 0));
  if (atMostMinus1 || (x.kind === ZERO && y.kind === INFINITY) || (x.kind === INFINITY && y.kind === ZERO)) { invalid(r, env); return; }
  if (x.denormal || y.denormal) env.flags |= DE;
  if (x.kind === INFINITY || y.kind === INFINITY) { setInfinity(r, x.negative !== y.negative); return; }
  if (x.kind === ZERO || y.kind === ZERO) { setZero(r, x.negative !== y.negative); return; }
  if (x.exponent < -TINY) {
    timesFixed(y, x.negative, quotient(bigSignificand(x), LN2), false, r);
    r.exponent += x.exponent - 63 + Number(P);
    return;
  }
  const sum = ONE + (x.negative ? -fixed(x) : fixed(x)), exponent = bitLength(sum) - 1 - Number(P);
  // A sum near 1 keeps all bits of x: its mantissa is not shifted.
  const value = exponent === -1 && 4n * sum > 3n * ONE ? quotient(logarithmOfRatio(sum, ONE), LN2)
    : binaryLogarithm(exponent >= 0 ? sum >> BigInt(exponent) : sum << BigInt(-exponent), exponent);
  timesFixed(y, value < 0n, value < 0n ? -value : value, false, r);
}

/** "The internal value of π is 4 × 0.C90FDAA2 2168C234 C": 66 bits, here π/2 × 2^67. */
const HALF_PI = 0xc90fdaa22168c234cn, HALF_PI_SCALE = 67;

/** The argument as a multiple of π/2 and a remainder within ±π/4. */
function reduce(a: SoftFloat): { quadrant: number; remainder: bigint } {
  const scale = Math.max(HALF_PI_SCALE, 63 - a.exponent);
  const x = bigSignificand(a) << BigInt(a.exponent - 63 + scale), half = HALF_PI << BigInt(scale - HALF_PI_SCALE);
  let q = x / half, rest = x - q * half;
  if (2n * rest > half) {
    rest -= half;
    q++;
  }
  const remainder = (rest << P) >> BigInt(scale);
  return a.negative ? { quadrant: Number(-q & 3n), remainder: -remainder } : { quadrant: Number(q & 3n), remainder };
}
const set = (r: SoftFloat, value: bigint): void => { if (value < 0n) setFixed(r, true, -value); else setFixed(r, false, value); };

/** Operands below 2^63; zeros, NaNs and infinities have been dealt with. */
function sineOf(a: SoftFloat, r: SoftFloat): void {
  if (a.exponent < -TINY) { copy(r, a); r.denormal = false; nudge(r, false); return; }
  const { quadrant, remainder } = reduce(a);
  const value = quadrant & 1 ? cosine(remainder) : sine(remainder);
  set(r, quadrant & 2 ? -value : value);
}
function cosineOf(a: SoftFloat, r: SoftFloat): void {
  if (a.exponent < -TINY) { setSignificand(r, false, 0, 0x80000000, 0); nudge(r, false); return; }
  const { quadrant, remainder } = reduce(a);
  const value = quadrant & 1 ? sine(remainder) : cosine(remainder);
  set(r, quadrant === 1 || quadrant === 2 ? -value : value);
}
function tangentOf(a: SoftFloat, r: SoftFloat): void {
  if (a.exponent < -TINY) { copy(r, a); r.denormal = false; nudge(r, true); return; }
  const { quadrant, remainder } = reduce(a), s = sine(remainder), c = cosine(remainder);
  set(r, quadrant & 1 ? -quotient(c, s) : quotient(s, c));
}
const trigonometric = (of: (a: SoftFloat, r: SoftFloat) => void, atZero: (a: SoftFloat, r: SoftFloat) => void) => (a: SoftFloat, r: SoftFloat, env: Environment): void => {
  if (fromNan(a, r, env)) return;
  if (a.kind === INFINITY) { invalid(r, env); return; }
  if (a.denormal) env.flags |= DE;
  if (a.kind === ZERO) atZero(a, r); else of(a, r);
};
const sameZero = (a: SoftFloat, r: SoftFloat): void => setZero(r, a.negative);
export const sineFunction = trigonometric(sineOf, sameZero);
export const tangentFunction = trigonometric(tangentOf, sameZero);
export const cosineFunction = trigonometric(cosineOf, (_, r) => setSignificand(r, false, 0, 0x80000000, 0));
/** "C2 … is set to 1 if the source operand is outside the range -2^63 to +2^63." */
export const outOfRange = (a: SoftFloat): boolean => a.kind === FINITE && a.exponent >= 63;

const ratio = softFloat();
/** FPATAN: the angle of the point (x, y). */
export function arctangentFunction(y: SoftFloat, x: SoftFloat, r: SoftFloat, env: Environment): void {
  if (fromNans(x, y, r, env)) return;
  if (x.denormal || y.denormal) env.flags |= DE;
  const { negative } = y;
  if (y.kind === ZERO || (x.kind === INFINITY && y.kind !== INFINITY)) {
    if (x.negative) setFixed(r, negative, PI); else setZero(r, negative);
    return;
  }
  if (y.kind === INFINITY || x.kind === ZERO) {
    setFixed(r, negative, x.kind !== INFINITY ? PI / 2n : x.negative ? (3n * PI) / 4n : PI / 4n);
    return;
  }
  const distance = y.exponent - x.exponent;
  if (distance > TINY) { setFixed(r, negative, PI / 2n); return; }
  if (distance < -TINY) {
    if (x.negative) { setFixed(r, negative, PI); return; }
    const { flags } = env;
    divide(y, x, ratio, env);
    env.flags = flags;
    copy(r, ratio);
    r.negative = negative;
    nudge(r, false);
    return;
  }
  const shift = BigInt(Math.abs(distance)), sy = bigSignificand(y) << (distance > 0 ? shift : 0n), sx = bigSignificand(x) << (distance < 0 ? shift : 0n);
  let angle = sy <= sx ? arctangent(quotient(sy, sx)) : PI / 2n - arctangent(quotient(sx, sy));
  if (x.negative) angle = PI - angle;
  setFixed(r, negative, angle);
}
