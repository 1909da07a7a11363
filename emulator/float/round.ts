/** Rounding to a format, with everything that can happen to a result. SDM Vol. 1, "Rounding", "Numeric Overflow Exception", "Numeric Underflow Exception". */
import { DOWN, type Environment, NEAREST, OE, PE, UE, UP } from './environment.js';
import type { Format } from './formats.js';
import { copy, FINITE, INTEGER_BIT, setInfinity, setZero, shiftDown, softFloat, type SoftFloat } from './number.js';

/** Whether a magnitude goes up, given the bit behind the last that stays and whether anything follows it. */
function goesUp(rounding: number, negative: boolean, odd: boolean, half: boolean, rest: boolean): boolean {
  switch (rounding) {
    case NEAREST: return half && (rest || odd);
    case DOWN: return negative && (half || rest);
    case UP: return !negative && (half || rest);
    default: return false;
  }
}

/** Keeps the top `precision` of 64 bits of significand. Tells whether anything was lost; carries into the exponent. */
export function roundSignificand(r: SoftFloat, precision: number, env: Environment): boolean {
  const { high, low, extra } = r;
  env.roundedUp = false;
  let half: boolean, rest: boolean, odd: boolean;
  if (precision === 64) {
    if (extra === 0) return false;
    half = extra >= 0x80000000;
    rest = (extra & 0x7fffffff) !== 0;
    odd = (low & 1) !== 0;
  } else if (precision === 53) {
    if ((low & 0x7ff) === 0 && extra === 0) return false;
    half = (low & 0x400) !== 0;
    rest = (low & 0x3ff) !== 0 || extra !== 0;
    odd = (low & 0x800) !== 0;
    r.low = (low & ~0x7ff) >>> 0;
  } else {
    const last = 2 ** (32 - precision), below = last - 1, middle = last / 2;
    if ((high & below) === 0 && low === 0 && extra === 0) return false;
    half = (high & middle) !== 0;
    rest = (high & (middle - 1)) !== 0 || low !== 0 || extra !== 0;
    odd = (high & last) !== 0;
    r.high = (high & ~below) >>> 0;
    r.low = 0;
  }
  r.extra = 0;
  if (!goesUp(env.rounding, r.negative, odd, half, rest)) return true;
  env.roundedUp = true;
  const unit = precision === 64 ? 1 : precision === 53 ? 0x800 : 0;
  let carry = precision < 32 ? 2 ** (32 - precision) : 0;
  if (unit) {
    const sum = r.low + unit;
    r.low = sum >>> 0;
    carry = sum > 0xffffffff ? 1 : 0;
  }
  const top = r.high + carry;
  r.high = top >>> 0;
  if (top > 0xffffffff) {
    r.high = INTEGER_BIT;
    r.exponent++;
  }
  return true;
}

const probe = softFloat();

/** "Tiny": after rounding as if the exponent had no bounds, still below the smallest normal number. */
function isTiny(r: SoftFloat, precision: number, format: Format, env: Environment): boolean {
  if (r.exponent < format.minExponent - 1) return true;
  copy(probe, r);
  roundSignificand(probe, precision, env);
  return probe.exponent < format.minExponent;
}

/** Fits a finite number into a format, at a precision that may be smaller than the format's (x87 precision control). */
export function round(r: SoftFloat, format: Format, env: Environment, precision: number = format.precision): void {
  if (r.kind !== FINITE) return;
  if (r.exponent < format.minExponent && isTiny(r, precision, format, env)) { underflow(r, format, env, precision); return; }
  if (r.exponent < format.minExponent) {
    roundDenormal(r, format, env, precision);
    return;
  }
  if (roundSignificand(r, precision, env)) env.flags |= PE;
  if (r.exponent > format.maxExponent) overflow(r, format, env, precision);
}

function roundDenormal(r: SoftFloat, format: Format, env: Environment, precision: number): boolean {
  shiftDown(r, format.minExponent - r.exponent);
  r.exponent = format.minExponent;
  const inexact = roundSignificand(r, precision, env);
  if (inexact) env.flags |= PE;
  if (r.high === 0 && r.low === 0) setZero(r, r.negative);
  return inexact;
}

function underflow(r: SoftFloat, format: Format, env: Environment, precision: number): void {
  if (!(env.masked & UE)) {
    env.flags |= UE;
    if (roundSignificand(r, precision, env)) env.flags |= PE;
    r.exponent += format.wrap;
    return;
  }
  if (env.flushToZero) {
    env.flags |= UE | PE;
    setZero(r, r.negative);
    return;
  }
  if (roundDenormal(r, format, env, precision)) env.flags |= UE;
}

function overflow(r: SoftFloat, format: Format, env: Environment, precision: number): void {
  env.flags |= OE;
  if (!(env.masked & OE)) {
    r.exponent -= format.wrap;
    return;
  }
  env.flags |= PE;
  const away = env.rounding === NEAREST || env.rounding === (r.negative ? DOWN : UP);
  env.roundedUp = away;
  if (away) { setInfinity(r, r.negative); return; }
  r.exponent = format.maxExponent;
  r.high = precision < 32 ? 2 ** 32 - 2 ** (32 - precision) : 0xffffffff;
  r.low = precision === 64 ? 0xffffffff : precision === 53 ? 0xfffff800 : 0;
}

/** Rounds to an integer that stands in high:low; false when 64 bits do not hold it. Reports PE to nobody: `inexact` does. */
export interface Rounded { high: number; low: number; inexact: boolean; fits: boolean }
export function toInteger(a: SoftFloat, env: Environment, result: Rounded): void {
  result.high = result.low = 0;
  result.inexact = false;
  result.fits = true;
  env.roundedUp = false;
  if (a.kind !== FINITE) return;
  if (a.exponent > 63) { result.fits = false; return; }
  copy(probe, a);
  shiftDown(probe, 63 - a.exponent);
  probe.exponent = 63;
  result.inexact = roundSignificand(probe, 64, env);
  if (probe.exponent !== 63) { result.fits = false; return; }
  result.high = probe.high;
  result.low = probe.low;
}
