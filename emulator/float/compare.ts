/** Comparison and choice. SDM Vol. 1, "Comparison and Classification Instructions"; Vol. 2, "CMPPS", "MINPS", "MAXPS". */
import { DE, type Environment, IE } from './environment.js';
import { INFINITY, isNan, SNAN, type SoftFloat, UNSUPPORTED, ZERO } from './number.js';

export const LESS = -1, EQUAL = 0, GREATER = 1, UNORDERED = 2;

/** `signaling`: a QNaN is an invalid operand too (COMISD, FCOM, CMPLT …). */
export function compare(a: SoftFloat, b: SoftFloat, signaling: boolean, env: Environment): number {
  if (a.kind === UNSUPPORTED || b.kind === UNSUPPORTED) { env.flags |= IE; return UNORDERED; }
  if (isNan(a) || isNan(b)) {
    if (signaling || a.kind === SNAN || b.kind === SNAN) env.flags |= IE;
    return UNORDERED;
  }
  if (a.denormal || b.denormal) env.flags |= DE;
  return order(a, b);
}

/** The order of two numbers that are no NaNs. */
export function order(a: SoftFloat, b: SoftFloat): number {
  if (a.kind === ZERO && b.kind === ZERO) return EQUAL;
  if (a.kind === ZERO) return b.negative ? GREATER : LESS;
  if (b.kind === ZERO || a.negative !== b.negative) return a.negative ? LESS : GREATER;
  const m = magnitude(a, b);
  return m === EQUAL ? EQUAL : (m === GREATER) !== a.negative ? GREATER : LESS;
}

function magnitude(a: SoftFloat, b: SoftFloat): number {
  if (a.kind === INFINITY || b.kind === INFINITY) return a.kind === b.kind ? EQUAL : a.kind === INFINITY ? GREATER : LESS;
  if (a.exponent !== b.exponent) return a.exponent > b.exponent ? GREATER : LESS;
  if (a.high !== b.high) return a.high > b.high ? GREATER : LESS;
  if (a.low !== b.low) return a.low > b.low ? GREATER : LESS;
  return EQUAL;
}
