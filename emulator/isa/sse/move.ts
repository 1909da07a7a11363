/** Moves between XMM registers, memory and general registers. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';
import { all } from './arithmetic.js';
import { AVX, AVX2, ONLY_128, withVex } from './rows.js';
import { IDENTITY } from './shuffle.js';
import { combined, halves, lane, mapped, pair, readHigh, scalarWriter, shuffle, sse, withFirstSource, withLane, writeHigh } from './vector.js';

interface Move { readonly name: string; readonly summary: string; readonly feature?: string; readonly encodings: string; move(cpu: Cpu, ...operands: Operand[]): void }
const whole: Move['move'] = (cpu, dest, src) => dest!.write(...all(halves(cpu, src!).map(([a]) => a!)));

/** Loads and stores, or one of them, of whole vectors. */
const wholes = (name: string, prefix: string, load: string | undefined, store: string | undefined, aligned: boolean, memoryOnly = false): string => {
  const vector = memoryOnly ? 'm128' : 'xmm2/m128', marks = aligned ? 'aligned' : '';
  return [
    ...(load ? [withVex(`${prefix} ${load} /r | ${name} xmm1, ${vector} | ${marks}`, { lengths: name === 'MOVNTDQA' ? AVX2 : AVX, source: false, marks })] : []),
    ...(store ? [withVex(`${prefix} ${store} /r | ${name} ${vector}, xmm1 | ${marks}`, { lengths: AVX, source: false, marks })] : []),
  ].join('\n');
};
/** A half in memory: the VEX form takes the other one from its first source. */
const memoryHalf = (name: string, prefix: string, load: string, store: string): string => `
    ${withVex(`${prefix} 0F ${load} /r | ${name} xmm1, m64`, { lengths: ONLY_128 })}
    ${withVex(`${prefix} 0F ${store} /r | ${name} m64, xmm1`, { lengths: ONLY_128, source: false })}`;
const scalar = (name: string, prefix: string, bits: number, register: string, memory: string): string => `
    ${prefix} 0F 10 /r | ${name} xmm1, xmm2/m${bits}
    ${prefix} 0F 11 /r | ${name} ${memory}, ${register}
    VEX.LIG.${prefix}.0F.WIG 10 /r | V${name} xmm1, xmm2, xmm3 | AVX
    VEX.LIG.${prefix}.0F.WIG 10 /r | V${name} xmm1, m${bits} | AVX
    VEX.LIG.${prefix}.0F.WIG 11 /r | V${name} xmm1, xmm2, xmm3 | AVX MVR
    VEX.LIG.${prefix}.0F.WIG 11 /r | V${name} m${bits}, xmm1 | AVX`;

