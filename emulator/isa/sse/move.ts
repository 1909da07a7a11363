/** Moves between XMM registers, memory and general registers. SDM Vol. 2, by their names. */
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';
import { IDENTITY } from './shuffle.js';
import { lane, moveScalar, pair, readHigh, shuffle, sse, writeHigh } from './vector.js';

interface Move { readonly name: string; readonly summary: string; readonly feature?: string; readonly encodings: string; move(cpu: Cpu, dest: Operand, src: Operand): void }
const whole: Move['move'] = (_cpu, dest, src) => dest.write(src.read(128));

const MOVES: readonly Move[] = [
  { name: 'MOVAPS', summary: 'Move Aligned Packed Single Precision Floating-Point Values', move: whole, encodings: `
    NP 0F 28 /r | MOVAPS xmm1, xmm2/m128 | aligned
    NP 0F 29 /r | MOVAPS xmm2/m128, xmm1 | aligned` },
  { name: 'MOVAPD', summary: 'Move Aligned Packed Double Precision Floating-Point Values', feature: 'SSE2', move: whole, encodings: `
    66 0F 28 /r | MOVAPD xmm1, xmm2/m128 | aligned
    66 0F 29 /r | MOVAPD xmm2/m128, xmm1 | aligned` },
  { name: 'MOVUPS', summary: 'Move Unaligned Packed Single Precision Floating-Point Values', move: whole, encodings: `
    NP 0F 10 /r | MOVUPS xmm1, xmm2/m128
    NP 0F 11 /r | MOVUPS xmm2/m128, xmm1` },
  { name: 'MOVUPD', summary: 'Move Unaligned Packed Double Precision Floating-Point Values', feature: 'SSE2', move: whole, encodings: `
    66 0F 10 /r | MOVUPD xmm1, xmm2/m128
    66 0F 11 /r | MOVUPD xmm2/m128, xmm1` },
  { name: 'MOVDQA', summary: 'Move Aligned Packed Integer Values', feature: 'SSE2', move: whole, encodings: `
    66 0F 6F /r | MOVDQA xmm1, xmm2/m128 | aligned
    66 0F 7F /r | MOVDQA xmm2/m128, xmm1 | aligned` },
  { name: 'MOVDQU', summary: 'Move Unaligned Packed Integer Values', feature: 'SSE2', move: whole, encodings: `
    F3 0F 6F /r | MOVDQU xmm1, xmm2/m128
    F3 0F 7F /r | MOVDQU xmm2/m128, xmm1` },
  { name: 'MOVNTPS', summary: 'Store Packed Single Precision Floating-Point Values Using Non-Temporal Hint', move: whole, encodings: 'NP 0F 2B /r | MOVNTPS m128, xmm1 | aligned' },
  { name: 'MOVNTPD', summary: 'Store Packed Double Precision Floating-Point Values Using Non-Temporal Hint', feature: 'SSE2', move: whole, encodings: '66 0F 2B /r | MOVNTPD m128, xmm1 | aligned' },
  { name: 'MOVNTDQ', summary: 'Store Packed Integers Using Non-Temporal Hint', feature: 'SSE2', move: whole, encodings: '66 0F E7 /r | MOVNTDQ m128, xmm1 | aligned' },
  { name: 'MOVSS', summary: 'Move or Merge Scalar Single Precision Floating-Point Value', move: (cpu, dest, src) => moveScalar(cpu, dest, src, 32), encodings: `
    F3 0F 10 /r | MOVSS xmm1, xmm2/m32
    F3 0F 11 /r | MOVSS xmm2/m32, xmm1` },
  { name: 'MOVSD', summary: 'Move or Merge Scalar Double Precision Floating-Point Value', feature: 'SSE2', move: (cpu, dest, src) => moveScalar(cpu, dest, src, 64), encodings: `
    F2 0F 10 /r | MOVSD xmm1, xmm2/m64
    F2 0F 11 /r | MOVSD xmm1/m64, xmm2` },
  { name: 'MOVLPS', summary: 'Move Low Packed Single Precision Floating-Point Values', move: (_cpu, dest, src) => dest.write(src.read(64)), encodings: `
    NP 0F 12 /r | MOVLPS xmm1, m64
    NP 0F 13 /r | MOVLPS m64, xmm1` },
  { name: 'MOVLPD', summary: 'Move Low Packed Double Precision Floating-Point Value', feature: 'SSE2', move: (_cpu, dest, src) => dest.write(src.read(64)), encodings: `
    66 0F 12 /r | MOVLPD xmm1, m64
    66 0F 13 /r | MOVLPD m64, xmm1` },
  { name: 'MOVHPS', summary: 'Move High Packed Single Precision Floating-Point Values', move: moveHigh, encodings: `
    NP 0F 16 /r | MOVHPS xmm1, m64
    NP 0F 17 /r | MOVHPS m64, xmm1` },
  { name: 'MOVHPD', summary: 'Move High Packed Double Precision Floating-Point Value', feature: 'SSE2', move: moveHigh, encodings: `
    66 0F 16 /r | MOVHPD xmm1, m64
    66 0F 17 /r | MOVHPD m64, xmm1` },
  { name: 'MOVHLPS', summary: 'Move Packed Single Precision Floating-Point Values High to Low', move: (cpu, dest, src) => dest.write(readHigh(cpu, src)), encodings: 'NP 0F 12 /r | MOVHLPS xmm1, xmm2' },
  { name: 'MOVLHPS', summary: 'Move Packed Single Precision Floating-Point Values Low to High', move: (cpu, dest, src) => writeHigh(cpu, dest, src.read(64)), encodings: 'NP 0F 16 /r | MOVLHPS xmm1, xmm2' },
  { name: 'MOVD', summary: 'Move Doubleword/Move Quadword', feature: 'SSE2', move: moveGeneral, encodings: `
    66 0F 6E /r | MOVD xmm, r/m32
    66 REX.W 0F 6E /r | MOVQ xmm, r/m64
    66 0F 7E /r | MOVD r/m32, xmm
    66 REX.W 0F 7E /r | MOVQ r/m64, xmm` },
  { name: 'MOVQ', summary: 'Move Quadword', feature: 'SSE2', move: moveQuadword, encodings: `
    F3 0F 7E /r | MOVQ xmm1, xmm2/m64
    66 0F D6 /r | MOVQ xmm2/m64, xmm1` },
  { name: 'LDDQU', summary: 'Load Unaligned Integer 128 Bits', feature: 'SSE3', move: whole, encodings: 'F2 0F F0 /r | LDDQU xmm1, m128' },
  { name: 'MOVNTDQA', summary: 'Load Double Quadword Non-Temporal Aligned Hint', feature: 'SSE4.1', move: whole, encodings: '66 0F 38 2A /r | MOVNTDQA xmm1, m128 | aligned' },
  { name: 'MOVDDUP', summary: 'Replicate Double Precision Floating-Point Values', feature: 'SSE3', move: (cpu, dest, src) => dest.write(cpu.meaning.wasm('i64x2.splat', 128, [src.read(64)])), encodings: 'F2 0F 12 /r | MOVDDUP xmm1, xmm2/m64' },
  { name: 'MOVSLDUP', summary: 'Replicate Single Precision Floating-Point Values', feature: 'SSE3', move: duplicate(0), encodings: 'F3 0F 12 /r | MOVSLDUP xmm1, xmm2/m128 | aligned' },
  { name: 'MOVSHDUP', summary: 'Replicate Single Precision Floating-Point Values', feature: 'SSE3', move: duplicate(1), encodings: 'F3 0F 16 /r | MOVSHDUP xmm1, xmm2/m128 | aligned' },
];
function moveHigh(cpu: Cpu, dest: Operand, src: Operand): void {
  if (dest.kind === 'memory') dest.write(readHigh(cpu, src)); else writeHigh(cpu, dest, src.read(64));
}
function moveGeneral(_cpu: Cpu, dest: Operand, src: Operand): void {
  if (dest.kind === 'xmm') dest.write(src.read().zeroExtend(128)); else dest.write(src.read(dest.bits));
}
function moveQuadword(_cpu: Cpu, dest: Operand, src: Operand): void {
  const value = src.read(64);
  dest.write(dest.kind === 'xmm' ? value.zeroExtend(128) : value);
}
function duplicate(first: 0 | 1): Move['move'] {
  return (cpu, dest, src) => {
    const a = src.read(128);
    dest.write(shuffle(cpu, a, a, IDENTITY.map((i) => (i & ~4) + 4 * first)));
  };
}
export const MOVE: readonly Instruction[] = MOVES.map(({ name, summary, feature = 'SSE', encodings, move }) => instruction(name, summary, {
  encodings, feature, flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    move(cpu, dest!, src!);
  },
}));

