/** The XSAVE feature set. SDM Vol. 2, by the instructions' names; Vol. 1, "Managing State Using the XSAVE Feature Set". */
import { instruction, type Instruction } from '../instruction.js';

const UNAVAILABLE = '#UD if CR4.OSXSAVE is 0.';

export const XGETBV = instruction('XGETBV', 'Get Value of Extended Control Register', {
  encodings: 'NP 0F 01 D0 | XGETBV', feature: 'XSAVE', flags: 'None affected.', exceptions: `${UNAVAILABLE} #GP(0) if there is no such register.`, privileged: true,
  operation(cpu) { cpu.perform('XGETBV'); },
});
export const XSETBV = instruction('XSETBV', 'Set Extended Control Register', {
  encodings: 'NP 0F 01 D1 | XSETBV', feature: 'XSAVE', flags: 'None affected.', exceptions: `${UNAVAILABLE} #GP(0) if CPL is not 0, there is no such register or the value is not allowed.`, vmExit: 'Always.',
  operation(cpu) { cpu.perform('XSETBV'); },
});

interface StateInstruction { readonly name: string; readonly summary: string; readonly opcode: string; readonly feature: string; readonly exceptions?: string; readonly vmExit?: string }
const CONTROLLED = '#UD if "enable XSAVES/XRSTORS" is 0; exits if EDX:EAX, IA32_XSS and the XSS-exiting bitmap have a bit in common.';
const LEVEL_0 = '#GP(0) if CPL is not 0.', BAD_HEADER = '#GP(0) if the header or MXCSR has what is reserved or not enabled.';
const INSTRUCTIONS: readonly StateInstruction[] = [
  { name: 'XSAVE', summary: 'Save Processor Extended States', opcode: '0F AE /4', feature: 'XSAVE' },
  { name: 'XRSTOR', summary: 'Restore Processor Extended States', opcode: '0F AE /5', feature: 'XSAVE', exceptions: BAD_HEADER },
  { name: 'XSAVEOPT', summary: 'Save Processor Extended States Optimized', opcode: '0F AE /6', feature: 'XSAVEOPT' },
  { name: 'XSAVEC', summary: 'Save Processor Extended States With Compaction', opcode: '0F C7 /4', feature: 'XSAVEC' },
  { name: 'XSAVES', summary: 'Save Processor Extended States Supervisor', opcode: '0F C7 /5', feature: 'XSAVES', exceptions: LEVEL_0, vmExit: CONTROLLED },
  { name: 'XRSTORS', summary: 'Restore Processor Extended States Supervisor', opcode: '0F C7 /3', feature: 'XSAVES', exceptions: `${LEVEL_0} ${BAD_HEADER}`, vmExit: CONTROLLED },
];
/** The 64-bit form has 64-bit instruction and data pointers of x87, without selectors. */
export const STATE: readonly Instruction[] = INSTRUCTIONS.map(({ name, summary, opcode, feature, exceptions = '', vmExit }) => instruction(name, summary, {
  encodings: `
    NP ${opcode} | ${name} mem
    NP REX.W ${opcode} | ${name}64 mem`,
  feature, flags: 'None affected.', exceptions: `${UNAVAILABLE} #NM if CR0.TS is 1. #GP(0) for an operand that is not aligned on 64 bytes. ${exceptions}`.trim(), ...(vmExit === undefined ? {} : { vmExit }),
  operation(cpu, area) { cpu.perform(name, area!.offset, area!.segment, cpu.constant(cpu.size === 64 ? 1 : 0, 64)); },
}));
