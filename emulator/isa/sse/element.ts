/** Elements taken out of XMM registers and put into them. SDM Vol. 2, "PEXTRB", "PINSRB", "EXTRACTPS", "INSERTPS" and their kin. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { blend, laneMask } from './blend.js';
import { IDENTITY } from './shuffle.js';
import { ONLY_128, withVex } from './rows.js';
import { constant, sse, vector, withFirstSource } from './vector.js';

type ElementBits = 8 | 16 | 32 | 64;
const SPLAT = { 8: 'i8x16', 16: 'i16x8', 32: 'i32x4', 64: 'i64x2' } as const;
const splat = (cpu: Cpu, bits: ElementBits, element: Value): Value => cpu.meaning.wasm(`${SPLAT[bits]}.splat`, 128, [bits < 32 ? element.zeroExtend(32) : element]);
/** The number of the first byte of an element, in all bytes; what is too much in `index` does not count. */
const firstByte = (cpu: Cpu, bits: ElementBits, index: Value): Value => splat(cpu, 8, index.and(128 / bits - 1).shl(Math.log2(bits / 8)));

export const element = (cpu: Cpu, bits: ElementBits, a: Value, index: Value): Value =>
  vector(cpu, 'i8x16.swizzle', a, vector(cpu, 'i8x16.add', firstByte(cpu, bits, index), constant(cpu, IDENTITY))).truncate(bits);
export function withElement(cpu: Cpu, a: Value, index: Value, inserted: Value): Value {
  const bits = inserted.bits as ElementBits, own = constant(cpu, IDENTITY.map((i) => i & -(bits / 8)));
  return blend(cpu, a, splat(cpu, bits, inserted), vector(cpu, 'i8x16.eq', own, firstByte(cpu, bits, index)));
}

const EXTRACTS = [
  ['PEXTRB', 'Extract Byte', '14', 8, 'r32/m8', 'r64/m8'], ['PEXTRW', 'Extract Word', '15', 16, 'r32/m16', 'r64/m16'],
  ['EXTRACTPS', 'Extract Packed Floating-Point Values', '17', 32, 'r/m32', 'r64/m32'],
] as const;
/** What is left of a register becomes zero. */
export const EXTRACT: readonly Instruction[] = EXTRACTS.map(([name, summary, opcode, bits, dword, qword]) => instruction(name, summary, {
  encodings: `
    66 0F 3A ${opcode} /r ib | ${name} ${dword}, xmm2, imm8
    66 REX.W 0F 3A ${opcode} /r ib | ${name} ${qword}, xmm2, imm8
    VEX.128.66.0F3A.W0 ${opcode} /r ib | V${name} ${dword}, xmm2, imm8 | AVX
    VEX.128.66.0F3A.W1 ${opcode} /r ib | V${name} ${qword}, xmm2, imm8 | AVX`,
  feature: 'SSE4.1', flags: 'None affected.',
  operation(cpu, dest, src, index) {
    sse(cpu);
    const value = element(cpu, bits, src!.read(), index!.read(8));
    dest!.write(dest!.kind === 'memory' ? value : value.zeroExtend(32));
  },
}));
export const PEXTRD = instruction('PEXTRD', 'Extract Doubleword/Quadword', {
  encodings: `
    66 0F 3A 16 /r ib | PEXTRD r/m32, xmm2, imm8
    66 REX.W 0F 3A 16 /r ib | PEXTRQ r/m64, xmm2, imm8
    VEX.128.66.0F3A.W0 16 /r ib | VPEXTRD r/m32, xmm2, imm8 | AVX
    VEX.128.66.0F3A.W1 16 /r ib | VPEXTRQ r/m64, xmm2, imm8 | AVX`,
  feature: 'SSE4.1', flags: 'None affected.',
  operation(cpu, dest, src, index) {
    sse(cpu);
    dest.write(element(cpu, dest.bits as 32 | 64, src.read(), index.read(8)));
  },
});

const INSERTS = [
  ['PINSRB', 'Insert Byte', 8, withVex('66 0F 3A 20 /r ib | PINSRB xmm1, r32/m8, imm8', { lengths: ONLY_128 })],
  ['PINSRD', 'Insert Doubleword/Quadword', undefined, `
    66 0F 3A 22 /r ib | PINSRD xmm1, r/m32, imm8
    66 REX.W 0F 3A 22 /r ib | PINSRQ xmm1, r/m64, imm8
    VEX.128.66.0F3A.W0 22 /r ib | VPINSRD xmm1, xmm2, r/m32, imm8 | AVX
    VEX.128.66.0F3A.W1 22 /r ib | VPINSRQ xmm1, xmm2, r/m64, imm8 | AVX`],
] as const;
export const PINSR: readonly Instruction[] = INSERTS.map(([name, summary, bits, encodings]) => instruction(name, summary, {
  encodings, feature: 'SSE4.1', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const [dest, into, src, index] = withFirstSource(cpu, operands), inserted = src!.read(bits);
    dest!.write(withElement(cpu, into!.read(), index!.read(8), inserted));
  },
}));

/** Bits 7:6 choose the element of a register, 5:4 its place, 3:0 what becomes zero. */
export const INSERTPS = instruction('INSERTPS', 'Insert Scalar Single Precision Floating-Point Value', {
  encodings: withVex('66 0F 3A 21 /r ib | INSERTPS xmm1, xmm2/m32, imm8', { lengths: ONLY_128 }), feature: 'SSE4.1', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const [dest, into, src, immediate] = withFirstSource(cpu, operands), control = immediate!.read(8);
    const inserted = src!.kind === 'memory' ? src!.read(32) : element(cpu, 32, src!.read(), control.shr(6));
    dest!.write(vector(cpu, 'v128.andnot', withElement(cpu, into!.read(), control.shr(4), inserted), laneMask(cpu, 32, control)));
  },
});