const MASKS = [['MOVMSKPS', 'Extract Packed Single Precision Floating-Point Sign Mask', 'NP 0F 50 /r', 'i32x4', 'SSE'], ['MOVMSKPD', 'Extract Packed Double Precision Floating-Point Sign Mask', '66 0F 50 /r', 'i64x2', 'SSE2'],
  ['PMOVMSKB', 'Move Byte Mask', '66 0F D7 /r', 'i8x16', 'SSE2']] as const;
export const MOVMSK: readonly Instruction[] = MASKS.map(([name, summary, encoding, shape, feature]) => instruction(name, summary, {
  encodings: `
    ${encoding} | ${name} r32, xmm
    ${encoding.replace(/^(\S+)/, '$1 REX.W')} | ${name} r64, xmm`,
  feature, flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    dest!.write(cpu.meaning.wasm(`${shape}.bitmask`, 32, [src!.read()]));
  },
}));

/** No SSE state is used: MOVNTI needs no more than the feature. */
export const MOVNTI = instruction('MOVNTI', 'Store Doubleword Using Non-Temporal Hint', {
  encodings: `
    NP 0F C3 /r | MOVNTI m32, r32
    NP REX.W 0F C3 /r | MOVNTI m64, r64`,
  feature: 'SSE2', flags: 'None affected.',
  operation(_cpu, dest, src) { dest.write(src.read()); },
});

