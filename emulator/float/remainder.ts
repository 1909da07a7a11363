/** FPREM and FPREM1, FSCALE, FRNDINT and FXTRACT of numbers taken apart. SDM Vol. 2, by their names. */
import { DE, type Environment, PE, TOWARD_ZERO, ZE } from './environment.js';
import { fromNan, fromNans, invalid } from './nan.js';
import { bigSignificand, copy, FINITE, INFINITY, setInfinity, setSignificand, setZero, softFloat, type SoftFloat, ZERO } from './number.js';
import { type Rounded, toInteger } from './round.js';

export interface Remainder { /** Low bits of the quotient. */ quotient: number; partial: boolean }
/** "D" up to which the remainder is complete. */
const COMPLETE = 63;

/** r = a - b × quotient: truncated (FPREM) or to nearest (FPREM1). */
export function remainder(a: SoftFloat, b: SoftFloat, nearest: boolean, r: SoftFloat, result: Remainder, env: Environment): void {
  result.quotient = 0;
  result.partial = false;
  if (fromNans(a, b, r, env)) return;
  if (a.kind === INFINITY || b.kind === ZERO) { invalid(r, env); return; }
  if (a.denormal || b.denormal) env.flags |= DE;
  copy(r, a);
  r.denormal = false;
  if (a.kind === ZERO || b.kind === INFINITY) return;
  const distance = a.exponent - b.exponent;
  if (distance < -1) return;
  let sa = bigSignificand(a), sb = bigSignificand(b), unit = b.exponent;
  result.partial = distance > COMPLETE;
  if (result.partial) {
    // "N is an implementation-dependent number between 32 and 63."
    const n = (distance & 31) | 32;
    sa <<= BigInt(n);
    unit = a.exponent - n;
  } else if (distance >= 0) sa <<= BigInt(distance);
  else {
    sb <<= 1n;
    unit = a.exponent;
  }
  let quotient = sa / sb, rest = sa - quotient * sb, negative = a.negative;
  if (nearest && !result.partial) {
    const twice = 2n * rest;
    if (twice > sb || (twice === sb && (quotient & 1n) !== 0n)) {
      rest = sb - rest;
      quotient++;
      negative = !negative;
    }
  }
  if (!result.partial) result.quotient = Number(quotient & 7n);
  if (rest === 0n) setZero(r, a.negative);
  else {
    const wide = rest > 0xffffffffffffffffn;
    if (wide) rest >>= 1n;
    setSignificand(r, negative, wide ? unit + 1 : unit, Number(rest >> 32n), Number(rest & 0xffffffffn));
  }
}

const integer: Rounded = { high: 0, low: 0, inexact: false, fits: true };
const MOST_SCALE = 0x10000;

/** a × 2^(b, truncated). */
export function scale(a: SoftFloat, b: SoftFloat, r: SoftFloat, env: Environment): void {
  if (fromNans(a, b, r, env)) return;
  if (b.kind === INFINITY && (b.negative ? a.kind === INFINITY : a.kind === ZERO)) { invalid(r, env); return; }
  if (a.denormal || b.denormal) env.flags |= DE;
  copy(r, a);
  r.denormal = false;
  if (a.kind !== FINITE) return;
  if (b.kind === INFINITY) {
    if (b.negative) setZero(r, a.negative); else setInfinity(r, a.negative);
    return;
  }
  const { rounding } = env;
  env.rounding = TOWARD_ZERO;
  toInteger(b, env, integer);
  env.rounding = rounding;
  const by = integer.fits && integer.high === 0 ? Math.min(integer.low, MOST_SCALE) : MOST_SCALE;
  r.exponent += b.negative ? -by : by;
}

export function roundToInteger(a: SoftFloat, r: SoftFloat, env: Environment): void {
  if (fromNan(a, r, env)) return;
  if (a.denormal) env.flags |= DE;
  copy(r, a);
  r.denormal = false;
  if (a.kind !== FINITE || a.exponent >= 63) return;
  toInteger(a, env, integer);
  if (integer.inexact) env.flags |= PE;
  setSignificand(r, a.negative, 63, integer.high, integer.low);
}

const zero = softFloat();
/** Exponent and significand as two numbers. */
export function extract(a: SoftFloat, exponent: SoftFloat, significand: SoftFloat, env: Environment): void {
  if (fromNan(a, significand, env)) { copy(exponent, significand); return; }
  copy(significand, a);
  significand.denormal = false;
  if (a.kind === INFINITY) { setInfinity(exponent, false); return; }
  if (a.kind === ZERO) {
    env.flags |= ZE;
    setInfinity(exponent, true);
    return;
  }
  if (a.denormal) env.flags |= DE;
  significand.exponent = 0;
  setSignificand(exponent, a.exponent < 0, 63, 0, Math.abs(a.exponent));
  if (a.exponent === 0) copy(exponent, zero);
}
