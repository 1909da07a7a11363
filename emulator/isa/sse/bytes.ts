/** What takes bytes from two operands by a control byte, and tests of bits. SDM Vol. 2, "PALIGNR", "MPSADBW", "PTEST", "VTESTPD/VTESTPS". */
import { CF, ZF } from '../../meaning/flags.js';
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { IDENTITY } from './shuffle.js';
import { AVX, AVX2, vexRows, withVex } from './rows.js';
import { combined, constant, every, halves, sse, vector } from './vector.js';

const splatByte = (cpu: Cpu, byte: Value): Value => cpu.meaning.wasm('i8x16.splat', 128, [byte.zeroExtend(32)]);

/** Bytes from `count` on of 32, the second operand below the first: indices beyond 0–15 give zero. */
export function alignRight(cpu: Cpu, a: Value, b: Value, count: Value): Value {
  const by = count.ule(32).select(count, cpu.constant(32, 8)), from = (first: number) => vector(cpu, 'i8x16.add', splatByte(cpu, by), constant(cpu, IDENTITY.map((i) => i - first)));
  return vector(cpu, 'v128.or', vector(cpu, 'i8x16.swizzle', b, from(0)), vector(cpu, 'i8x16.swizzle', a, from(16)));
}
export const PALIGNR = instruction('PALIGNR', 'Packed Align Right', {
  encodings: withVex('66 0F 3A 0F /r ib | PALIGNR xmm1, xmm2/m128, imm8 | aligned', { lengths: AVX2 }), feature: 'SSSE3', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    combined(cpu, operands, (a, b) => alignRight(cpu, a, b, operands.at(-1)!.read(8)));
  },
});

const BLOCK_BYTES = 4;
/** Eight sums: four bytes of the second operand, chosen by bits 1:0, beside those of the first from 0 or 4 (bit 2) on, one byte further each time. */
export function sumsOfDifferences(cpu: Cpu, a: Value, b: Value, control: Value): Value {
  const bytes = (v: Value, block: Value, indices: readonly number[]) =>
    vector(cpu, 'i16x8.extend_low_i8x16_u', vector(cpu, 'i8x16.swizzle', v, vector(cpu, 'i8x16.add', splatByte(cpu, block.shl(Math.log2(BLOCK_BYTES))), constant(cpu, indices))));
  const difference = (i: number) => vector(cpu, 'i16x8.abs', vector(cpu, 'i16x8.sub', bytes(a, control.shr(2).and(1), IDENTITY.map((at) => at + i)), bytes(b, control.and(3), IDENTITY.map(() => i))));
  return [1, 2, 3].reduce((sum, i) => vector(cpu, 'i16x8.add', sum, difference(i)), difference(0));
}
export const MPSADBW = instruction('MPSADBW', 'Compute Multiple Packed Sums of Absolute Difference', {
  encodings: withVex('66 0F 3A 42 /r ib | MPSADBW xmm1, xmm2/m128, imm8 | aligned', { lengths: AVX2 }), feature: 'SSE4.1', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const control = operands.at(-1)!.read(8);
    combined(cpu, operands, (a, b, n) => sumsOfDifferences(cpu, a, b, n === 0 ? control : control.shr(3)));
  },
});

const TESTS = [
  { name: 'PTEST', summary: 'Logical Compare', encodings: withVex('66 0F 38 17 /r | PTEST xmm1, xmm2/m128 | aligned', { lengths: AVX, source: false }), feature: 'SSE4.1', tested: undefined },
  { name: 'VTESTPS', summary: 'Packed Bit Test', encodings: vexRows('66.0F38.W0 0E /r | VTESTPS xmm1, xmm2/m128', AVX), feature: 'AVX', tested: 32 },
  { name: 'VTESTPD', summary: 'Packed Bit Test', encodings: vexRows('66.0F38.W0 0F /r | VTESTPD xmm1, xmm2/m128', AVX), feature: 'AVX', tested: 64 },
] as const;
/** Of all bits, or of the signs of elements: whether both operands have some in common, and whether the second has some that the first has not. */
export const TEST: readonly Instruction[] = TESTS.map(({ name, summary, encodings, feature, tested }) => instruction(name, summary, {
  encodings, feature, flags: 'ZF and CF show the outcome; OF, AF, PF and SF are cleared.',
  operation(cpu, first, second) {
    sse(cpu);
    const parts = halves(cpu, first!, second!), signs = (v: Value) => (tested === undefined ? v : vector(cpu, 'v128.and', v, every(cpu, 1n << BigInt(tested - 1), tested)));
    const some = (name: string) => cpu.meaning.wasm('v128.any_true', 32, [parts.map(([a, b]) => signs(vector(cpu, name, b!, a!))).reduce((x, y) => vector(cpu, 'v128.or', x, y))]);
    const status = some('v128.and').xor(1).shl(Math.log2(ZF)).or(some('v128.andnot').xor(1).shl(Math.log2(CF)));
    cpu.meaning.flags('explicit', 32, status, status);
  },
}));
