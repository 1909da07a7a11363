/** One element, or 128 bits, in all places. SDM Vol. 2, "VBROADCAST", "VPBROADCAST". */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';
import { halvesOf, sse } from '../sse/vector.js';

const SPLAT = { 8: 'i8x16', 16: 'i16x8', 32: 'i32x4', 64: 'i64x2' } as const;
const fill = (cpu: Cpu, dest: Operand, part: Value): void => dest.write(part, halvesOf(cpu).length === 2 ? part : undefined);

const LOAD = 'Load with Broadcast Floating-Point Data', ELEMENTS = [
  { name: 'VBROADCASTSS', summary: LOAD, opcode: '18', bits: 32, lengths: [128, 256], feature: 'AVX' }, { name: 'VBROADCASTSD', summary: LOAD, opcode: '19', bits: 64, lengths: [256], feature: 'AVX' },
  ...([['B', '78', 8], ['W', '79', 16], ['D', '58', 32], ['Q', '59', 64]] as const).map(([letter, opcode, bits]) =>
    ({ name: `VPBROADCAST${letter}`, summary: 'Load Integer and Broadcast', opcode, bits, lengths: [128, 256], feature: 'AVX2' })),
] as const;
/** From registers with AVX2 only. */
export const BROADCAST: readonly Instruction[] = ELEMENTS.map(({ name, summary, opcode, bits, lengths, feature }) => instruction(name, summary, {
  encodings: lengths.flatMap((length) => [[`m${bits}`, feature], ['xmm2', 'AVX2']].map(([source, needs]) =>
    `VEX.${length}.66.0F38.W0 ${opcode} /r | ${name} ${length === 256 ? 'ymm1' : 'xmm1'}, ${source!} | ${needs!}`)).join('\n'),
  feature, flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    const element = src!.read(bits);
    fill(cpu, dest!, cpu.meaning.wasm(`${SPLAT[bits]}.splat`, 128, [bits < 32 ? element.zeroExtend(32) : element]));
  },
}));

const WHOLES = [['VBROADCASTF128', LOAD, '1A', 'AVX'], ['VBROADCASTI128', 'Load Integer and Broadcast', '5A', 'AVX2']] as const;
export const BROADCAST_128: readonly Instruction[] = WHOLES.map(([name, summary, opcode, feature]) => instruction(name, summary, {
  encodings: `VEX.256.66.0F38.W0 ${opcode} /r | ${name} ymm1, m128`, feature, flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    fill(cpu, dest!, src!.read(128));
  },
}));
