/** What takes bytes from two operands by a control byte, and PTEST. SDM Vol. 2, "PALIGNR", "MPSADBW", "PTEST". */
import { CF, ZF } from '../../meaning/flags.js';
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu } from '../instruction.js';
import { IDENTITY } from './shuffle.js';
import { constant, sse, vector } from './vector.js';

const splatByte = (cpu: Cpu, byte: Value): Value => cpu.meaning.wasm('i8x16.splat', 128, [byte.zeroExtend(32)]);

/** Bytes from `count` on of 32, the second operand below the first: indices beyond 0–15 give zero. */
export function alignRight(cpu: Cpu, a: Value, b: Value, count: Value): Value {
  const by = count.ule(32).select(count, cpu.constant(32, 8)), from = (first: number) => vector(cpu, 'i8x16.add', splatByte(cpu, by), constant(cpu, IDENTITY.map((i) => i - first)));
  return vector(cpu, 'v128.or', vector(cpu, 'i8x16.swizzle', b, from(0)), vector(cpu, 'i8x16.swizzle', a, from(16)));
}
export const PALIGNR = instruction('PALIGNR', 'Packed Align Right', {
  encodings: '66 0F 3A 0F /r ib | PALIGNR xmm1, xmm2/m128, imm8 | aligned', feature: 'SSSE3', flags: 'None affected.',
  operation(cpu, dest, src, count) {
    sse(cpu);
    const b = src.read(128);
    dest.write(alignRight(cpu, dest.read(), b, count.read(8)));
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
  encodings: '66 0F 3A 42 /r ib | MPSADBW xmm1, xmm2/m128, imm8 | aligned', feature: 'SSE4.1', flags: 'None affected.',
  operation(cpu, dest, src, control) {
    sse(cpu);
    const b = src.read(128);
    dest.write(sumsOfDifferences(cpu, dest.read(), b, control.read(8)));
  },
});

export const PTEST = instruction('PTEST', 'Logical Compare', {
  encodings: '66 0F 38 17 /r | PTEST xmm1, xmm2/m128 | aligned', feature: 'SSE4.1', flags: 'ZF and CF show the outcome; OF, AF, PF and SF are cleared.',
  operation(cpu, first, second) {
    sse(cpu);
    const b = second.read(128), a = first.read();
    const none = (name: string) => cpu.meaning.wasm('v128.any_true', 32, [vector(cpu, name, b, a)]).xor(1);
    const status = none('v128.and').shl(Math.log2(ZF)).or(none('v128.andnot').shl(Math.log2(CF)));
    cpu.meaning.flags('explicit', 32, status, status);
  },
});
