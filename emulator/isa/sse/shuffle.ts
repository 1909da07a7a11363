/** Logic on packed numbers, and shuffles. A shuffle's control byte becomes a vector of byte indices. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { AVX, AVX2, withVex } from './rows.js';
import { combined, constant, every, lane, mapped, pair, shuffle, sse, vector } from './vector.js';

const LOGIC = [['AND', 'Bitwise Logical AND of', '54', (cpu: Cpu, a: Value, b: Value) => vector(cpu, 'v128.and', a, b)], ['ANDN', 'Bitwise Logical AND NOT of', '55', (cpu: Cpu, a: Value, b: Value) => vector(cpu, 'v128.andnot', b, a)],
  ['OR', 'Bitwise Logical OR of', '56', (cpu: Cpu, a: Value, b: Value) => vector(cpu, 'v128.or', a, b)], ['XOR', 'Bitwise Logical XOR of', '57', (cpu: Cpu, a: Value, b: Value) => vector(cpu, 'v128.xor', a, b)]] as const;
const KINDS = [['PS', 'NP', 'SSE', 'Packed Single Precision Floating-Point Values'], ['PD', '66', 'SSE2', 'Packed Double Precision Floating-Point Values']] as const;
export const LOGICAL: readonly Instruction[] = LOGIC.flatMap(([name, what, opcode, combine]) => KINDS.map(([suffix, prefix, feature, of]) => instruction(`${name}${suffix}`, `${what} ${of}`, {
  encodings: withVex(`${prefix} 0F ${opcode} /r | ${name}${suffix} xmm1, xmm2/m128 | aligned`, { lengths: AVX }), feature, flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    combined(cpu, operands, (a, b) => combine(cpu, a, b));
  },
})));

/** Two bits of a control byte for each doubleword: element numbers 0–3 in four doublewords, or in eight words from the low four. */
const doublewordChoices = (cpu: Cpu, control: Value): Value => {
  const shifted = vector(cpu, 'i32x4.mul', cpu.meaning.wasm('i32x4.splat', 128, [control.zeroExtend(32)]), cpu.constant(0x00000001_00000004_00000010_00000040n, 128));
  return vector(cpu, 'v128.and', cpu.meaning.wasm('i32x4.shr_u', 128, [shifted, cpu.constant(6, 32)]), every(cpu, 3n, 32));
};
/** Indices of the four bytes of each chosen doubleword. */
export const doublewordBytes = (cpu: Cpu, control: Value): Value =>
  vector(cpu, 'i8x16.add', vector(cpu, 'i32x4.mul', doublewordChoices(cpu, control), every(cpu, 0x04040404n, 32)), every(cpu, 0x03020100n, 32));

export const PSHUFD = instruction('PSHUFD', 'Shuffle Packed Doublewords', {
  encodings: withVex('66 0F 70 /r ib | PSHUFD xmm1, xmm2/m128, imm8 | aligned', { lengths: AVX2, source: false }), feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src, control) {
    sse(cpu);
    const indices = doublewordBytes(cpu, control.read(8));
    mapped(cpu, dest, src, (a) => vector(cpu, 'i8x16.swizzle', a, indices));
  },
});

