/** SSE3: sums and differences of neighbours, and of alternating elements. SDM Vol. 2, "HADDPS", "HSUBPS", "ADDSUBPS" and their kin. */
import { instruction, type Instruction } from '../instruction.js';
import { compute, computeParts, quickly, sum } from './arithmetic.js';
import { Lanes } from './fast.js';
import { AVX, withVex } from './rows.js';
import { alternate } from './shuffle.js';
import { halves, shuffle, sse, vector, withFirstSource } from './vector.js';

const KINDS = [
  { suffix: 'PS', prefix: 'F2', shape: 'f32x4', bytes: 4, evenSigns: 0x00000000_80000000_00000000_80000000n, of: 'Packed Single Precision Floating-Point Values' },
  { suffix: 'PD', prefix: '66', shape: 'f64x2', bytes: 8, evenSigns: 1n << 63n, of: 'Packed Double Precision Floating-Point Values' },
] as const;
const EXCEPTIONS = 'Overflow, Underflow, Invalid, Precision, Denormal';

const BETWEEN_NEIGHBOURS = [['ADD', 'Horizontal Add', '7C'], ['SUB', 'Horizontal Subtract', '7D']] as const;
/** The operation of ADDPS and its kin on the even and the odd elements of both operands. */
export const HORIZONTAL: readonly Instruction[] = BETWEEN_NEIGHBOURS.flatMap(([name, what, opcode]) => KINDS.map(({ suffix, prefix, shape, bytes, of }) => instruction(`H${name}${suffix}`, `${what} ${of}`, {
  encodings: withVex(`${prefix} 0F ${opcode} /r | H${name}${suffix} xmm1, xmm2/m128 | aligned`, { lengths: AVX }), feature: 'SSE3', flags: 'None affected.', exceptions: EXCEPTIONS,
  operation(cpu, ...operands) {
    sse(cpu);
    const [dest, first, second] = withFirstSource(cpu, operands), l = new Lanes(cpu, shape);
    const elements = halves(cpu, first!, second!).map(([a, b]) => ([0, 1] as const).map((n) => shuffle(cpu, a!, b!, alternate(n, bytes))));
    computeParts(cpu, l, `${name}${suffix}`, quickly(name.toLowerCase(), sum), dest!, elements);
  },
})));

/** A difference is the sum with the sign changed, but for a NaN. */
export const ADDSUB: readonly Instruction[] = KINDS.map(({ suffix, prefix, shape, evenSigns, of }) => instruction(`ADDSUB${suffix}`, `Add and Subtract ${of}`, {
  encodings: withVex(`${prefix} 0F D0 /r | ADDSUB${suffix} xmm1, xmm2/m128 | aligned`, { lengths: AVX }), feature: 'SSE3', flags: 'None affected.', exceptions: EXCEPTIONS,
  operation(cpu, ...operands) {
    sse(cpu);
    compute(cpu, new Lanes(cpu, shape), `ADDSUB${suffix}`, 2, (_cpu, l, a, b) => {
      const result = l.value('add', a!, vector(cpu, 'v128.xor', b!, cpu.constant(evenSigns, 128)));
      return { result, ok: sum(l, result, a!, b!) };
    }, operands);
  },
}));
