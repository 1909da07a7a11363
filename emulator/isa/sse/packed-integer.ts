/** Packed integer operations that exist for XMM and for MMX registers, as functions of 128-bit values. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import type { Cpu } from '../instruction.js';
import type { ONLY_128 } from './rows.js';
import { every, shuffle, vector, zero } from './vector.js';
import { interleaved } from './shuffle.js';

export interface PackedInteger {
  readonly name: string;
  readonly summary: string;
  readonly opcode: string;
  /** Bytes before the opcode; 0F when absent. */
  readonly map?: '0F 38';
  /** What the XMM form came with; SSE2 when absent. */
  readonly since?: string;
  /** The MMX form came with a later extension; with MMX when absent. */
  readonly mmxSince?: 'SSE' | 'SSE2' | 'SSSE3';
  /** Combines elements of both operands into halves of the result: an MMX register has other halves. `wrap`: the second names bytes of the first. */
  readonly halves?: 'pack' | 'unpack low' | 'unpack high' | 'wrap';
  /** VEX forms; of both lengths when absent. */
  readonly lengths?: typeof ONLY_128;
  /** It has one source: `b`, and the VEX form names no other. */
  readonly unary?: boolean;
  readonly compute: (cpu: Cpu, a: Value, b: Value) => Value;
}

const simd = (name: string) => (cpu: Cpu, a: Value, b: Value): Value => vector(cpu, name, a, b);
export const each = (names: readonly string[], summary: string, opcodes: string, operations: readonly string[], more: Partial<PackedInteger> = {}): PackedInteger[] =>
  names.map((name, i) => ({ name, summary, opcode: opcodes.split(' ')[i]!, compute: simd(operations[i]!), ...more }));

const ODD_WORDS = Array.from({ length: 16 }, (_, i) => 4 * (i >> 1) + 2 + (i & 1));
const highWords = (sign: 's' | 'u') => (cpu: Cpu, a: Value, b: Value): Value =>
  shuffle(cpu, vector(cpu, `i32x4.extmul_low_i16x8_${sign}`, a, b), vector(cpu, `i32x4.extmul_high_i16x8_${sign}`, a, b), ODD_WORDS);

const EVEN_DOUBLEWORDS = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];
function multiplyDoublewords(cpu: Cpu, a: Value, b: Value): Value {
  const even = (v: Value) => shuffle(cpu, v, v, EVEN_DOUBLEWORDS);
  return vector(cpu, 'i64x2.extmul_low_i32x4_u', even(a), even(b));
}
function sumOfDifferences(cpu: Cpu, a: Value, b: Value): Value {
  const differences = vector(cpu, 'v128.or', vector(cpu, 'i8x16.sub_sat_u', a, b), vector(cpu, 'i8x16.sub_sat_u', b, a));
  const doublewords = vector(cpu, 'i32x4.extadd_pairwise_i16x8_u', vector(cpu, 'i16x8.extadd_pairwise_i8x16_u', differences));
  const upper = cpu.meaning.wasm('i64x2.shr_u', 128, [doublewords, cpu.constant(32, 32)]);
  return vector(cpu, 'v128.and', vector(cpu, 'i32x4.add', doublewords, upper), every(cpu, 0xffffffffn, 64));
}
const unpack = (name: string, opcode: string, from: 'low' | 'high', bytes: number): PackedInteger => ({
  name, summary: `Unpack ${from === 'low' ? 'Low' : 'High'} Data`, opcode, halves: `unpack ${from}`, compute: (cpu, a, b) => shuffle(cpu, a, b, interleaved(from === 'low' ? 0 : 8, bytes)),
});

