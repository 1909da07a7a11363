/** Permutations of a vector's elements and halves, and what takes a half out or puts one in. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { blend, laneMask } from '../sse/blend.js';
import { AVX, vexRows } from '../sse/rows.js';
import { doublewordBytes } from '../sse/shuffle.js';
import { combined, every, lane, mapped, pair, sse, vector } from '../sse/vector.js';

/** Bytes of all 256 bits by their numbers, of which more than 31 do not occur: an index beyond 0–15 gives zero. */
function amongBoth(cpu: Cpu, low: Value, high: Value, indices: Value): Value {
  return vector(cpu, 'v128.or', vector(cpu, 'i8x16.swizzle', low, indices), vector(cpu, 'i8x16.swizzle', high, vector(cpu, 'i8x16.sub', indices, every(cpu, 16n, 8))));
}

const SINGLES = 'Permute In-Lane of Quadruples of Single Precision Floating-Point Values', DOUBLES = 'Permute In-Lane of Pairs of Double Precision Floating-Point Values';
/** Two bits of each doubleword choose among the four of its half; bit 1 of each quadword among the two. */
const chosenSingles = (cpu: Cpu, control: Value): Value =>
  vector(cpu, 'i8x16.add', vector(cpu, 'i32x4.mul', vector(cpu, 'v128.and', control, every(cpu, 3n, 32)), every(cpu, 0x04040404n, 32)), every(cpu, 0x03020100n, 32));
const chosenDoubles = (cpu: Cpu, control: Value): Value => {
  const numbers = vector(cpu, 'v128.and', cpu.meaning.wasm('i64x2.shr_u', 128, [control, cpu.constant(1, 32)]), every(cpu, 1n, 64));
  return vector(cpu, 'i8x16.add', vector(cpu, 'i64x2.mul', numbers, every(cpu, 0x0808080808080808n, 64)), every(cpu, 0x0706050403020100n, 64));
};
export const VPERMILPS = instruction('VPERMILPS', SINGLES, {
  encodings: `
    ${vexRows('66.0F38.W0 0C /r | VPERMILPS xmm1, xmm2, xmm3/m128', AVX)}
    ${vexRows('66.0F3A.W0 04 /r ib | VPERMILPS xmm1, xmm2/m128, imm8', AVX)}`,
  feature: 'AVX', flags: 'None affected.',
  operation(cpu, dest, src, control) {
    sse(cpu);
    if (control.kind !== 'immediate') { combined(cpu, [dest, src, control], (a, b) => vector(cpu, 'i8x16.swizzle', a, chosenSingles(cpu, b))); return; }
    const indices = doublewordBytes(cpu, control.read(8));
    mapped(cpu, dest, src, (a) => vector(cpu, 'i8x16.swizzle', a, indices));
  },
});
export const VPERMILPD = instruction('VPERMILPD', DOUBLES, {
  encodings: `
    ${vexRows('66.0F38.W0 0D /r | VPERMILPD xmm1, xmm2, xmm3/m128', AVX)}
    ${vexRows('66.0F3A.W0 05 /r ib | VPERMILPD xmm1, xmm2/m128, imm8', AVX)}`,
  feature: 'AVX', flags: 'None affected.',
  operation(cpu, dest, src, control) {
    sse(cpu);
    if (control.kind !== 'immediate') { combined(cpu, [dest, src, control], (a, b) => vector(cpu, 'i8x16.swizzle', a, chosenDoubles(cpu, b))); return; }
    const bits = control.read(8), chosen = (a: Value, bit: number) => bits.bit(bit).select(lane(cpu, a, 1), lane(cpu, a, 0));
    mapped(cpu, dest, src, (a, n) => pair(cpu, chosen(a, 2 * n), chosen(a, 2 * n + 1)));
  },
});

const HALVES = [['VPERM2F128', 'Permute Floating-Point Values', '06', 'AVX'], ['VPERM2I128', 'Permute Integer Values', '46', 'AVX2']] as const;
/** Four bits for each half of the result: one of the sources' four halves, or zero. */
export const VPERM2: readonly Instruction[] = HALVES.map(([name, summary, opcode, feature]) => instruction(name, summary, {
  encodings: `VEX.256.66.0F3A.W0 ${opcode} /r ib | ${name} ymm1, ymm2, ymm3/m256, imm8`, feature, flags: 'None affected.',
  operation(cpu, dest, first, second, control) {
    sse(cpu);
    const bits = control!.read(8), b = [second!.half(0), second!.half(1)] as const, a = [first!.half(0), first!.half(1)] as const;
    const chosen = (at: number) => {
      const high = bits.bit(at), half = bits.bit(at + 1).select(high.select(b[1], b[0]), high.select(a[1], a[0]));
      return bits.bit(at + 3).select(cpu.constant(0, 128), half);
    };
    dest!.write(chosen(0), chosen(4));
  },
}));

