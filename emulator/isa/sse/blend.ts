/** Blends, by the bits of a control byte or by the signs of XMM0. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { AVX, AVX2, withVex } from './rows.js';
import { combined, sse, vector, zero } from './vector.js';

const SHAPES = { 8: 'i8x16', 16: 'i16x8', 32: 'i32x4', 64: 'i64x2' } as const;
/** All bits of element i, or none, by bit i of an 8-bit value. */
export function laneMask(cpu: Cpu, bits: 16 | 32 | 64, control: Value): Value {
  const shape = SHAPES[bits];
  let places = 0n;
  for (let i = 0; i * bits < 128; i++) places |= 1n << BigInt(i * bits + i);
  const each = cpu.constant(places, 128), all = cpu.meaning.wasm(`${shape}.splat`, 128, [control.zeroExtend(bits === 64 ? 64 : 32)]);
  return vector(cpu, `${shape}.eq`, vector(cpu, 'v128.and', all, each), each);
}
/** All bits of an element, or none, by its sign. */
export const signMask = (cpu: Cpu, bits: 8 | 32 | 64, a: Value): Value => vector(cpu, `${SHAPES[bits]}.lt_s`, a, zero(cpu));
export const blend = (cpu: Cpu, a: Value, b: Value, mask: Value): Value => vector(cpu, 'v128.bitselect', b, a, mask);

const SINGLES = 'Packed Single Precision Floating-Point Values', DOUBLES = 'Packed Double Precision Floating-Point Values';
/** How far the bits for the upper half are from those for the lower; words have the same. */
const BY_IMMEDIATE = [['BLENDPS', `Blend ${SINGLES}`, '0C', 32, 4, AVX], ['BLENDPD', `Blend ${DOUBLES}`, '0D', 64, 2, AVX], ['PBLENDW', 'Blend Packed Words', '0E', 16, 0, AVX2]] as const;
export const BLEND: readonly Instruction[] = BY_IMMEDIATE.map(([name, summary, opcode, bits, distance, lengths]) => instruction(name, summary, {
  encodings: withVex(`66 0F 3A ${opcode} /r ib | ${name} xmm1, xmm2/m128, imm8 | aligned`, { lengths }), feature: 'SSE4.1', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const control = operands.at(-1)!.read(8);
    combined(cpu, operands, (a, b, n) => blend(cpu, a, b, laneMask(cpu, bits, n === 0 ? control : control.shr(distance))));
  },
}));

const BY_SIGN = [['PBLENDVB', 'Variable Blend Packed Bytes', '10', '4C', 8, 'AVX2'], ['BLENDVPS', `Variable Blend ${SINGLES}`, '14', '4A', 32, 'AVX'], ['BLENDVPD', `Variable Blend ${DOUBLES}`, '15', '4B', 64, 'AVX']] as const;
export const BLENDV: readonly Instruction[] = BY_SIGN.map(([name, summary, opcode, vexOpcode, bits, feature256]) => instruction(name, summary, {
  encodings: `
    66 0F 38 ${opcode} /r | ${name} xmm1, xmm2/m128, <XMM0> | aligned
    VEX.128.66.0F3A.W0 ${vexOpcode} /r /is4 | V${name} xmm1, xmm2, xmm3/m128, xmm4 | AVX
    VEX.256.66.0F3A.W0 ${vexOpcode} /r /is4 | V${name} ymm1, ymm2, ymm3/m256, ymm4 | ${feature256}`,
  feature: 'SSE4.1', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    combined(cpu, operands, (a, b, n) => blend(cpu, a, b, signMask(cpu, bits, operands.at(-1)!.half(n))));
  },
}));
