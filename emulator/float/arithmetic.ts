/** Addition, multiplication, division and square root of numbers taken apart; the result is not rounded yet. SDM Vol. 1, "Floating-Point Exceptions". */
import { DE, DOWN, type Environment, ZE } from './environment.js';
import { bigSignificand, copy, FINITE, INFINITY, INTEGER_BIT, normalize, setInfinity, setZero, shiftDown, softFloat, type SoftFloat, ZERO } from './number.js';
import { fromNan, fromNans, invalid } from './nan.js';

const HIGH = 2 ** 32;
const smaller = softFloat();

function noteDenormals(a: SoftFloat, b: SoftFloat, env: Environment): void { if (a.denormal || b.denormal) env.flags |= DE; }

/** r = a + b, or a - b. `r` is neither of them. */
export function add(a: SoftFloat, b: SoftFloat, subtract: boolean, r: SoftFloat, env: Environment): void {
  if (fromNans(a, b, r, env)) return;
  const negativeB = b.negative !== subtract;
  if (a.kind === INFINITY && b.kind === INFINITY && a.negative !== negativeB) { invalid(r, env); return; }
  noteDenormals(a, b, env);
  if (a.kind === INFINITY) { setInfinity(r, a.negative); return; }
  if (b.kind === INFINITY) { setInfinity(r, negativeB); return; }
  if (b.kind === ZERO) {
    if (a.kind === ZERO) setZero(r, a.negative === negativeB ? a.negative : env.rounding === DOWN);
    else copy(r, a);
    return;
  }
  if (a.kind === ZERO) {
    copy(r, b);
    r.negative = negativeB;
    return;
  }
  const distance = a.exponent - b.exponent;
  if (distance >= 0) {
    copy(r, a);
    copy(smaller, b);
    smaller.negative = negativeB;
  } else {
    copy(r, b);
    r.negative = negativeB;
    copy(smaller, a);
  }
  r.denormal = false;
  if (distance !== 0) shiftDown(smaller, Math.abs(distance));
  if (r.negative === smaller.negative) addMagnitude(r); else subtractMagnitude(r, env);
}

function addMagnitude(r: SoftFloat): void {
  const low = r.low + smaller.low, high = r.high + smaller.high + (low >= HIGH ? 1 : 0);
  r.low = low >>> 0;
  r.high = high >>> 0;
  r.extra = smaller.extra;
  if (high < HIGH) return;
  shiftDown(r, 1);
  r.high = (r.high | INTEGER_BIT) >>> 0;
  r.exponent++;
}

function subtractMagnitude(r: SoftFloat, env: Environment): void {
  const extra = -smaller.extra, low = r.low - smaller.low - (extra < 0 ? 1 : 0);
  let high = r.high - smaller.high - (low < 0 ? 1 : 0);
  r.extra = extra >>> 0;
  r.low = low >>> 0;
  if (high < 0) {
    // Equal exponents, the second is larger: no bits in `extra`.
    r.negative = smaller.negative;
    r.low = -r.low >>> 0;
    high = -high - (r.low !== 0 ? 1 : 0);
  }
  r.high = high >>> 0;
  if (r.high === 0 && r.low === 0 && r.extra === 0) setZero(r, env.rounding === DOWN);
  else normalize(r);
}

/** High and low half of a 32×32-bit product. */
let productHigh = 0;
function product(a: number, b: number): number {
  const al = a & 0xffff, ah = a >>> 16, bl = b & 0xffff, bh = b >>> 16;
  const middle = ah * bl + ((al * bl) >>> 16), other = al * bh + (middle & 0xffff);
  productHigh = ah * bh + (middle >>> 16) + (other >>> 16);
  return Math.imul(a, b) >>> 0;
}

