/** Packed integers in XMM registers. SDM Vol. 2, by their names. */
import { instruction, type Instruction } from '../instruction.js';
import { S } from '../../cpu/layout.js';
import { PACKED_INTEGER, PACKED_SHIFTS, shiftPacked } from './packed-integer.js';
import { PACKED_SSE4 } from './packed-sse4.js';
import { PACKED_SSSE3 } from './packed-ssse3.js';
import { AVX2, ONLY_128, withVex } from './rows.js';
import { combined, constant, lane, mapped, pair, sse, vector, withFirstSource } from './vector.js';

export const PACKED: readonly Instruction[] = [...PACKED_INTEGER, ...PACKED_SSSE3, ...PACKED_SSE4].map(({ name, summary, map = '0F', opcode, since = 'SSE2', lengths = AVX2, unary = false, compute }) => instruction(name, summary, {
  encodings: withVex(`66 ${map} ${opcode} /r | ${name} xmm1, xmm2/m128 | aligned`, { lengths, source: !unary }), feature: since, flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    if (unary) mapped(cpu, operands[0]!, operands[1]!, (a) => compute(cpu, a, a)); else combined(cpu, operands, (a, b) => compute(cpu, a, b));
  },
}));

/** Shifts by an immediate have their destination in VEX.vvvv. */
const byImmediate = (opcode: string, name: string): string => `66 0F ${opcode} | ${name} xmm1, imm8
    VEX.128.66.0F.WIG ${opcode} | V${name} xmm1, xmm2, imm8 | AVX
    VEX.256.66.0F.WIG ${opcode} | V${name} ymm1, ymm2, imm8 | AVX2`;

export const SHIFTS: readonly Instruction[] = PACKED_SHIFTS.map((shift) => instruction(shift.name, shift.summary, {
  encodings: `
    66 0F ${shift.opcode} /r | ${shift.name} xmm1, xmm2/m128 | aligned
    VEX.128.66.0F.WIG ${shift.opcode} /r | V${shift.name} xmm1, xmm2, xmm3/m128 | AVX
    VEX.256.66.0F.WIG ${shift.opcode} /r | V${shift.name} ymm1, ymm2, xmm3/m128 | AVX2
    ${byImmediate(`${shift.immediate} /${shift.digit} ib`, shift.name)}`,
  feature: 'SSE2', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const [dest, source, by] = withFirstSource(cpu, operands), count = by!.kind === 'immediate' ? by!.read(8).zeroExtend(64) : by!.read(128).truncate(64);
    mapped(cpu, dest!, source!, (a) => shiftPacked(cpu, shift, a, count));
  },
}));

const UP = Array.from({ length: 16 }, (_, i) => i);
/** Byte indices move by the count; what moves out of 0–15 gives zero. */
export const BYTE_SHIFTS: readonly Instruction[] = ([['PSLLDQ', 'Shift Double Quadword Left Logical', 7, 'i8x16.sub'], ['PSRLDQ', 'Shift Double Quadword Right Logical', 3, 'i8x16.add']] as const).map(([name, summary, digit, move]) => instruction(name, summary, {
  encodings: byImmediate(`73 /${digit} ib`, name), feature: 'SSE2', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const [dest, source, by] = withFirstSource(cpu, operands), given = by!.read(8).zeroExtend(32), count = given.ule(15).select(given, cpu.constant(16, 32));
    const indices = vector(cpu, move, constant(cpu, UP), cpu.meaning.wasm('i8x16.splat', 128, [count]));
    mapped(cpu, dest!, source!, (a) => vector(cpu, 'i8x16.swizzle', a, indices));
  },
}));

const QUADWORD_UNPACKS = [['PUNPCKLQDQ', 'Unpack Low Data', '6C', 0], ['PUNPCKHQDQ', 'Unpack High Data', '6D', 1]] as const;
export const UNPACK_QUADWORDS: readonly Instruction[] = QUADWORD_UNPACKS.map(([name, summary, opcode, half]) => instruction(name, summary, {
  encodings: withVex(`66 0F ${opcode} /r | ${name} xmm1, xmm2/m128 | aligned`, { lengths: AVX2 }), feature: 'SSE2', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    combined(cpu, operands, (a, b) => pair(cpu, lane(cpu, a, half), lane(cpu, b, half)));
  },
}));

const XMM_BYTES_LOG2 = 5;
export const PINSRW = instruction('PINSRW', 'Insert Word', {
  encodings: withVex('66 0F C4 /r ib | PINSRW xmm1, r32/m16, imm8', { lengths: ONLY_128 }), feature: 'SSE2', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const [dest, into, src, index] = withFirstSource(cpu, operands), word = src!.read(16), at = index!.read(8).and(7).zeroExtend(32).shl(1);
    if (into !== dest) dest!.write(into!.read());
    cpu.meaning.set(dest!.number.shl(XMM_BYTES_LOG2).add(S.ymm).add(at), word);
  },
});
export const PEXTRW = instruction('PEXTRW', 'Extract Word', {
  encodings: `
    66 0F C5 /r ib | PEXTRW r32, xmm, imm8
    66 REX.W 0F C5 /r ib | PEXTRW r64, xmm, imm8
    VEX.128.66.0F.W0 C5 /r ib | VPEXTRW r32, xmm, imm8 | AVX
    VEX.128.66.0F.W1 C5 /r ib | VPEXTRW r64, xmm, imm8 | AVX`,
  feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src, index) {
    sse(cpu);
    const at = index.read(8).and(7).zeroExtend(32).shl(1);
    dest.write(cpu.meaning.get(src.number.shl(XMM_BYTES_LOG2).add(S.ymm).add(at), 16).zeroExtend(32));
  },
});
