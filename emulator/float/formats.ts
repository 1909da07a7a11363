/** The encodings of half, single, double and double extended precision. SDM Vol. 1, "Floating-Point Data Types", "Real Number and NaN Encodings". */
import { FINITE, INFINITY, INTEGER_BIT, isNan, normalize, QNAN, QUIET_BIT, setZero, SNAN, type SoftFloat, UNSUPPORTED, ZERO } from './number.js';

export interface Format {
  /** Bits of the significand, the integer bit included. */
  readonly precision: 11 | 24 | 53 | 64;
  readonly minExponent: number;
  readonly maxExponent: number;
  /** What is added to or taken from the exponent of a result that an unmasked underflow or overflow delivers. */
  readonly wrap: number;
}
export const HALF: Format = { precision: 11, minExponent: -14, maxExponent: 15, wrap: 24 };
export const SINGLE: Format = { precision: 24, minExponent: -126, maxExponent: 127, wrap: 192 };
export const DOUBLE: Format = { precision: 53, minExponent: -1022, maxExponent: 1023, wrap: 1536 };
export const EXTENDED: Format = { precision: 64, minExponent: -16382, maxExponent: 16383, wrap: 24576 };

/** Common part: `high:low` is the fraction without integer bit, aligned to the top of 63 bits. */
function unpack(r: SoftFloat, negative: boolean, biased: number, maxBiased: number, bias: number, high: number, low: number): void {
  r.negative = negative;
  r.extra = 0;
  r.denormal = false;
  r.high = high;
  r.low = low;
  if (biased === maxBiased) {
    r.exponent = 0;
    if (high === 0 && low === 0) r.kind = INFINITY;
    else {
      r.kind = high & QUIET_BIT ? QNAN : SNAN;
      r.high = (high | INTEGER_BIT) >>> 0;
    }
  } else if (biased === 0) {
    if (high === 0 && low === 0) { setZero(r, negative); return; }
    r.kind = FINITE;
    r.denormal = true;
    r.exponent = 1 - bias;
    normalize(r);
  } else {
    r.kind = FINITE;
    r.exponent = biased - bias;
    r.high = (high | INTEGER_BIT) >>> 0;
  }
}

export function unpackHalf(r: SoftFloat, word: number): void {
  unpack(r, word >>> 15 !== 0, (word >>> 10) & 0x1f, 0x1f, 15, (word << 21) & 0x7fffffff, 0);
}
export function unpackSingle(r: SoftFloat, word: number): void {
  unpack(r, word >>> 31 !== 0, (word >>> 23) & 0xff, 0xff, 127, (word << 8) & 0x7fffffff, 0);
}
export function unpackDouble(r: SoftFloat, low: number, high: number): void {
  unpack(r, high >>> 31 !== 0, (high >>> 20) & 0x7ff, 0x7ff, 1023, ((high << 11) & 0x7fffffff) | (low >>> 21), (low << 11) >>> 0);
}
export function unpackExtended(r: SoftFloat, low: number, high: number, signExponent: number): void {
  const biased = signExponent & 0x7fff, integer = high >>> 31 !== 0, negative = (signExponent & 0x8000) !== 0;
  if (biased !== 0 && !integer) {
    setZero(r, negative);
    r.kind = UNSUPPORTED;
    return;
  }
  if (biased === 0 && integer) {
    r.kind = FINITE;
    r.negative = negative;
    r.exponent = 1 - 16383;
    r.high = high;
    r.low = low;
    r.extra = 0;
    r.denormal = true;
    return;
  }
  unpack(r, negative, biased, 0x7fff, 16383, high & 0x7fffffff, low);
}

/** Encoded numbers, in 32-bit words. */
export interface Words { low: number; high: number; signExponent: number }

const biasedExponent = (a: SoftFloat, maxBiased: number, bias: number): number =>
  a.kind === ZERO ? 0 : a.kind === FINITE ? (a.high & INTEGER_BIT ? a.exponent + bias : 0) : maxBiased;

/** Encodes a number that `round` has fitted into the format. A denormal one has its smallest exponent and no integer bit. */
export const packHalf = (a: SoftFloat): number => ((a.negative ? 1 : 0) << 15) | (biasedExponent(a, 0x1f, 15) << 10) | ((a.high >>> 21) & 0x3ff);
export function packSingle(a: SoftFloat): number {
  return (((a.negative ? 1 : 0) << 31) | (biasedExponent(a, 0xff, 127) << 23) | ((a.high >>> 8) & 0x7fffff)) >>> 0;
}
export function packDouble(a: SoftFloat, to: Words): void {
  to.high = (((a.negative ? 1 : 0) << 31) | (biasedExponent(a, 0x7ff, 1023) << 20) | ((a.high >>> 11) & 0xfffff)) >>> 0;
  to.low = ((a.high << 21) | (a.low >>> 11)) >>> 0;
}
export function packExtended(a: SoftFloat, to: Words): void {
  to.signExponent = (a.negative ? 0x8000 : 0) | biasedExponent(a, 0x7fff, 16383);
  to.high = a.kind === INFINITY || isNan(a) ? (a.high | INTEGER_BIT) >>> 0 : a.high;
  to.low = a.low;
}
