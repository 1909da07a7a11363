/** Packed integers in MMX registers: the operations of XMM registers on 64 bits. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { alignRight } from '../sse/bytes.js';
import { PACKED_INTEGER, PACKED_SHIFTS, type PackedInteger, shiftPacked } from '../sse/packed-integer.js';
import { PACKED_SSSE3 } from '../sse/packed-ssse3.js';
import { wordBytes } from '../sse/shuffle.js';
import { lane, pair, vector, zero } from '../sse/vector.js';
import { S } from '../../cpu/layout.js';
import { enterMmx, mmx, writeMm } from './registers.js';

/** Where the halves of both operands meet, the 64-bit form finds its result in another place of the 128-bit one. */
function narrow(cpu: Cpu, { compute, halves }: PackedInteger, a: Value, b: Value): Value {
  if (halves === 'wrap') return compute(cpu, pair(cpu, a, a), b.zeroExtend(128)).truncate(64);
  if (halves === 'pack') return compute(cpu, pair(cpu, a, b), zero(cpu)).truncate(64);
  if (halves === 'unpack high') {
    const raised = (v: Value) => pair(cpu, cpu.constant(0, 64), v);
    return lane(cpu, compute(cpu, raised(a), raised(b)), 1);
  }
  return compute(cpu, a.zeroExtend(128), b.zeroExtend(128)).truncate(64);
}

export const PACKED: readonly Instruction[] = [...PACKED_INTEGER, ...PACKED_SSSE3].map((operation) => instruction(operation.name, operation.summary, {
  encodings: `NP ${operation.map ?? '0F'} ${operation.opcode} /r | ${operation.name} mm, mm/m${operation.halves === 'unpack low' ? 32 : 64}`,
  feature: operation.mmxSince ?? 'MMX', flags: 'None affected.',
  operation(cpu, dest, src) {
    mmx(cpu);
    const b = operation.halves === 'unpack low' ? src!.read(32).zeroExtend(64) : src!.read(64);
    writeMm(cpu, dest!, narrow(cpu, operation, dest!.read(), b));
  },
}));

export const SHIFTS: readonly Instruction[] = PACKED_SHIFTS.map((shift) => instruction(shift.name, shift.summary, {
  encodings: `
    NP 0F ${shift.opcode} /r | ${shift.name} mm, mm/m64
    NP 0F ${shift.immediate} /${shift.digit} ib | ${shift.name} mm, imm8`,
  feature: 'MMX', flags: 'None affected.',
  operation(cpu, dest, source) {
    mmx(cpu);
    const count = source!.kind === 'immediate' ? source!.read(8).zeroExtend(64) : source!.read(64);
    writeMm(cpu, dest!, shiftPacked(cpu, shift, dest!.read().zeroExtend(128), count).truncate(64));
  },
}));

export const PSHUFW = instruction('PSHUFW', 'Shuffle Packed Words', {
  encodings: 'NP 0F 70 /r ib | PSHUFW mm1, mm2/m64, imm8', feature: 'SSE', flags: 'None affected.',
  operation(cpu, dest, src, control) {
    mmx(cpu);
    const a = src.read(64).zeroExtend(128);
    writeMm(cpu, dest, vector(cpu, 'i8x16.swizzle', a, wordBytes(cpu, control.read(8), 'low')).truncate(64));
  },
});

export const PALIGNR = instruction('PALIGNR', 'Packed Align Right', {
  encodings: 'NP 0F 3A 0F /r ib | PALIGNR mm1, mm2/m64, imm8', feature: 'SSSE3', flags: 'None affected.',
  operation(cpu, dest, src, count) {
    mmx(cpu);
    const b = src.read(64);
    writeMm(cpu, dest, alignRight(cpu, zero(cpu), pair(cpu, b, dest.read()), count.read(8)).truncate(64));
  },
});

const MM_BYTES_LOG2 = 4;
export const PINSRW = instruction('PINSRW', 'Insert Word', {
  encodings: 'NP 0F C4 /r ib | PINSRW mm, r32/m16, imm8', feature: 'SSE', flags: 'None affected.',
  operation(cpu, dest, src, index) {
    mmx(cpu);
    const word = src.read(16), at = index.read(8).and(3).zeroExtend(32).shl(1);
    writeMm(cpu, dest, dest.read());
    cpu.meaning.set(dest.number.shl(MM_BYTES_LOG2).add(S.x87).add(at), word);
  },
});
export const PEXTRW = instruction('PEXTRW', 'Extract Word', {
  encodings: `
    NP 0F C5 /r ib | PEXTRW r32, mm, imm8
    NP REX.W 0F C5 /r ib | PEXTRW r64, mm, imm8`,
  feature: 'SSE', flags: 'None affected.',
  operation(cpu, dest, src, index) {
    mmx(cpu);
    enterMmx(cpu);
    const at = index.read(8).and(3).zeroExtend(32).shl(1);
    dest.write(cpu.meaning.get(src.number.shl(MM_BYTES_LOG2).add(S.x87).add(at), 16).zeroExtend(32));
  },
});
export const PMOVMSKB = instruction('PMOVMSKB', 'Move Byte Mask', {
  encodings: `
    NP 0F D7 /r | PMOVMSKB r32, mm
    NP REX.W 0F D7 /r | PMOVMSKB r64, mm`,
  feature: 'SSE', flags: 'None affected.',
  operation(cpu, dest, src) {
    mmx(cpu);
    enterMmx(cpu);
    dest.write(cpu.meaning.wasm('i8x16.bitmask', 32, [src.read().zeroExtend(128)]));
  },
});
