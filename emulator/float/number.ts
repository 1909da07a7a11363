/**
 * A floating-point number taken apart: one form for single, double and double extended precision.
 * SDM Vol. 1, "Floating-Point Data Types", "Unsupported Double Extended-Precision Floating-Point Encodings and Pseudo-Denormals".
 */

export const ZERO = 0, FINITE = 1, INFINITY = 2, QNAN = 3, SNAN = 4, UNSUPPORTED = 5;

/**
 * A finite number is 1.fff… × 2^exponent: its significand fills 64 bits, the integer bit on top; `extra` holds 32 bits below
 * them, the lowest of which stands for everything lower still. A NaN keeps its payload at the same place.
 */
export interface SoftFloat {
  kind: number;
  negative: boolean;
  exponent: number;
  high: number;
  low: number;
  extra: number;
  /** It was read from a denormal (or pseudo-denormal) encoding. */
  denormal: boolean;
}

export const softFloat = (): SoftFloat => ({ kind: ZERO, negative: false, exponent: 0, high: 0, low: 0, extra: 0, denormal: false });

export const QUIET_BIT = 0x40000000;
export const INTEGER_BIT = 0x80000000;

export function setZero(r: SoftFloat, negative: boolean): void {
  r.kind = ZERO;
  r.negative = negative;
  r.exponent = r.high = r.low = r.extra = 0;
  r.denormal = false;
}
export function setInfinity(r: SoftFloat, negative: boolean): void {
  setZero(r, negative);
  r.kind = INFINITY;
}
/** "QNaN floating-point indefinite". */
export function setIndefinite(r: SoftFloat): void {
  setZero(r, true);
  r.kind = QNAN;
  r.high = INTEGER_BIT + QUIET_BIT;
}
export function copy(to: SoftFloat, from: SoftFloat): void {
  to.kind = from.kind;
  to.negative = from.negative;
  to.exponent = from.exponent;
  to.high = from.high;
  to.low = from.low;
  to.extra = from.extra;
  to.denormal = from.denormal;
}
export const isNan = (a: SoftFloat): boolean => a.kind === QNAN || a.kind === SNAN;

/** Shifts the significand up until its integer bit is set. It is not zero. */
export function normalize(r: SoftFloat): void {
  let { high, low, extra, exponent } = r;
  while (high === 0) {
    if (low === 0) { high = extra; extra = 0; exponent -= 64; } else { high = low; low = extra; extra = 0; exponent -= 32; }
  }
  const n = Math.clz32(high);
  if (n > 0) {
    high = ((high << n) | (low >>> (32 - n))) >>> 0;
    low = ((low << n) | (extra >>> (32 - n))) >>> 0;
    extra = (extra << n) >>> 0;
    exponent -= n;
  }
  r.high = high;
  r.low = low;
  r.extra = extra;
  r.exponent = exponent;
}

/** Shifts the significand down; what falls out leaves its trace in the lowest bit of `extra`. */
export function shiftDown(r: SoftFloat, count: number): void {
  let { high, low, extra } = r, n = count;
  if (n >= 96) {
    extra = high !== 0 || low !== 0 || extra !== 0 ? 1 : 0;
    high = low = n = 0;
  }
  while (n >= 32) {
    const lost = extra !== 0 ? 1 : 0;
    extra = (low | lost) >>> 0;
    low = high;
    high = 0;
    n -= 32;
  }
  if (n > 0) {
    const lost = (extra << (32 - n)) !== 0 ? 1 : 0;
    extra = ((extra >>> n) | (low << (32 - n)) | lost) >>> 0;
    low = ((low >>> n) | (high << (32 - n))) >>> 0;
    high >>>= n;
  }
  r.high = high;
  r.low = low;
  r.extra = extra;
}

/** A 64-bit unsigned integer as a number with value significand × 2^(exponent - 63). */
export function setSignificand(r: SoftFloat, negative: boolean, exponent: number, high: number, low: number, extra = 0): void {
  r.negative = negative;
  r.denormal = false;
  if (high === 0 && low === 0 && extra === 0) { setZero(r, negative); return; }
  r.kind = FINITE;
  r.exponent = exponent;
  r.high = high;
  r.low = low;
  r.extra = extra;
  normalize(r);
}

export const bigSignificand = (a: SoftFloat): bigint => (BigInt(a.high) << 32n) | BigInt(a.low);
