/** Gathers. SDM Vol. 2, "VGATHERDPS/VGATHERQPS", "VGATHERDPD/VGATHERQPD", "VPGATHERDD/VPGATHERQD", "VPGATHERDQ/VPGATHERQQ"; "VSIB Memory Addressing". */
import { S } from '../../cpu/layout.js';
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';
import { sse } from '../sse/vector.js';

const DS = 3, YMM_BYTES_LOG2 = 5;
const KINDS = [['VPGATHER', 'Gather Packed Integer Values', ['D', 'Q'], '90', '91'], ['VGATHER', 'Gather Packed Floating-Point Values', ['PS', 'PD'], '92', '93']] as const;

interface Gather { readonly name: string; readonly summary: string; readonly opcode: string; readonly indexBits: 32 | 64; readonly bits: 32 | 64 }
const GATHERS: readonly Gather[] = KINDS.flatMap(([stem, of, [narrow, wide], byDoublewords, byQuadwords]) => ([['D', 32, byDoublewords], ['Q', 64, byQuadwords]] as const).flatMap(([index, indexBits, opcode]) =>
  ([[narrow, 32], [wide, 64]] as const).map(([suffix, bits]): Gather => ({ name: `${stem}${index}${suffix}`, summary: `${of} Using Signed ${indexBits === 32 ? 'Dword' : 'Qword'} Indices`, opcode, indexBits, bits }))));

/** Elements by the length: the wider of elements and indices fills the vector. */
const countOf = ({ indexBits, bits }: Gather, length: 128 | 256): number => length / Math.max(indexBits, bits);
function rows(g: Gather): string {
  return ([128, 256] as const).map((length) => {
    const count = countOf(g, length), register = count * g.bits > 128 ? 'ymm' : 'xmm', index = count * g.indexBits > 128 ? 'y' : 'x';
    return `VEX.${length}.66.0F38.W${g.bits === 64 ? 1 : 0} ${g.opcode} /r | ${g.name} ${register}1, vm${g.indexBits}${index}, ${register}2`;
  }).join('\n');
}

/** Where a vector register is in the state. */
const place = (operand: Operand): Value => operand.number.shl(YMM_BYTES_LOG2).add(S.ymm);

/** The base and the displacement, and an index as a signed number, in the address size. */
function address(cpu: Cpu, memory: Operand, index: Value, scale: Value): Value {
  const offset = memory.offset.add(index.signExtend(64).shl(scale.zeroExtend(64)));
  return cpu.addressSize === 64 ? offset : offset.and(0xffffffffn);
}

/**
 * "If a fault is triggered by an element and delivered, all elements closer to the LSB of the destination … will be completed": each is loaded into its place, and its
 * mask cleared, by itself, so that the instruction goes on behind them when it is begun again. The mask ends as zero.
 * "This instruction does not perform AC checks".
 */
export const GATHER: readonly Instruction[] = GATHERS.map((g) => instruction(g.name, g.summary, {
  encodings: rows(g), feature: 'AVX2', flags: 'None affected.', exceptions: '#UD if two of mask, index and destination are the same register.',
  operation(cpu, dest, memory, mask) {
    sse(cpu);
    const m = cpu.meaning, { at: indices, scale } = cpu.vectorIndex, to = place(dest!), masks = place(mask!), count = countOf(g, cpu.vectorLength!), bytes = g.bits / 8;
    const none = cpu.constant(0, g.bits), all = cpu.constant(-1n, g.bits);
    for (let n = 0; n < count; n++) m.set(masks, m.get(masks, g.bits, bytes * n).msb.select(all, none), bytes * n);
    for (let n = 0; n < count; n++) {
      cpu.when(m.get(masks, g.bits, bytes * n).msb, () => {
        const from = address(cpu, memory!, m.get(indices, g.indexBits, g.indexBits / 8 * n), scale);
        m.set(to, cpu.memory(from, g.bits, DS, { overridable: true, unaligned: true }).read(), bytes * n);
        m.set(masks, none, bytes * n);
      });
    }
    for (let at = bytes * count; at < 32; at += 8) for (const register of [to, masks]) m.set(register, cpu.constant(0, 64), at);
  },
}));
