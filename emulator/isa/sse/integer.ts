/** Packed integers in XMM registers. SDM Vol. 2, by their names. */
import { instruction, type Instruction } from '../instruction.js';
import { S } from '../../cpu/layout.js';
import { PACKED_INTEGER, PACKED_SHIFTS, shiftPacked } from './packed-integer.js';
import { PACKED_SSE4 } from './packed-sse4.js';
import { PACKED_SSSE3 } from './packed-ssse3.js';
import { constant, lane, pair, sse, vector } from './vector.js';

export const PACKED: readonly Instruction[] = [...PACKED_INTEGER, ...PACKED_SSSE3, ...PACKED_SSE4].map(({ name, summary, map = '0F', opcode, since = 'SSE2', compute }) => instruction(name, summary, {
  encodings: `66 ${map} ${opcode} /r | ${name} xmm1, xmm2/m128 | aligned`, feature: since, flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    const b = src!.read(128);
    dest!.write(compute(cpu, dest!.read(), b));
  },
}));

export const SHIFTS: readonly Instruction[] = PACKED_SHIFTS.map((shift) => instruction(shift.name, shift.summary, {
  encodings: `
    66 0F ${shift.opcode} /r | ${shift.name} xmm1, xmm2/m128 | aligned
    66 0F ${shift.immediate} /${shift.digit} ib | ${shift.name} xmm1, imm8`,
  feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, source) {
    sse(cpu);
    const count = source!.kind === 'immediate' ? source!.read(8).zeroExtend(64) : source!.read(128).truncate(64);
    dest!.write(shiftPacked(cpu, shift, dest!.read(), count));
  },
}));

const UP = Array.from({ length: 16 }, (_, i) => i);
/** Byte indices move by the count; what moves out of 0–15 gives zero. */
export const BYTE_SHIFTS: readonly Instruction[] = ([['PSLLDQ', 'Shift Double Quadword Left Logical', 7, 'i8x16.sub'], ['PSRLDQ', 'Shift Double Quadword Right Logical', 3, 'i8x16.add']] as const).map(([name, summary, digit, move]) => instruction(name, summary, {
  encodings: `66 0F 73 /${digit} ib | ${name} xmm1, imm8`, feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, immediate) {
    sse(cpu);
    const given = immediate!.read(8).zeroExtend(32), count = given.ule(15).select(given, cpu.constant(16, 32));
    const indices = vector(cpu, move, constant(cpu, UP), cpu.meaning.wasm('i8x16.splat', 128, [count]));
    dest!.write(vector(cpu, 'i8x16.swizzle', dest!.read(), indices));
  },
}));

const QUADWORD_UNPACKS = [['PUNPCKLQDQ', 'Unpack Low Data', '6C', 0], ['PUNPCKHQDQ', 'Unpack High Data', '6D', 1]] as const;
export const UNPACK_QUADWORDS: readonly Instruction[] = QUADWORD_UNPACKS.map(([name, summary, opcode, half]) => instruction(name, summary, {
  encodings: `66 0F ${opcode} /r | ${name} xmm1, xmm2/m128 | aligned`, feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    const b = src!.read(128);
    dest!.write(pair(cpu, lane(cpu, dest!.read(), half), lane(cpu, b, half)));
  },
}));

const XMM_BYTES_LOG2 = 5;
export const PINSRW = instruction('PINSRW', 'Insert Word', {
  encodings: '66 0F C4 /r ib | PINSRW xmm, r32/m16, imm8', feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src, index) {
    sse(cpu);
    const word = src.read(16), at = index.read(8).and(7).zeroExtend(32).shl(1);
    cpu.meaning.set(dest.number.shl(XMM_BYTES_LOG2).add(S.ymm).add(at), word);
  },
});
export const PEXTRW = instruction('PEXTRW', 'Extract Word', {
  encodings: `
    66 0F C5 /r ib | PEXTRW r32, xmm, imm8
    66 REX.W 0F C5 /r ib | PEXTRW r64, xmm, imm8`,
  feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src, index) {
    sse(cpu);
    const at = index.read(8).and(7).zeroExtend(32).shl(1);
    dest.write(cpu.meaning.get(src.number.shl(XMM_BYTES_LOG2).add(S.ymm).add(at), 16).zeroExtend(32));
  },
});