export const IDENTITY = Array.from({ length: 16 }, (_, i) => i);
const SHIFTS = 0x0001_0004_0010_0040n;
/** Byte indices that choose among the four words of one half and leave the other half. */
export function wordBytes(cpu: Cpu, control: Value, half: 'low' | 'high'): Value {
  const inHalf = (wanted: bigint) => (half === 'low' ? wanted : wanted << 64n);
  const spread = vector(cpu, 'i16x8.mul', cpu.meaning.wasm('i16x8.splat', 128, [control.zeroExtend(32)]), cpu.constant(inHalf(SHIFTS), 128));
  const choices = vector(cpu, 'v128.and', cpu.meaning.wasm('i16x8.shr_u', 128, [spread, cpu.constant(6, 32)]), every(cpu, 3n, 16));
  const first = half === 'low' ? 0 : 8;
  const base = IDENTITY.map((i) => (i >= first && i < first + 8 ? first + (i & 1) : i));
  return vector(cpu, 'i8x16.add', vector(cpu, 'i16x8.mul', choices, every(cpu, 0x0202n, 16)), constant(cpu, base));
}
export const PSHUFW_HALVES: readonly Instruction[] = ([['PSHUFLW', 'Shuffle Packed Low Words', 'F2', 'low'], ['PSHUFHW', 'Shuffle Packed High Words', 'F3', 'high']] as const).map(([name, summary, prefix, half]) => instruction(name, summary, {
  encodings: withVex(`${prefix} 0F 70 /r ib | ${name} xmm1, xmm2/m128, imm8 | aligned`, { lengths: AVX2, source: false }), feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src, control) {
    sse(cpu);
    const indices = wordBytes(cpu, control!.read(8), half);
    mapped(cpu, dest!, src!, (a) => vector(cpu, 'i8x16.swizzle', a, indices));
  },
}));

/** An index of 80H or more makes a swizzle give zero. */
const NOTHING = 0x80;
export const SHUFPS = instruction('SHUFPS', 'Packed Interleave Shuffle of Quadruplets of Single Precision Floating-Point Values', {
  encodings: withVex('NP 0F C6 /r ib | SHUFPS xmm1, xmm2/m128, imm8 | aligned', { lengths: AVX }), feature: 'SSE', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const indices = doublewordBytes(cpu, operands.at(-1)!.read(8));
    const only = (half: 0 | 1) => vector(cpu, 'v128.or', indices, constant(cpu, IDENTITY.map((i) => (i >> 3 === half ? 0 : NOTHING))));
    const low = only(0), high = only(1);
    combined(cpu, operands, (a, b) => vector(cpu, 'v128.or', vector(cpu, 'i8x16.swizzle', a, low), vector(cpu, 'i8x16.swizzle', b, high)));
  },
});
export const SHUFPD = instruction('SHUFPD', 'Packed Interleave Shuffle of Pairs of Double Precision Floating-Point Values', {
  encodings: withVex('66 0F C6 /r ib | SHUFPD xmm1, xmm2/m128, imm8 | aligned', { lengths: AVX }), feature: 'SSE2', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const control = operands.at(-1)!.read(8), chosen = (v: Value, bit: number) => control.bit(bit).select(lane(cpu, v, 1), lane(cpu, v, 0));
    combined(cpu, operands, (a, b, n) => pair(cpu, chosen(a, 2 * n), chosen(b, 2 * n + 1)));
  },
});

const UNPACKS = [['UNPCKLPS', 'Unpack and Interleave Low Packed Single Precision Floating-Point Values', '14', 0], ['UNPCKHPS', 'Unpack and Interleave High Packed Single Precision Floating-Point Values', '15', 8]] as const;
export const UNPCKPS: readonly Instruction[] = UNPACKS.map(([name, summary, opcode, first]) => instruction(name, summary, {
  encodings: withVex(`NP 0F ${opcode} /r | ${name} xmm1, xmm2/m128 | aligned`, { lengths: AVX }), feature: 'SSE', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    combined(cpu, operands, (a, b) => shuffle(cpu, a, b, interleaved(first, 4)));
  },
}));
/** Byte indices that interleave elements of two vectors from byte `first` on. */
export const interleaved = (first: number, bytes: number): number[] =>
  IDENTITY.map((i) => first + Math.floor(i / (2 * bytes)) * bytes + (i % bytes) + (i % (2 * bytes) >= bytes ? 16 : 0));
/** Byte indices of every second element of two vectors, from the element `first` on. */
export const alternate = (first: 0 | 1, bytes: number): number[] => IDENTITY.map((i) => bytes * (2 * Math.floor(i / bytes) + first) + (i % bytes));
