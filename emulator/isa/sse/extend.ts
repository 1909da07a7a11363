/** PMOVSX and PMOVZX. SDM Vol. 2, "PMOVSX—Packed Move With Sign Extend", "PMOVZX—Packed Move With Zero Extend". */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { sse, vector } from './vector.js';

const SHAPES = ['i8x16', 'i16x8', 'i32x4', 'i64x2'] as const;
/** Letters of the widths, by log2 of their bytes. */
const LETTERS = 'BWDQ';
const PAIRS = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]] as const;
const KINDS = [['S', 'Sign', 's', 0x20], ['Z', 'Zero', 'u', 0x30]] as const;

const ALL = Array.from({ length: 16 }, (_, i) => i);

/** The lowest elements, each step twice as wide. */
export function extended(cpu: Cpu, a: Value, from: number, to: number, sign: 's' | 'u'): Value {
  let v = a;
  for (let i = from; i < to; i++) v = vector(cpu, `${SHAPES[i + 1]!}.extend_low_${SHAPES[i]!}_${sign}`, v);
  return v;
}

export const PMOV: readonly Instruction[] = KINDS.flatMap(([letter, word, sign, first]) => PAIRS.map(([from, to], n) => {
  const name = `PMOV${letter}X${LETTERS[from]!}${LETTERS[to]!}`, bits = (128 >> (to - from)) as 64 | 32 | 16, opcode = (first + n).toString(16);
  return instruction(name, `Packed Move With ${word} Extend`, {
    encodings: `
      66 0F 38 ${opcode} /r | ${name} xmm1, xmm2/m${bits}
      VEX.128.66.0F38.WIG ${opcode} /r | V${name} xmm1, xmm2/m${bits} | AVX
      VEX.256.66.0F38.WIG ${opcode} /r | V${name} ymm1, xmm2/m${2 * bits} | AVX2`,
    feature: 'SSE4.1', flags: 'None affected.',
    operation(cpu, dest, src) {
      sse(cpu);
      const wide = cpu.vectorLength === 256, a = src!.read(wide ? 2 * bits as 128 : bits).zeroExtend(128);
      const upper = wide ? extended(cpu, cpu.meaning.wasm('i8x16.shuffle', 128, [a, a], ALL.map((i) => (i + bits / 8) & 15)), from, to, sign) : undefined;
      dest!.write(extended(cpu, a, from, to, sign), upper);
    },
  });
}));