export const PACKED_INTEGER: readonly PackedInteger[] = [
  ...each(['PADDB', 'PADDW', 'PADDD'], 'Add Packed Integers', 'FC FD FE', ['i8x16.add', 'i16x8.add', 'i32x4.add']),
  ...each(['PADDQ'], 'Add Packed Quadword Integers', 'D4', ['i64x2.add'], { mmxSince: 'SSE2' }),
  ...each(['PADDSB', 'PADDSW'], 'Add Packed Signed Integers With Signed Saturation', 'EC ED', ['i8x16.add_sat_s', 'i16x8.add_sat_s']),
  ...each(['PADDUSB', 'PADDUSW'], 'Add Packed Unsigned Integers With Unsigned Saturation', 'DC DD', ['i8x16.add_sat_u', 'i16x8.add_sat_u']),
  ...each(['PSUBB', 'PSUBW', 'PSUBD'], 'Subtract Packed Integers', 'F8 F9 FA', ['i8x16.sub', 'i16x8.sub', 'i32x4.sub']),
  ...each(['PSUBQ'], 'Subtract Packed Quadword Integers', 'FB', ['i64x2.sub'], { mmxSince: 'SSE2' }),
  ...each(['PSUBSB', 'PSUBSW'], 'Subtract Packed Signed Integers With Signed Saturation', 'E8 E9', ['i8x16.sub_sat_s', 'i16x8.sub_sat_s']),
  ...each(['PSUBUSB', 'PSUBUSW'], 'Subtract Packed Unsigned Integers With Unsigned Saturation', 'D8 D9', ['i8x16.sub_sat_u', 'i16x8.sub_sat_u']),
  ...each(['PMULLW'], 'Multiply Packed Signed Integers and Store Low Result', 'D5', ['i16x8.mul']),
  { name: 'PMULHW', summary: 'Multiply Packed Signed Integers and Store High Result', opcode: 'E5', compute: highWords('s') },
  { name: 'PMULHUW', summary: 'Multiply Packed Unsigned Integers and Store High Result', opcode: 'E4', mmxSince: 'SSE', compute: highWords('u') },
  { name: 'PMULUDQ', summary: 'Multiply Packed Unsigned Doubleword Integers', opcode: 'F4', mmxSince: 'SSE2', compute: multiplyDoublewords },
  ...each(['PMADDWD'], 'Multiply and Add Packed Integers', 'F5', ['i32x4.dot_i16x8_s']),
  { name: 'PSADBW', summary: 'Compute Sum of Absolute Differences', opcode: 'F6', mmxSince: 'SSE', compute: sumOfDifferences },
  ...each(['PAVGB', 'PAVGW'], 'Average Packed Integers', 'E0 E3', ['i8x16.avgr_u', 'i16x8.avgr_u'], { mmxSince: 'SSE' }),
  ...each(['PMINUB', 'PMINSW'], 'Minimum of Packed Integers', 'DA EA', ['i8x16.min_u', 'i16x8.min_s'], { mmxSince: 'SSE' }),
  ...each(['PMAXUB', 'PMAXSW'], 'Maximum of Packed Integers', 'DE EE', ['i8x16.max_u', 'i16x8.max_s'], { mmxSince: 'SSE' }),
  ...each(['PCMPEQB', 'PCMPEQW', 'PCMPEQD'], 'Compare Packed Data for Equal', '74 75 76', ['i8x16.eq', 'i16x8.eq', 'i32x4.eq']),
  ...each(['PCMPGTB', 'PCMPGTW', 'PCMPGTD'], 'Compare Packed Signed Integers for Greater Than', '64 65 66', ['i8x16.gt_s', 'i16x8.gt_s', 'i32x4.gt_s']),
  ...each(['PACKSSWB', 'PACKSSDW'], 'Pack With Signed Saturation', '63 6B', ['i8x16.narrow_i16x8_s', 'i16x8.narrow_i32x4_s'], { halves: 'pack' }),
  ...each(['PACKUSWB'], 'Pack With Unsigned Saturation', '67', ['i8x16.narrow_i16x8_u'], { halves: 'pack' }),
  unpack('PUNPCKLBW', '60', 'low', 1), unpack('PUNPCKLWD', '61', 'low', 2), unpack('PUNPCKLDQ', '62', 'low', 4),
  unpack('PUNPCKHBW', '68', 'high', 1), unpack('PUNPCKHWD', '69', 'high', 2), unpack('PUNPCKHDQ', '6A', 'high', 4),
  ...each(['PAND'], 'Logical AND', 'DB', ['v128.and']), ...each(['POR'], 'Bitwise Logical OR', 'EB', ['v128.or']), ...each(['PXOR'], 'Logical Exclusive OR', 'EF', ['v128.xor']),
  { name: 'PANDN', summary: 'Logical AND NOT', opcode: 'DF', compute: (cpu, a, b) => vector(cpu, 'v128.andnot', b, a) },
];

export interface PackedShift { readonly name: string; readonly summary: string; readonly opcode: string; readonly immediate: string; readonly digit: number; readonly bits: 16 | 32 | 64; readonly operation: 'shl' | 'shr_u' | 'shr_s' }
const LEFT = 'Shift Packed Data Left Logical', RIGHT = 'Shift Packed Data Right Logical', ARITHMETIC = 'Shift Packed Data Right Arithmetic';
export const PACKED_SHIFTS: readonly PackedShift[] = [
  { name: 'PSLLW', summary: LEFT, opcode: 'F1', immediate: '71', digit: 6, bits: 16, operation: 'shl' },
  { name: 'PSLLD', summary: LEFT, opcode: 'F2', immediate: '72', digit: 6, bits: 32, operation: 'shl' },
  { name: 'PSLLQ', summary: LEFT, opcode: 'F3', immediate: '73', digit: 6, bits: 64, operation: 'shl' },
  { name: 'PSRLW', summary: RIGHT, opcode: 'D1', immediate: '71', digit: 2, bits: 16, operation: 'shr_u' },
  { name: 'PSRLD', summary: RIGHT, opcode: 'D2', immediate: '72', digit: 2, bits: 32, operation: 'shr_u' },
  { name: 'PSRLQ', summary: RIGHT, opcode: 'D3', immediate: '73', digit: 2, bits: 64, operation: 'shr_u' },
  { name: 'PSRAW', summary: ARITHMETIC, opcode: 'E1', immediate: '71', digit: 4, bits: 16, operation: 'shr_s' },
  { name: 'PSRAD', summary: ARITHMETIC, opcode: 'E2', immediate: '72', digit: 4, bits: 32, operation: 'shr_s' },
];
const LANES = { 16: 'i16x8', 32: 'i32x4', 64: 'i64x2' } as const;
/** "If the value specified by the count operand is greater than 15 (for words), 31 … or 63 …", zeros or signs remain. */
export function shiftPacked(cpu: Cpu, shift: PackedShift, a: Value, count: Value): Value {
  const most = shift.bits - 1, fits = count.ule(most);
  const by = shift.operation === 'shr_s' ? fits.select(count, cpu.constant(most, 64)) : count;
  const result = cpu.meaning.wasm(`${LANES[shift.bits]}.${shift.operation}`, 128, [a, by.truncate(32)]);
  return shift.operation === 'shr_s' ? result : fits.select(result, zero(cpu));
}