const DS = 3, DESTINATION = 7;
export const MASKMOVDQU = instruction('MASKMOVDQU', 'Store Selected Bytes of Double Quadword', {
  encodings: '66 0F F7 /r | MASKMOVDQU xmm1, xmm2', feature: 'SSE2', flags: 'None affected.',
  operation(cpu, src, mask) {
    sse(cpu);
    const chosen = cpu.meaning.wasm('i8x16.lt_s', 128, [mask.read(), cpu.constant(0, 128)]);
    const dest = cpu.memory(cpu.register(DESTINATION, cpu.addressSize), 128, DS, { overridable: true });
    dest.write(cpu.meaning.wasm('v128.bitselect', 128, [src.read(), dest.readForUpdate(), chosen]));
  },
});

const UNPACKS = [['UNPCKLPD', 'Unpack and Interleave Low Packed Double Precision Floating-Point Values', '14', 0], ['UNPCKHPD', 'Unpack and Interleave High Packed Double Precision Floating-Point Values', '15', 1]] as const;
export const UNPCKPD: readonly Instruction[] = UNPACKS.map(([name, summary, opcode, half]) => instruction(name, summary, {
  encodings: `66 0F ${opcode} /r | ${name} xmm1, xmm2/m128 | aligned`, feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    const b = src!.read(128);
    dest!.write(pair(cpu, lane(cpu, dest!.read(), half), lane(cpu, b, half)));
  },
}));
