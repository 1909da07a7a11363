/** VZEROALL and VZEROUPPER. SDM Vol. 2, by their names. */
import { xmm } from '../../cpu/layout.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { sse } from '../sse/vector.js';

const registers = (cpu: Cpu): number[] => Array.from({ length: cpu.mode === 64 ? 16 : 8 }, (_, n) => xmm(n));
const ZEROINGS = [['VZEROALL', 'Zero XMM, YMM, and ZMM Registers', 256, [0, 16]], ['VZEROUPPER', 'Zero Upper Bits of YMM and ZMM Registers', 128, [16]]] as const;
export const ZERO: readonly Instruction[] = ZEROINGS.map(([name, summary, length, halves]) => instruction(name, summary, {
  encodings: `VEX.${length}.0F.WIG 77 | ${name}`, feature: 'AVX', flags: 'None affected.',
  operation(cpu) {
    sse(cpu);
    for (const at of registers(cpu)) for (const half of halves) cpu.setState(at + half, cpu.constant(0, 128));
  },
}));
