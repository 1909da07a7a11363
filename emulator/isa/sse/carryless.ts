/** PCLMULQDQ. SDM Vol. 2, "PCLMULQDQ—Carry-Less Multiplication Quadword". */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu } from '../instruction.js';
import { withVex } from './rows.js';
import { combined, lane, pair, sse } from './vector.js';

/** Every fourth bit, from each of four on: products of such numbers have room for carries, which are then dropped. */
const SPACED = [0, 1, 2, 3].map((n) => 0x1111111111111111n << BigInt(n));

/** The carry-less product of two 32-bit numbers in 64 bits. */
function product32(a: Value, b: Value): Value {
  const as = SPACED.map((mask) => a.and(mask)), bs = SPACED.map((mask) => b.and(mask));
  const parts = SPACED.map((mask, n) => as.map((x, i) => x.mul(bs[(n - i) & 3]!)).reduce((sum, x) => sum.xor(x)).and(mask));
  return parts.reduce((sum, part) => sum.or(part));
}
/** By Karatsuba: the middle is (low + high)(low + high) less both ends. */
export function carrylessProduct(cpu: Cpu, a: Value, b: Value): Value {
  const split = (v: Value) => [v.and(0xffffffffn), v.shr(32)] as const, [aLow, aHigh] = split(a), [bLow, bHigh] = split(b);
  const low = product32(aLow, bLow), high = product32(aHigh, bHigh), middle = product32(aLow.xor(aHigh), bLow.xor(bHigh)).xor(low).xor(high);
  return pair(cpu, low.xor(middle.shl(32)), high.xor(middle.shr(32)));
}
/** Bits 0 and 4 choose the quadwords. */
export function carrylessChosen(cpu: Cpu, a: Value, b: Value, control: Value): Value {
  const half = (v: Value, bit: number) => control.bit(bit).select(lane(cpu, v, 1), lane(cpu, v, 0));
  return carrylessProduct(cpu, half(a, 0), half(b, 4));
}

export const PCLMULQDQ = instruction('PCLMULQDQ', 'Carry-Less Multiplication Quadword', {
  encodings: withVex('66 0F 3A 44 /r ib | PCLMULQDQ xmm1, xmm2/m128, imm8 | aligned', { lengths: { 128: 'PCLMULQDQ AVX' } }), feature: 'PCLMULQDQ', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    combined(cpu, operands, (a, b) => carrylessChosen(cpu, a, b, operands.at(-1)!.read(8)));
  },
});