export function multiply(a: SoftFloat, b: SoftFloat, r: SoftFloat, env: Environment): void {
  if (fromNans(a, b, r, env)) return;
  const negative = a.negative !== b.negative;
  if ((a.kind === INFINITY && b.kind === ZERO) || (a.kind === ZERO && b.kind === INFINITY)) { invalid(r, env); return; }
  noteDenormals(a, b, env);
  if (a.kind === INFINITY || b.kind === INFINITY) { setInfinity(r, negative); return; }
  if (a.kind === ZERO || b.kind === ZERO) { setZero(r, negative); return; }
  const w0 = product(a.low, b.low);
  let w1 = productHigh;
  w1 += product(a.high, b.low);
  let w2 = productHigh;
  const cross = product(a.low, b.high);
  w2 += productHigh;
  w1 += cross;
  w2 += product(a.high, b.high);
  let w3 = productHigh;
  w2 += Math.floor(w1 / HIGH);
  w3 += Math.floor(w2 / HIGH);
  r.kind = FINITE;
  r.negative = negative;
  r.denormal = false;
  r.exponent = a.exponent + b.exponent + 1;
  r.high = w3 >>> 0;
  r.low = w2 >>> 0;
  r.extra = ((w1 >>> 0) | (w0 !== 0 ? 1 : 0)) >>> 0;
  if (r.high < INTEGER_BIT) normalize(r);
}

/** Puts an integer quotient or root of 67 bits at most, and whether anything remains, into a number. */
function setBig(r: SoftFloat, negative: boolean, exponent: number, value: bigint, remains: boolean): void {
  r.kind = FINITE;
  r.negative = negative;
  r.denormal = false;
  r.exponent = exponent;
  const shifted = value << 28n;
  r.high = Number((shifted >> 64n) & 0xffffffffn);
  r.low = Number((shifted >> 32n) & 0xffffffffn);
  r.extra = (Number(shifted & 0xffffffffn) | (remains ? 1 : 0)) >>> 0;
  normalize(r);
}

export function divide(a: SoftFloat, b: SoftFloat, r: SoftFloat, env: Environment): void {
  if (fromNans(a, b, r, env)) return;
  const negative = a.negative !== b.negative;
  if (a.kind === b.kind && (a.kind === INFINITY || a.kind === ZERO)) { invalid(r, env); return; }
  if (b.kind === ZERO && a.kind !== INFINITY) {
    env.flags |= ZE;
    setInfinity(r, negative);
    return;
  }
  noteDenormals(a, b, env);
  if (a.kind === INFINITY) { setInfinity(r, negative); return; }
  if (a.kind === ZERO || b.kind === INFINITY) { setZero(r, negative); return; }
  // The quotient of the significands is in (1/2, 2): with 66 more bits it has 66 or 67.
  const dividend = bigSignificand(a) << 66n, divisor = bigSignificand(b), quotient = dividend / divisor;
  setBig(r, negative, a.exponent - b.exponent + 1, quotient, quotient * divisor !== dividend);
}

/** The integer square root of a number below 2^136. */
function integerRoot(n: bigint): bigint {
  const shift = 68n, estimate = BigInt(Math.floor(Math.sqrt(Number(n >> shift)) * 2 ** 10));
  let x = estimate << (shift / 2n - 10n);
  for (;;) {
    const next = (x + n / x) >> 1n;
    const distance = next - x;
    x = next;
    if (distance <= 1n && distance >= -1n) break;
  }
  while (x * x > n) x--;
  while ((x + 1n) * (x + 1n) <= n) x++;
  return x;
}

export function squareRoot(a: SoftFloat, r: SoftFloat, env: Environment): void {
  if (fromNan(a, r, env)) return;
  if (a.kind === ZERO) { setZero(r, a.negative); return; }
  if (a.negative) { invalid(r, env); return; }
  if (a.denormal) env.flags |= DE;
  if (a.kind === INFINITY) { setInfinity(r, false); return; }
  const odd = (a.exponent & 1) !== 0;
  // significand × 2^(69 or 70): its root has 67 bits.
  const n = bigSignificand(a) << (odd ? 70n : 69n), root = integerRoot(n);
  setBig(r, false, (a.exponent - (odd ? 1 : 0)) / 2 + 1, root, root * root !== n);
}
