import assert from 'node:assert/strict';
import { add, divide, multiply, squareRoot } from './arithmetic.js';
import { ALL_FLAGS, DE, environment, type Environment, IE, OE, PE, UE, ZE } from './environment.js';
import { DOUBLE, packDouble, packSingle, SINGLE, unpackDouble, unpackSingle } from './formats.js';
import { softFloat, type SoftFloat } from './number.js';
import { round } from './round.js';

type Binary = (a: SoftFloat, b: SoftFloat, r: SoftFloat, env: Environment) => void;
const OPERATIONS: Readonly<Record<string, readonly [Binary, (x: number, y: number) => number]>> = {
  add: [(a, b, r, env) => add(a, b, false, r, env), (x, y) => x + y],
  subtract: [(a, b, r, env) => add(a, b, true, r, env), (x, y) => x - y],
  multiply: [multiply, (x, y) => x * y],
  divide: [divide, (x, y) => x / y],
  'square root': [(a, _b, r, env) => squareRoot(a, r, env), (x) => Math.sqrt(x)],
};

const view = new DataView(new ArrayBuffer(8)), words = { low: 0, high: 0, signExponent: 0 };
function fromNumber(x: number): SoftFloat {
  const a = softFloat();
  view.setFloat64(0, x);
  unpackDouble(a, view.getUint32(4), view.getUint32(0));
  return a;
}
function toNumber(a: SoftFloat): number {
  packDouble(a, words);
  view.setUint32(0, words.high);
  view.setUint32(4, words.low);
  return view.getFloat64(0);
}
function compute(operation: Binary, x: number, y: number, env = environment('first')): number {
  const r = softFloat();
  operation(fromNumber(x), fromNumber(y), r, env);
  round(r, DOUBLE, env);
  return toNumber(r);
}

/** Numbers near every edge: one generator for all tests, the same each time. */
let seed = 12345;
const random = (n: number): number => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return Math.floor((seed / 2 ** 32) * n); };
function anyDouble(): number {
  const exponent = [0, 1, 2, 1000, 1022, 1023, 1024, 1075, 2045, 2046, random(2047)][random(11)]!;
  const high = [0, 0xfffff, 1, random(2 ** 20)][random(4)]!, low = [0, 0xffffffff, 1, random(2 ** 32)][random(4)]!;
  view.setUint32(0, ((random(2) << 31) | (exponent << 20) | high) >>> 0);
  view.setUint32(4, low);
  return view.getFloat64(0);
}

describe('soft float arithmetic', () => {
  for (const [name, [operation, native]] of Object.entries(OPERATIONS)) {
    it(`${name}: 20,000 doubles as JavaScript has them`, () => {
      for (let i = 0; i < 20_000; i++) {
        const x = anyDouble(), y = anyDouble(), expected = native(x, y), got = compute(operation, x, y);
        if (!Object.is(expected, got)) assert.fail(`${name} of ${x} and ${y}: ${got}, not ${expected}`);
      }
    });
    it(`${name}: 10,000 singles as Math.fround has them`, () => {
      for (let i = 0; i < 10_000; i++) {
        const [x, y] = [Math.fround(anyDouble() * 1e-150), Math.fround(anyDouble())] as const;
        const a = softFloat(), b = softFloat(), r = softFloat(), env = environment('first');
        view.setFloat32(0, x);
        unpackSingle(a, view.getUint32(0));
        view.setFloat32(0, y);
        unpackSingle(b, view.getUint32(0));
        operation(a, b, r, env);
        round(r, SINGLE, env);
        view.setUint32(0, packSingle(r));
        const expected = Math.fround(native(x, y)), got = view.getFloat32(0);
        if (!Object.is(expected, got)) assert.fail(`${name} of ${x} and ${y}: ${got}, not ${expected}`);
      }
    });
  }

  it('rounds in the four directions', () => {
    const third = [0, 1, 2, 3].map((rounding) => compute(divide, 1, 3, { ...environment('first'), rounding }));
    assert.deepEqual(third, [1 / 3, 1 / 3, 0.33333333333333337, 1 / 3]);
    const negative = [0, 1, 2, 3].map((rounding) => compute(divide, -1, 3, { ...environment('first'), rounding }));
    assert.deepEqual(negative, [-1 / 3, -0.33333333333333337, -1 / 3, -1 / 3]);
    assert.ok(Object.is(compute((a, b, r, env) => add(a, b, true, r, env), 1, 1, { ...environment('first'), rounding: 1 }), -0), 'x - x is -0 when rounding down');
  });

  it('reports each exception, and nothing else', () => {
    const flags = (operation: Binary, x: number, y: number, more: Partial<Environment> = {}): number => {
      const env = { ...environment('first'), ...more };
      compute(operation, x, y, env);
      return env.flags;
    };
    assert.equal(flags(multiply, 2, 3), 0);
    assert.equal(flags(divide, 1, 3), PE);
    assert.equal(flags(divide, 1, 0), ZE);
    assert.equal(flags(divide, 0, 0), IE);
    assert.equal(flags(divide, 5e-324, 0), ZE, 'a denormal operand has a lower priority');
    assert.equal(flags(multiply, 5e-324, 1), DE, 'an exact denormal result is no underflow');
    assert.equal(flags(multiply, 1e-300, 1e-300), UE | PE);
    assert.equal(flags(multiply, 1e300, 1e300), OE | PE);
    assert.equal(flags(multiply, Infinity, 0), IE);
    assert.equal(flags(multiply, 2 ** -1022, 0.5, { masked: ALL_FLAGS & ~UE }), UE, 'unmasked, tininess is enough');
    assert.equal(flags(multiply, 2 ** -1022, 0.5, { flushToZero: true }), UE | PE);
  });

  it('keeps the payload of the right NaN', () => {
    const nan = (high: number, low: number): SoftFloat => { const a = softFloat(); unpackDouble(a, low, high); return a; };
    const result = (a: SoftFloat, b: SoftFloat, rule: Environment['nanRule']): [number, number, number] => {
      const r = softFloat(), env = environment(rule);
      add(a, b, false, r, env);
      packDouble(r, words);
      return [words.high, words.low, env.flags];
    };
    const signaling = nan(0x7ff00000, 5), quiet = nan(0xfff80000, 9);
    assert.deepEqual(result(signaling, quiet, 'first'), [0x7ff80000, 5, IE]);
    assert.deepEqual(result(signaling, quiet, 'larger'), [0xfff80000, 9, IE]);
    assert.deepEqual(result(fromNumber(1), quiet, 'first'), [0xfff80000, 9, 0]);
    assert.deepEqual(result(nan(0x7ff80000, 3), quiet, 'larger'), [0xfff80000, 9, 0]);
  });
});
