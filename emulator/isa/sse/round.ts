/** ROUNDPS, ROUNDPD, ROUNDSS, ROUNDSD. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { compute, VARIANTS, widthOf } from './arithmetic.js';
import { Lanes } from './fast.js';
import { AVX, SCALAR, withVex } from './rows.js';
import { sse } from './vector.js';

const OPCODES: Readonly<Record<string, string>> = { PS: '08', PD: '09', SS: '0A', SD: '0B' };

/** Bits 1:0 choose the mode, but bit 2 that of MXCSR, which is to the nearest where arithmetic is fast. */
function rounded(cpu: Cpu, l: Lanes, a: Value, control: Value): Value {
  const mode = control.bit(2).select(cpu.constant(0, 8), control), odd = mode.bit(0);
  return mode.bit(1).select(odd.select(l.value('trunc', a), l.value('ceil', a)), odd.select(l.value('floor', a), l.value('nearest', a)));
}

export const ROUND: readonly Instruction[] = VARIANTS.map((v) => instruction(`ROUND${v.suffix}`, `Round ${v.of}`, {
  encodings: withVex(`66 0F 3A ${OPCODES[v.suffix]!} /r ib | ROUND${v.suffix} xmm1, ${v.source}, imm8 ${v.mark}`, widthOf(v.shape) === 128 ? { lengths: AVX, source: false } : { lengths: SCALAR }),
  feature: 'SSE4.1', flags: 'None affected.', exceptions: 'Invalid (signaled only if SRC = SNaN), Precision (unless bit 3 of imm8 is set)',
  operation(cpu, ...operands) {
    sse(cpu);
    const control = operands.at(-1)!.read(8);
    compute(cpu, new Lanes(cpu, v.shape), `ROUND${v.suffix}`, 1, (_cpu, l, a) => ({ result: rounded(cpu, l, a!, control), ok: l.mask('eq', a!, a!) }), operands.slice(0, -1), [control]);
  },
}));
