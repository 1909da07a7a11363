/** Far JMP, CALL and RET. SDM Vol. 2, by their names. */
import { instruction, type Cpu, type Operand } from '../instruction.js';
import { farPointer } from './segment-registers.js';

const rows = (name: string, direct: string, digit: string): string => `
    ${direct} cp | ${name} ptr16:16 | 32
    ${direct} cp | ${name} ptr16:32 | 32
    FF ${digit} | ${name} m16:16
    FF ${digit} | ${name} m16:32
    REX.W + FF ${digit} | ${name} m16:64`;

function target(cpu: Cpu, operand: Operand) {
  if (operand.kind === 'memory') return farPointer(cpu, operand);
  return { offset: operand.read(cpu.size).zeroExtend(64), selector: operand.number.zeroExtend(64) };
}
const far = (name: string) => (cpu: Cpu, operand: Operand): void => {
  const { offset, selector } = target(cpu, operand);
  cpu.perform(name, selector, offset, cpu.constant(cpu.size, 64));
};
const EXCEPTIONS = '#GP, #NP, #SS and #TS with the selector as error code: see "Privilege Checking" in SDM Vol. 3.';
const VM_EXIT = 'If the selector is of a TSS or a task gate: any attempt to effect a task switch causes a VM exit.';

export const JMP_FAR = instruction('JMP', 'Jump', { encodings: rows('JMP', 'EA', '/5'), flags: 'None affected.', exceptions: EXCEPTIONS, vmExit: VM_EXIT, operation: far('far JMP') });
export const CALL_FAR = instruction('CALL', 'Call Procedure', { encodings: rows('CALL', '9A', '/3'), flags: 'None affected.', exceptions: EXCEPTIONS, vmExit: VM_EXIT, operation: far('far CALL') });

export const RET_FAR = instruction('RET', 'Return From Procedure', {
  encodings: `
    CB | RET | o16
    CB | RET | o32
    REX.W + CB | RET | o64
    CA iw | RET imm16 | o16
    CA iw | RET imm16 | o32
    REX.W + CA iw | RET imm16 | o64`,
  flags: 'None affected.', exceptions: EXCEPTIONS,
  operation(cpu, release) {
    cpu.perform('far RET', cpu.constant(cpu.size, 64), release ? release.read(16).zeroExtend(64) : cpu.constant(0, 64));
  },
});