const MOVES: readonly Move[] = [
  { name: 'MOVAPS', summary: 'Move Aligned Packed Single Precision Floating-Point Values', move: whole, encodings: wholes('MOVAPS', 'NP', '0F 28', '0F 29', true) },
  { name: 'MOVAPD', summary: 'Move Aligned Packed Double Precision Floating-Point Values', feature: 'SSE2', move: whole, encodings: wholes('MOVAPD', '66', '0F 28', '0F 29', true) },
  { name: 'MOVUPS', summary: 'Move Unaligned Packed Single Precision Floating-Point Values', move: whole, encodings: wholes('MOVUPS', 'NP', '0F 10', '0F 11', false) },
  { name: 'MOVUPD', summary: 'Move Unaligned Packed Double Precision Floating-Point Values', feature: 'SSE2', move: whole, encodings: wholes('MOVUPD', '66', '0F 10', '0F 11', false) },
  { name: 'MOVDQA', summary: 'Move Aligned Packed Integer Values', feature: 'SSE2', move: whole, encodings: wholes('MOVDQA', '66', '0F 6F', '0F 7F', true) },
  { name: 'MOVDQU', summary: 'Move Unaligned Packed Integer Values', feature: 'SSE2', move: whole, encodings: wholes('MOVDQU', 'F3', '0F 6F', '0F 7F', false) },
  { name: 'MOVNTPS', summary: 'Store Packed Single Precision Floating-Point Values Using Non-Temporal Hint', move: whole, encodings: wholes('MOVNTPS', 'NP', undefined, '0F 2B', true, true) },
  { name: 'MOVNTPD', summary: 'Store Packed Double Precision Floating-Point Values Using Non-Temporal Hint', feature: 'SSE2', move: whole, encodings: wholes('MOVNTPD', '66', undefined, '0F 2B', true, true) },
  { name: 'MOVNTDQ', summary: 'Store Packed Integers Using Non-Temporal Hint', feature: 'SSE2', move: whole, encodings: wholes('MOVNTDQ', '66', undefined, '0F E7', true, true) },
  { name: 'MOVSS', summary: 'Move or Merge Scalar Single Precision Floating-Point Value', move: moveScalar(32), encodings: scalar('MOVSS', 'F3', 32, 'xmm1', 'xmm2/m32') },
  { name: 'MOVSD', summary: 'Move or Merge Scalar Double Precision Floating-Point Value', feature: 'SSE2', move: moveScalar(64), encodings: scalar('MOVSD', 'F2', 64, 'xmm2', 'xmm1/m64') },
  { name: 'MOVLPS', summary: 'Move Low Packed Single Precision Floating-Point Values', move: moveLow, encodings: memoryHalf('MOVLPS', 'NP', '12', '13') },
  { name: 'MOVLPD', summary: 'Move Low Packed Double Precision Floating-Point Value', feature: 'SSE2', move: moveLow, encodings: memoryHalf('MOVLPD', '66', '12', '13') },
  { name: 'MOVHPS', summary: 'Move High Packed Single Precision Floating-Point Values', move: moveHigh, encodings: memoryHalf('MOVHPS', 'NP', '16', '17') },
  { name: 'MOVHPD', summary: 'Move High Packed Double Precision Floating-Point Value', feature: 'SSE2', move: moveHigh, encodings: memoryHalf('MOVHPD', '66', '16', '17') },
  { name: 'MOVHLPS', summary: 'Move Packed Single Precision Floating-Point Values High to Low', encodings: withVex('NP 0F 12 /r | MOVHLPS xmm1, xmm2', { lengths: ONLY_128 }),
    move(cpu, ...operands) {
      const [dest, first, second] = withFirstSource(cpu, operands);
      scalarWriter(cpu, dest!, first!)(readHigh(cpu, second!));
    } },
  { name: 'MOVLHPS', summary: 'Move Packed Single Precision Floating-Point Values Low to High', encodings: withVex('NP 0F 16 /r | MOVLHPS xmm1, xmm2', { lengths: ONLY_128 }), move: moveHigh },
  { name: 'MOVD', summary: 'Move Doubleword/Move Quadword', feature: 'SSE2', move: moveGeneral, encodings: `
    66 0F 6E /r | MOVD xmm, r/m32
    66 REX.W 0F 6E /r | MOVQ xmm, r/m64
    66 0F 7E /r | MOVD r/m32, xmm
    66 REX.W 0F 7E /r | MOVQ r/m64, xmm
    VEX.128.66.0F.W0 6E /r | VMOVD xmm, r/m32 | AVX
    VEX.128.66.0F.W1 6E /r | VMOVQ xmm, r/m64 | AVX
    VEX.128.66.0F.W0 7E /r | VMOVD r/m32, xmm | AVX
    VEX.128.66.0F.W1 7E /r | VMOVQ r/m64, xmm | AVX` },
  { name: 'MOVQ', summary: 'Move Quadword', feature: 'SSE2', move: moveQuadword, encodings: `
    ${withVex('F3 0F 7E /r | MOVQ xmm1, xmm2/m64', { lengths: ONLY_128, source: false })}
    ${withVex('66 0F D6 /r | MOVQ xmm2/m64, xmm1', { lengths: ONLY_128, source: false })}` },
  { name: 'LDDQU', summary: 'Load Unaligned Integer 128 Bits', feature: 'SSE3', move: whole, encodings: wholes('LDDQU', 'F2', '0F F0', undefined, false, true) },
  { name: 'MOVNTDQA', summary: 'Load Double Quadword Non-Temporal Aligned Hint', feature: 'SSE4.1', move: whole, encodings: wholes('MOVNTDQA', '66', '0F 38 2A', undefined, true, true) },
  { name: 'MOVDDUP', summary: 'Replicate Double Precision Floating-Point Values', feature: 'SSE3', move: duplicateDouble, encodings: `
    F2 0F 12 /r | MOVDDUP xmm1, xmm2/m64
    VEX.128.F2.0F.WIG 12 /r | VMOVDDUP xmm1, xmm2/m64 | AVX
    VEX.256.F2.0F.WIG 12 /r | VMOVDDUP ymm1, ymm2/m256 | AVX` },
  { name: 'MOVSLDUP', summary: 'Replicate Single Precision Floating-Point Values', feature: 'SSE3', move: duplicate(0), encodings: withVex('F3 0F 12 /r | MOVSLDUP xmm1, xmm2/m128 | aligned', { lengths: AVX, source: false }) },
  { name: 'MOVSHDUP', summary: 'Replicate Single Precision Floating-Point Values', feature: 'SSE3', move: duplicate(1), encodings: withVex('F3 0F 16 /r | MOVSHDUP xmm1, xmm2/m128 | aligned', { lengths: AVX, source: false }) },
];
/** A load clears what it does not load; a move between registers leaves it, or with VEX takes it from the first source. */
function moveScalar(bits: 32 | 64): Move['move'] {
  return (cpu, ...operands) => {
    const [dest, source] = operands, src = operands.at(-1)!, value = src.read(bits);
    if (operands.length === 3) scalarWriter(cpu, dest!, source!)(value);
    else dest!.write(src.kind === 'memory' && dest!.kind === 'xmm' ? value.zeroExtend(128) : value);
  };
}
function moveLow(cpu: Cpu, ...operands: Operand[]): void {
  const [dest, first] = withFirstSource(cpu, operands), value = operands.at(-1)!.read(64);
  if (dest!.kind === 'memory') dest!.write(value); else scalarWriter(cpu, dest!, first!)(value);
}
function moveHigh(cpu: Cpu, ...operands: Operand[]): void {
  const [dest, first] = operands, src = operands.at(-1)!;
  if (dest!.kind === 'memory') dest!.write(readHigh(cpu, src));
  else if (operands.length === 3) dest!.write(withLane(cpu, first!.read(), 1, src.read(64)));
  else writeHigh(cpu, dest!, src.read(64));
}
function moveGeneral(_cpu: Cpu, dest?: Operand, src?: Operand): void {
  if (dest!.kind === 'xmm') dest!.write(src!.read().zeroExtend(128)); else dest!.write(src!.read(dest!.bits));
}
function moveQuadword(_cpu: Cpu, dest?: Operand, src?: Operand): void {
  const value = src!.read(64);
  dest!.write(dest!.kind === 'xmm' ? value.zeroExtend(128) : value);
}
function duplicateDouble(cpu: Cpu, dest?: Operand, src?: Operand): void {
  const twice = (v: Value) => cpu.meaning.wasm('i64x2.splat', 128, [v]);
  if (cpu.vectorLength === 256) mapped(cpu, dest!, src!, (a) => twice(a.truncate(64))); else dest!.write(twice(src!.read(64)));
}
function duplicate(first: 0 | 1): Move['move'] {
  return (cpu, dest, src) => mapped(cpu, dest!, src!, (a) => shuffle(cpu, a, a, IDENTITY.map((i) => (i & ~4) + 4 * first)));
}
export const MOVE: readonly Instruction[] = MOVES.map(({ name, summary, feature = 'SSE', encodings, move }) => instruction(name, summary, {
  encodings, feature, flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    move(cpu, ...operands);
  },
}));