const BY_VECTOR = [['VPERMD', 'Permute Packed Doubleword Elements', '36'], ['VPERMPS', 'Permute Single Precision Floating-Point Elements', '16']] as const;
export const VPERM_BY_VECTOR: readonly Instruction[] = BY_VECTOR.map(([name, summary, opcode]) => instruction(name, summary, {
  encodings: `VEX.256.66.0F38.W0 ${opcode} /r | ${name} ymm1, ymm2, ymm3/m256`, feature: 'AVX2', flags: 'None affected.',
  operation(cpu, dest, indices, src) {
    sse(cpu);
    const low = src!.half(0), high = src!.half(1), seven = every(cpu, 7n, 32);
    mapped(cpu, dest!, indices!, (numbers) => amongBoth(cpu, low, high,
      vector(cpu, 'i8x16.add', vector(cpu, 'i32x4.mul', vector(cpu, 'v128.and', numbers, seven), every(cpu, 0x04040404n, 32)), every(cpu, 0x03020100n, 32))));
  },
}));
const BY_IMMEDIATE = [['VPERMQ', 'Qwords Element Permutation', '00'], ['VPERMPD', 'Permute Double Precision Floating-Point Elements', '01']] as const;
export const VPERM_BY_IMMEDIATE: readonly Instruction[] = BY_IMMEDIATE.map(([name, summary, opcode]) => instruction(name, summary, {
  encodings: `VEX.256.66.0F3A.W1 ${opcode} /r ib | ${name} ymm1, ymm2/m256, imm8`, feature: 'AVX2', flags: 'None affected.',
  operation(cpu, dest, src, control) {
    sse(cpu);
    const bits = control!.read(8).zeroExtend(64), low = src!.half(0), high = src!.half(1);
    const bytes = (n: number) => bits.shr(2 * n).and(3).mul(0x0808080808080808n).add(0x0706050403020100n), half = (n: number) => amongBoth(cpu, low, high, pair(cpu, bytes(n), bytes(n + 1)));
    dest!.write(half(0), half(2));
  },
}));

const INSERTS = [['VINSERTF128', 'Insert Packed Floating-Point Values', '18', 'AVX'], ['VINSERTI128', 'Insert Packed Integer Values', '38', 'AVX2']] as const;
export const VINSERT: readonly Instruction[] = INSERTS.map(([name, summary, opcode, feature]) => instruction(name, summary, {
  encodings: `VEX.256.66.0F3A.W0 ${opcode} /r ib | ${name} ymm1, ymm2, xmm3/m128, imm8`, feature, flags: 'None affected.',
  operation(cpu, dest, into, src, control) {
    sse(cpu);
    const inserted = src!.read(128), high = control!.read(8).bit(0);
    dest!.write(high.select(into!.half(0), inserted), high.select(inserted, into!.half(1)));
  },
}));
const EXTRACTS = [['VEXTRACTF128', 'Extract Packed Floating-Point Values', '19', 'AVX'], ['VEXTRACTI128', 'Extract Packed Integer Values', '39', 'AVX2']] as const;
export const VEXTRACT: readonly Instruction[] = EXTRACTS.map(([name, summary, opcode, feature]) => instruction(name, summary, {
  encodings: `VEX.256.66.0F3A.W0 ${opcode} /r ib | ${name} xmm1/m128, ymm2, imm8`, feature, flags: 'None affected.',
  operation(cpu, dest, src, control) {
    sse(cpu);
    dest!.write(control!.read(8).bit(0).select(src!.half(1), src!.half(0)));
  },
}));

const FOUR = 4;
export const VPBLENDD = instruction('VPBLENDD', 'Blend Packed Dwords', {
  encodings: vexRows('66.0F3A.W0 02 /r ib | VPBLENDD xmm1, xmm2, xmm3/m128, imm8', { 128: 'AVX2', 256: 'AVX2' }), feature: 'AVX2', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const control = operands[3]!.read(8);
    combined(cpu, operands, (a, b, n) => blend(cpu, a, b, laneMask(cpu, 32, control.shr(FOUR * n))));
  },
});
