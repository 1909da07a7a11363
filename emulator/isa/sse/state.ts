/** MXCSR, and the whole state of x87, MMX and SSE in memory. SDM Vol. 2, by their names. */
import { TRAPS } from '../../cpu/float-mode.js';
import { S } from '../../cpu/layout.js';
import { instruction, type Instruction } from '../instruction.js';
import { ONLY_128, withVex } from './rows.js';
import { sse } from './vector.js';

export const LDMXCSR = instruction('LDMXCSR', 'Load MXCSR Register', {
  encodings: withVex('NP 0F AE /2 | LDMXCSR m32', { lengths: ONLY_128, source: false }), feature: 'SSE', flags: 'None affected.', exceptions: '#GP(0) for an attempt to set a reserved bit',
  operation(cpu, src) {
    sse(cpu);
    cpu.compute('LDMXCSR', [src.read()]);
  },
});
export const STMXCSR = instruction('STMXCSR', 'Store MXCSR Register State', {
  encodings: withVex('NP 0F AE /3 | STMXCSR m32', { lengths: ONLY_128, source: false }), feature: 'SSE', flags: 'None affected.',
  operation(cpu, dest) {
    sse(cpu);
    dest.write(cpu.state(S.mxcsr, 32));
  },
});

const IMAGES = [['FXSAVE', 'Save x87 FPU, MMX Technology, and SSE State', 0], ['FXRSTOR', 'Restore x87 FPU, MMX, XMM, and MXCSR State', 1]] as const;
/** The 64-bit form has 64-bit instruction and data pointers, without selectors. */
export const IMAGE: readonly Instruction[] = IMAGES.map(([name, summary, digit]) => instruction(name, summary, {
  encodings: `
    NP 0F AE /${digit} | ${name} m512byte
    NP REX.W 0F AE /${digit} | ${name}64 m512byte`,
  feature: 'FXSR', flags: 'None affected.', exceptions: '#GP(0) for an operand that is not aligned on 16 bytes',
  operation(cpu, image) {
    cpu.when(cpu.state(S.fpuTraps, 32).and(TRAPS.x87), () => cpu.perform('FPU unavailable'));
    cpu.perform(name, image!.offset, image!.segment, cpu.constant(cpu.size === 64 ? 1 : 0, 64));
  },
}));