const MASKS = [['MOVMSKPS', 'Extract Packed Single Precision Floating-Point Sign Mask', 'NP', '50', 'i32x4', 'SSE', 4, 'AVX'], ['MOVMSKPD', 'Extract Packed Double Precision Floating-Point Sign Mask', '66', '50', 'i64x2', 'SSE2', 2, 'AVX'],
  ['PMOVMSKB', 'Move Byte Mask', '66', 'D7', 'i8x16', 'SSE2', 16, 'AVX2']] as const;
export const MOVMSK: readonly Instruction[] = MASKS.map(([name, summary, prefix, opcode, shape, feature, elements, feature256]) => instruction(name, summary, {
  encodings: `
    ${prefix} 0F ${opcode} /r | ${name} r32, xmm
    ${prefix} REX.W 0F ${opcode} /r | ${name} r64, xmm
    VEX.128.${prefix}.0F.WIG ${opcode} /r | V${name} r32, xmm | AVX
    VEX.256.${prefix}.0F.WIG ${opcode} /r | V${name} r32, ymm | ${feature256}`,
  feature, flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    dest!.write(halves(cpu, src!).map(([a], n) => cpu.meaning.wasm(`${shape}.bitmask`, 32, [a!]).shl(elements * n)).reduce((low, high) => low.or(high)));
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
  encodings: withVex('66 0F F7 /r | MASKMOVDQU xmm1, xmm2', { lengths: ONLY_128, source: false }), feature: 'SSE2', flags: 'None affected.',
  operation(cpu, src, mask) {
    sse(cpu);
    const chosen = cpu.meaning.wasm('i8x16.lt_s', 128, [mask.read(), cpu.constant(0, 128)]);
    const dest = cpu.memory(cpu.register(DESTINATION, cpu.addressSize), 128, DS, { overridable: true });
    dest.write(cpu.meaning.wasm('v128.bitselect', 128, [src.read(), dest.readForUpdate(), chosen]));
  },
});

const UNPACKS = [['UNPCKLPD', 'Unpack and Interleave Low Packed Double Precision Floating-Point Values', '14', 0], ['UNPCKHPD', 'Unpack and Interleave High Packed Double Precision Floating-Point Values', '15', 1]] as const;
export const UNPCKPD: readonly Instruction[] = UNPACKS.map(([name, summary, opcode, half]) => instruction(name, summary, {
  encodings: withVex(`66 0F ${opcode} /r | ${name} xmm1, xmm2/m128 | aligned`, { lengths: AVX }), feature: 'SSE2', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    combined(cpu, operands, (a, b) => pair(cpu, lane(cpu, a, half), lane(cpu, b, half)));
  },
}));
