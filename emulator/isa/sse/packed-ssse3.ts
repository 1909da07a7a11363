/** The packed integer operations of SSSE3, for XMM and for MMX registers. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import type { Cpu } from '../instruction.js';
import { type PackedInteger } from './packed-integer.js';
import { alternate } from './shuffle.js';
import { every, shuffle, vector, zero } from './vector.js';

type Compute = PackedInteger['compute'];
const SSSE3 = { map: '0F 38', since: 'SSSE3', mmxSince: 'SSSE3' } as const;

/** "If the most significant bit (bit[7]) of each byte of the shuffle control mask is set, then constant zero is written": indices above 15 do that. */
const shuffleBytes: Compute = (cpu, a, b) => vector(cpu, 'i8x16.swizzle', a, vector(cpu, 'v128.and', b, every(cpu, 0x8fn, 8)));

const neighbours = (operation: string, bytes: 2 | 4): Compute => (cpu, a, b) =>
  vector(cpu, operation, shuffle(cpu, a, b, alternate(0, bytes)), shuffle(cpu, a, b, alternate(1, bytes)));

type Shape = 'i8x16' | 'i16x8' | 'i32x4';
/** Negated where the sign is negative, zero where it is zero. */
const sign = (shape: Shape): Compute => (cpu, a, b) => {
  const negative = vector(cpu, `${shape}.lt_s`, b, zero(cpu));
  const signed = vector(cpu, `${shape}.sub`, vector(cpu, 'v128.xor', a, negative), negative);
  return vector(cpu, 'v128.andnot', signed, vector(cpu, `${shape}.eq`, b, zero(cpu)));
};

/** WebAssembly saturates where both factors are -1, so that the product is 7FFFH rather than 8000H. */
const multiplyRounded: Compute = (cpu, a, b) => {
  const least = every(cpu, 0x8000n, 16), isLeast = (v: Value) => vector(cpu, 'i16x8.eq', v, least);
  return vector(cpu, 'v128.xor', vector(cpu, 'i16x8.q15mulr_sat_s', a, b), vector(cpu, 'v128.and', isLeast(a), isLeast(b)));
};

/** Unsigned bytes of the first by signed bytes of the second; each product fits into a word, the sum of two may not. */
const multiplyAddBytes: Compute = (cpu, a, b) => {
  const shifted = (name: string, v: Value) => cpu.meaning.wasm(`i16x8.${name}`, 128, [v, cpu.constant(8, 32)]);
  const even = vector(cpu, 'i16x8.mul', vector(cpu, 'v128.and', a, every(cpu, 0xffn, 16)), shifted('shr_s', shifted('shl', b)));
  return vector(cpu, 'i16x8.add_sat_s', even, vector(cpu, 'i16x8.mul', shifted('shr_u', a), shifted('shr_s', b)));
};

const horizontal = (name: string, summary: string, opcode: string, operation: string, bytes: 2 | 4): PackedInteger =>
  ({ ...SSSE3, name, summary, opcode, halves: 'pack', compute: neighbours(operation, bytes) });
const signed = (name: string, opcode: string, shape: Shape): PackedInteger => ({ ...SSSE3, name, summary: 'Packed SIGN', opcode, compute: sign(shape) });
const absolute = (name: string, opcode: string, shape: Shape): PackedInteger =>
  ({ ...SSSE3, name, summary: 'Packed Absolute Value', opcode, unary: true, compute: (cpu: Cpu, _a: Value, b: Value) => vector(cpu, `${shape}.abs`, b) });

export const PACKED_SSSE3: readonly PackedInteger[] = [
  { ...SSSE3, name: 'PSHUFB', summary: 'Packed Shuffle Bytes', opcode: '00', halves: 'wrap', compute: shuffleBytes },
  horizontal('PHADDW', 'Packed Horizontal Add', '01', 'i16x8.add', 2), horizontal('PHADDD', 'Packed Horizontal Add', '02', 'i32x4.add', 4),
  horizontal('PHADDSW', 'Packed Horizontal Add and Saturate', '03', 'i16x8.add_sat_s', 2),
  { ...SSSE3, name: 'PMADDUBSW', summary: 'Multiply and Add Packed Signed and Unsigned Bytes', opcode: '04', compute: multiplyAddBytes },
  horizontal('PHSUBW', 'Packed Horizontal Subtract', '05', 'i16x8.sub', 2), horizontal('PHSUBD', 'Packed Horizontal Subtract', '06', 'i32x4.sub', 4),
  horizontal('PHSUBSW', 'Packed Horizontal Subtract and Saturate', '07', 'i16x8.sub_sat_s', 2),
  signed('PSIGNB', '08', 'i8x16'), signed('PSIGNW', '09', 'i16x8'), signed('PSIGND', '0A', 'i32x4'),
  { ...SSSE3, name: 'PMULHRSW', summary: 'Packed Multiply High With Round and Scale', opcode: '0B', compute: multiplyRounded },
  absolute('PABSB', '1C', 'i8x16'), absolute('PABSW', '1D', 'i16x8'), absolute('PABSD', '1E', 'i32x4'),
];
