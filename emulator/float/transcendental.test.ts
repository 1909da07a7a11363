import assert from 'node:assert/strict';
import { environment, PE } from './environment.js';
import { DOUBLE, EXTENDED, packDouble, packExtended, unpackDouble } from './formats.js';
import { LN2, PI } from './fixed-point.js';
import { softFloat, type SoftFloat } from './number.js';
import { round } from './round.js';
import { arctangentFunction, cosineFunction, exponential, sineFunction, tangentFunction, timesLogarithm, timesLogarithmPlus1 } from './transcendental.js';

const view = new DataView(new ArrayBuffer(8)), words = { low: 0, high: 0, signExponent: 0 };
function fromNumber(x: number): SoftFloat {
  const a = softFloat();
  view.setFloat64(0, x);
  unpackDouble(a, view.getUint32(4), view.getUint32(0));
  return a;
}
function toNumber(a: SoftFloat): number {
  round(a, DOUBLE, environment('larger'));
  packDouble(a, words);
  view.setUint32(0, words.high);
  view.setUint32(4, words.low);
  return view.getFloat64(0);
}
function near(got: number, expected: number, what: string): void {
  assert.ok(Math.abs(got - expected) <= Math.abs(expected) * 2 ** -51, `${what}: ${got}, not ${expected}`);
}

describe('transcendental functions', () => {
  it('have the right constants', () => {
    assert.equal((PI >> 190n).toString(16), 'c90fdaa22168c234c');
    assert.equal((LN2 >> 192n).toString(16), 'b17217f7d1cf79ab');
  });

  it('agree with JavaScript to the precision of doubles', () => {
    for (let x = -3; x <= 3; x += 0.0625) {
      const env = environment('larger'), r = softFloat(), a = fromNumber(x), one = fromNumber(1);
      if (Math.abs(x) < 1 && x !== 0) { exponential(a, r, env); near(toNumber(r), Math.expm1(x * Math.LN2), `2^${x} - 1`); }
      if (x > 0 && x !== 1) { timesLogarithm(a, one, r, env); near(toNumber(r), Math.log2(x), `log2 ${x}`); }
      if (Math.abs(x) < 0.25 && x !== 0) { timesLogarithmPlus1(a, one, r, env); near(toNumber(r), Math.log1p(x) / Math.LN2, `log2 (1 + ${x})`); }
      sineFunction(a, r, env); near(toNumber(r), Math.sin(x), `sin ${x}`);
      cosineFunction(a, r, env); near(toNumber(r), Math.cos(x), `cos ${x}`);
      tangentFunction(a, r, env); near(toNumber(r), Math.tan(x), `tan ${x}`);
      for (const y of [-2, 0.5, 1e-9, 1e9]) { arctangentFunction(fromNumber(y), a, r, env); near(toNumber(r), Math.atan2(y, x), `atan2 ${y} ${x}`); }
    }
  });

  it('come to an end for every operand', () => {
    const r = softFloat(), one = fromNumber(1);
    for (const x of [-1 + 2 ** -53, -0.999, -0.5, 0.999, 1, 3, 1e300, 5e-324, 2 ** 62]) for (const f of [exponential, sineFunction, cosineFunction, tangentFunction]) f(fromNumber(x), r, environment('larger'));
    for (const x of [-1 + 2 ** -53, -0.999, -0.75, -0.5, 0.5, 0.999, 1, 3, 1e300]) {
      timesLogarithmPlus1(fromNumber(x), one, r, environment('larger'));
      near(toNumber(r), Math.log1p(x) / Math.LN2, `log2 (1 + ${x})`);
    }
    for (const x of [1e300, 1e-300, 5e-324, 1 - 2 ** -53, 1 + 2 ** -52]) { timesLogarithm(fromNumber(x), one, r, environment('larger')); near(toNumber(r), Math.log2(x), `log2 ${x}`); }
    for (const [y, x] of [[1e300, 1e-300], [1e-300, 1e300], [1, 1], [-1, -1e-20], [2, -5]] as const) { arctangentFunction(fromNumber(y), fromNumber(x), r, environment('larger')); near(toNumber(r), Math.atan2(y, x), `atan2 ${y} ${x}`); }
  });

  it('are exact where only the first term counts', () => {
    const env = { ...environment('larger'), rounding: 3 }, r = softFloat();
    sineFunction(fromNumber(1e-200), r, env);
    round(r, EXTENDED, env);
    packExtended(r, words);
    const below = [words.low, words.high];
    const a = fromNumber(1e-200);
    packExtended(a, words);
    const significand = (BigInt(words.high) << 32n) | BigInt(words.low);
    assert.equal((BigInt(below[1]!) << 32n) | BigInt(below[0]!), significand - 1n, 'truncated: sin x < x');
    assert.equal(env.flags & PE, PE);
  });
});
