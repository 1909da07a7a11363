import assert from 'node:assert/strict';
import { Random } from '../fuzz/random.js';
import { EmulatedOracle } from './emulated.js';
import { type Case, State } from './native.js';

const CODE = { single: Uint8Array.of(0xc4, 0xe2, 0x71, 0xa8, 0xc2), double: Uint8Array.of(0xc4, 0xe2, 0xf1, 0xa8, 0xc2) } as const;
const MASKED = 0x1f80, PE = 0x20, CASES = 4000;

/** XMM0 = XMM1 × XMM0 + XMM2, of four singles or two doubles. */
function results(width: keyof typeof CODE, mxcsr: number, operands: readonly (readonly number[])[][]): string[] {
  const cases = operands.map((registers): Case => {
    const state = new State();
    state.mxcsr = mxcsr;
    registers.forEach((lanes, n) => {
      const bytes = state.xmm(n), view = new DataView(bytes.buffer, bytes.byteOffset, 16);
      lanes.forEach((x, i) => { if (width === 'single') view.setFloat32(4 * i, x, true); else view.setFloat64(8 * i, x, true); });
    });
    return { code: CODE[width], state };
  });
  return new EmulatedOracle().run(cases).map(({ state }) => Buffer.from(state.xmm(0)).toString('hex'));
}

/**
 * Factors with all bits, and addends that take away what the rounded product has, or most of it, or end in the middle of it or around its last bits;
 * products in the middle between two neighbours, and addends that only tell which is nearer.
 */
function triples(width: keyof typeof CODE): number[][][] {
  const r = new Random(7), precision = width === 'single' ? 24 : 53, rounded = width === 'single' ? Math.fround : (x: number) => x;
  const any = () => r.chance(12) ? r.pick([0, -0]) : rounded((r.chance(2) ? 1 : -1) * (1 + r.u32() / 2 ** 32 + r.u32() / 2 ** 60) * 2 ** (r.below(40) - 20));
  return Array.from({ length: CASES }, () => {
    const lanes = Array.from({ length: width === 'single' ? 4 : 2 }, () => {
      if (r.chance(3)) {
        const i = 1 + r.below(precision - 1);
        return [1 + 2 ** -i, (1 + 2 ** (i - precision)) * 2 ** r.below(30), (r.chance(2) ? 1 : -1) * 2 ** -(60 + r.below(60))];
      }
      const a = any(), b = any(), product = a * b, scale = r.pick([0, 1, precision - 1, precision, precision + 1, 2 * precision - 1, 2 * precision, 2 * precision + 1]);
      return [a, b, rounded(r.pick([-product, -product * (1 + 2 ** -precision), product * 2 ** -scale, -product * 2 ** -scale, Math.sign(product) * 2 ** (Math.floor(Math.log2(Math.abs(product || 1))) - scale), product * 2 ** scale, any(), 0, -0]))];
    });
    return [0, 1, 2].map((n) => lanes.map((lane) => lane[n]!));
  });
}

describe('multiplication and addition rounded once', () => {
  for (const width of ['single', 'double'] as const) {
    it(`give by WebAssembly what they give exactly: ${width} precision`, () => {
      const operands = triples(width);
      assert.deepEqual(results(width, MASKED | PE, operands), results(width, MASKED, operands));
    });
  }
});
