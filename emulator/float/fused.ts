/** Multiplication and addition, rounded once. SDM Vol. 1, "FMA Instruction Operand Order and Arithmetic Behavior". */
import { multiply } from './arithmetic.js';
import { DE, DOWN, type Environment, IE } from './environment.js';
import { setFixed, P } from './fixed-point.js';
import { fromNan, invalid } from './nan.js';
import { bigSignificand, copy, INFINITY, isNan, setInfinity, setZero, SNAN, type SoftFloat, ZERO } from './number.js';

/** The significand of a number is an integer scaled by its exponent less this. */
const POINT = 63;
/** Farther apart than any rounding looks: the smaller number counts only as being there. */
const FAR = 300;

/** r = a × b + c, not rounded yet. `r` is none of them. Of NaNs the first survives, and infinity times zero is not invalid beside one. */
export function multiplyAdd(a: SoftFloat, b: SoftFloat, c: SoftFloat, r: SoftFloat, env: Environment): void {
  if (isNan(a) || isNan(b) || isNan(c)) {
    if (a.kind === SNAN || b.kind === SNAN || c.kind === SNAN) env.flags |= IE;
    fromNan(isNan(a) ? a : isNan(b) ? b : c, r, env);
    return;
  }
  const infiniteByZero = (a.kind === INFINITY && b.kind === ZERO) || (a.kind === ZERO && b.kind === INFINITY);
  const negative = a.negative !== b.negative, infinite = a.kind === INFINITY || b.kind === INFINITY;
  if (infiniteByZero || (infinite && c.kind === INFINITY && c.negative !== negative)) { invalid(r, env); return; }
  if (a.denormal || b.denormal || c.denormal) env.flags |= DE;
  if (infinite) { setInfinity(r, negative); return; }
  if (c.kind === INFINITY) { setInfinity(r, c.negative); return; }
  if (a.kind === ZERO || b.kind === ZERO) {
    if (c.kind === ZERO) setZero(r, c.negative === negative ? negative : env.rounding === DOWN); else copy(r, c);
    return;
  }
  if (c.kind === ZERO) { multiply(a, b, r, env); return; }
  const productExponent = a.exponent + b.exponent - 2 * POINT, exponent = c.exponent - POINT, distance = productExponent - exponent;
  const up = BigInt(Math.min(Math.abs(distance), FAR)), isFar = Math.abs(distance) > FAR;
  let product = bigSignificand(a) * bigSignificand(b), addend = bigSignificand(c);
  if (distance >= 0) { product <<= up; if (isFar) addend = 1n; } else { addend <<= up; if (isFar) product = 1n; }
  const sum = (negative ? -product : product) + (c.negative ? -addend : addend);
  if (sum === 0n) { setZero(r, env.rounding === DOWN); return; }
  setFixed(r, sum < 0n, sum < 0n ? -sum : sum, Math.max(productExponent, exponent) - Number(up) + Number(P), true);
}
