/** Control of the x87 FPU. The non-waiting forms; FINIT, FSTCW and the like are WAIT before these. SDM Vol. 2, by their names. */
import { TRAPS } from '../../cpu/float-mode.js';
import { S } from '../../cpu/layout.js';
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';
import { available, waiting } from './checks.js';

const ERROR_SUMMARY = 1 << 7;

export const WAIT = instruction('WAIT', 'Wait', {
  encodings: '9B | WAIT', feature: 'FPU', flags: 'None affected.',
  operation(cpu) {
    cpu.when(cpu.state(S.fpuTraps, 32).and(TRAPS.wait).or(cpu.state(S.fsw, 32).and(ERROR_SUMMARY)), () => cpu.perform('WAIT unavailable'));
  },
});
export const FNOP = instruction('FNOP', 'No Operation', { encodings: 'D9 D0 | FNOP', feature: 'FPU', flags: 'None affected.', operation: waiting });

const INITIALIZE = [['FNINIT', 'Initialize Floating-Point Unit', 'DB E3'], ['FNCLEX', 'Clear Exceptions', 'DB E2']] as const;
export const INITIALIZATION: readonly Instruction[] = INITIALIZE.map(([name, summary, encoding]) => instruction(name, summary, {
  encodings: `${encoding} | ${name}`, feature: 'FPU', flags: 'None affected.',
  operation(cpu) {
    available(cpu);
    cpu.compute(name, []);
  },
}));
export const FLDCW = instruction('FLDCW', 'Load x87 FPU Control Word', {
  encodings: 'D9 /5 | FLDCW m2byte', feature: 'FPU', flags: 'None affected.',
  operation(cpu, src) {
    waiting(cpu);
    cpu.compute('FLDCW', [src.read()]);
  },
});
export const FNSTCW = instruction('FNSTCW', 'Store x87 FPU Control Word', {
  encodings: 'D9 /7 | FNSTCW m2byte', feature: 'FPU', flags: 'None affected.',
  operation(cpu, dest) {
    available(cpu);
    dest.write(cpu.state(S.fcw, 16));
  },
});
export const FNSTSW = instruction('FNSTSW', 'Store x87 FPU Status Word', {
  encodings: `
    DD /7 | FNSTSW m2byte
    DF E0 | FNSTSW AX`,
  feature: 'FPU', flags: 'None affected.',
  operation(cpu, dest) {
    available(cpu);
    dest.write(cpu.state(S.fsw, 16));
  },
});

const inMemory = (name: string, check: (cpu: Cpu) => void) => (cpu: Cpu, area: Operand): void => {
  check(cpu);
  cpu.compute(name, [area.offset, area.segment, cpu.constant(cpu.size, 64), cpu.constant(cpu.protection === 'protected' ? 1 : 0, 64)]);
};
export const FLDENV = instruction('FLDENV', 'Load x87 FPU Environment', { encodings: 'D9 /4 | FLDENV m14/28byte', feature: 'FPU', flags: 'None affected.', operation: inMemory('FLDENV', waiting) });
export const FNSTENV = instruction('FNSTENV', 'Store x87 FPU Environment', { encodings: 'D9 /6 | FNSTENV m14/28byte', feature: 'FPU', flags: 'None affected.', operation: inMemory('FNSTENV', available) });
export const FRSTOR = instruction('FRSTOR', 'Restore x87 FPU State', { encodings: 'DD /4 | FRSTOR m94/108byte', feature: 'FPU', flags: 'None affected.', operation: inMemory('FRSTOR', waiting) });
export const FNSAVE = instruction('FNSAVE', 'Store x87 FPU State', { encodings: 'DD /6 | FNSAVE m94/108byte', feature: 'FPU', flags: 'None affected.', operation: inMemory('FNSAVE', available) });
