/** INT n, INT3, INTO, INT1, IRET, UD. SDM Vol. 2, by their names. */
import { instruction } from '../instruction.js';

export const INT = instruction('INT', 'Call to Interrupt Procedure', {
  encodings: 'CD ib | INT imm8', privileged: true, flags: 'TF, NT, RF and VM are cleared, and IF with an interrupt gate.',
  vmExit: 'If the vector selects a task gate: any attempt to effect a task switch causes a VM exit.',
  operation(cpu, vector) { cpu.perform('INT', vector.read(8).zeroExtend(64)); },
});
export const INT3 = instruction('INT3', 'Call to Interrupt Procedure', {
  encodings: 'CC | INT3', vmExit: 'If bit 3 of the exception bitmap is 1.', operation(cpu) { cpu.perform('INT3'); },
});
export const INTO = instruction('INTO', 'Call to Interrupt Procedure', {
  encodings: 'CE | INTO | 32', vmExit: 'If OF is 1 and bit 4 of the exception bitmap is 1.',
  operation(cpu) { cpu.when(cpu.flag('OF'), () => cpu.perform('INTO')); },
});
export const INT1 = instruction('INT1', 'Call to Interrupt Procedure', {
  encodings: 'F1 | INT1', vmExit: 'If bit 1 of the exception bitmap is 1.', operation(cpu) { cpu.perform('INT1'); },
});

export const IRET = instruction('IRET', 'Interrupt Return', {
  encodings: `
    CF | IRET | o16
    CF | IRETD | o32
    REX.W + CF | IRETQ | o64`,
  flags: 'All are taken from the stack, as far as CPL and IOPL allow.',
  vmExit: 'If NT is 1 outside IA-32e mode: any attempt to effect a task switch causes a VM exit.',
  operation(cpu) { cpu.perform('IRET', cpu.constant(cpu.size, 64)); },
});

export const UD = instruction('UD', 'Undefined Instruction', {
  encodings: `
    0F FF /r | UD0 r32, r/m32
    0F B9 /r | UD1 r32, r/m32
    0F 0B | UD2`,
  exceptions: '#UD always.', vmExit: 'If bit 6 of the exception bitmap is 1.',
  operation(cpu) { cpu.raise('#UD'); },
});
