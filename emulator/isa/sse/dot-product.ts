/** DPPS and DPPD. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { compute, product, sum } from './arithmetic.js';
import { laneMask } from './blend.js';
import { Lanes } from './fast.js';
import { AVX, ONLY_128, withVex } from './rows.js';
import { shuffle, sse, vector } from './vector.js';

const KINDS = [
  { suffix: 'PS', opcode: '40', shape: 'f32x4', lengths: AVX, of: 'Packed Single Precision Floating-Point Values' },
  { suffix: 'PD', opcode: '41', shape: 'f64x2', lengths: ONLY_128, of: 'Packed Double Precision Floating-Point Values' },
] as const;
/** The other element of each pair, then the other pair. */
const OTHER_ELEMENT = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11], OTHER_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];

/** Products, then sums of neighbours, each rounded; and whether that was all that had to be done. */
function dotProduct(cpu: Cpu, l: Lanes, a: Value, b: Value, control: Value): { ok: Value; result: Value } {
  const chosen = laneMask(cpu, l.shape === 'f32x4' ? 32 : 64, control.shr(4)), only = (v: Value, mask: Value) => vector(cpu, 'v128.and', v, mask);
  const first = only(a, chosen), second = only(b, chosen);
  let total = l.value('mul', first, second), ok = product(l, total, first, second);
  for (const other of l.shape === 'f32x4' ? [OTHER_ELEMENT, OTHER_HALF] : [OTHER_HALF]) {
    const addend = shuffle(cpu, total, total, other), next = l.value('add', total, addend);
    ok = l.both(ok, sum(l, next, total, addend));
    total = next;
  }
  return { ok, result: only(total, laneMask(cpu, l.shape === 'f32x4' ? 32 : 64, control)) };
}

export const DP: readonly Instruction[] = KINDS.map(({ suffix, opcode, shape, lengths, of }) => instruction(`DP${suffix}`, `Dot Product of ${of}`, {
  encodings: withVex(`66 0F 3A ${opcode} /r ib | DP${suffix} xmm1, xmm2/m128, imm8 | aligned`, { lengths }), feature: 'SSE4.1', flags: 'None affected.', exceptions: 'Overflow, Underflow, Invalid, Precision, Denormal',
  operation(cpu, ...operands) {
    sse(cpu);
    const control = operands.at(-1)!.read(8);
    compute(cpu, new Lanes(cpu, shape), `DP${suffix}`, 2, (_cpu, l, a, b) => dotProduct(cpu, l, a!, b!, control), operands.slice(0, -1), [control]);
  },
}));
