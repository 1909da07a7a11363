/** Loads and stores of the elements that a mask chooses. SDM Vol. 2, "VMASKMOV", "VPMASKMOV". */
import { S } from '../../cpu/layout.js';
import { instruction, type Instruction } from '../instruction.js';
import { all } from '../sse/arithmetic.js';
import { halves, halvesOf, sse } from '../sse/vector.js';

const DS = 3;
const FLOATS = 'Conditional SIMD Packed Loads and Stores', INTEGERS = 'Conditional SIMD Integer Packed Loads and Stores';
const MOVES = [
  ['VMASKMOVPS', FLOATS, 32, 'W0 2C', 'W0 2E', 'AVX'], ['VMASKMOVPD', FLOATS, 64, 'W0 2D', 'W0 2F', 'AVX'],
  ['VPMASKMOVD', INTEGERS, 32, 'W0 8C', 'W0 8E', 'AVX2'], ['VPMASKMOVQ', INTEGERS, 64, 'W1 8C', 'W1 8E', 'AVX2'],
] as const;
/** What is not chosen is not accessed, and is loaded as zero. */
export const MASKED: readonly Instruction[] = MOVES.map(([name, summary, bits, load, store, feature]) => instruction(name, summary, {
  encodings: ([[128, 'xmm'], [256, 'ymm']] as const).flatMap(([length, register]) => [
    `VEX.${length}.66.0F38.${load} /r | ${name} ${register}1, ${register}2, m${length}`,
    `VEX.${length}.66.0F38.${store} /r | ${name} m${length}, ${register}1, ${register}2`]).join('\n'),
  feature, flags: 'None affected.', exceptions: 'Only chosen elements can fault.',
  operation(cpu, dest, first, second) {
    sse(cpu);
    const shape = bits === 32 ? 'i32x4' : 'i64x2', inHalf = 128 / bits;
    const chosen = halves(cpu, first!).map(([mask], n) => cpu.meaning.wasm(`${shape}.bitmask`, 32, [mask!]).shl(inHalf * n)).reduce((low, high) => low.or(high));
    if (dest!.kind === 'memory') {
      cpu.compute(`masked store of ${bits}`, [dest!.offset, dest!.segment.zeroExtend(64), chosen, ...halves(cpu, second!).map(([a]) => a!)]);
      return;
    }
    for (const n of halvesOf(cpu)) cpu.setState(S.elements + 16 * n, cpu.constant(0, 128));
    for (let n = 0; n < inHalf * halvesOf(cpu).length; n++) {
      const at = n * bits / 8;
      cpu.when(chosen.bit(n), () => cpu.setState(S.elements + at, cpu.memory(second!.offset.add(at), bits, DS, { overridable: true, unaligned: true }).read()));
    }
    dest!.write(...all(halvesOf(cpu).map((n) => cpu.state(S.elements + 16 * n, 128))));
  },
}));
