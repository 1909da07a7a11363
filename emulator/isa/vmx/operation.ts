/** VMXON, VMXOFF, VMLAUNCH, VMRESUME, VMCALL, VMFUNC. SDM Vol. 3D, "VMX Instruction Reference", by their names. */
import { instruction } from '../instruction.js';

export const OUTSIDE_VMX = '#UD outside VMX operation, in real-address, virtual-8086 or compatibility mode.', LEVEL_0 = '#GP(0) if CPL is not 0.';
export const FLAGS = 'VMsucceed clears all status flags; VMfailInvalid sets CF; VMfailValid sets ZF and stores the VM-instruction error.';
const ALWAYS = 'Always.';

const simple = (name: string, summary: string, encoding: string, rest: { exceptions: string; vmExit?: string }) =>
  instruction(name, summary, { encodings: `NP ${encoding} | ${name}`, feature: 'VMX', privileged: true, flags: FLAGS, ...rest, operation(cpu) { cpu.perform(name); } });

export const VMXON = instruction('VMXON', 'Enter VMX Operation', {
  encodings: 'F3 0F C7 /6 | VMXON m64',
  feature: 'VMX',
  privileged: true,
  flags: FLAGS,
  exceptions: '#UD if CR4.VMXE is 0, in real-address, virtual-8086 or compatibility mode. #GP(0) if CPL is not 0, CR0 or CR4 hold values that VMX operation forbids, or IA32_FEATURE_CONTROL is not locked with VMX enabled.',
  vmExit: ALWAYS,
  operation(cpu, region) {
    cpu.compute('check VMXON', []);
    cpu.perform('VMXON', region.read());
  },
});
export const VMXOFF = simple('VMXOFF', 'Leave VMX Operation', '0F 01 C4', { exceptions: `${OUTSIDE_VMX} ${LEVEL_0}`, vmExit: ALWAYS });
export const VMLAUNCH = simple('VMLAUNCH', 'Launch Virtual Machine', '0F 01 C2', { exceptions: `${OUTSIDE_VMX} ${LEVEL_0}`, vmExit: ALWAYS });
export const VMRESUME = simple('VMRESUME', 'Resume Virtual Machine', '0F 01 C3', { exceptions: `${OUTSIDE_VMX} ${LEVEL_0}`, vmExit: ALWAYS });
export const VMCALL = simple('VMCALL', 'Call to VM Monitor', '0F 01 C1', { exceptions: `${OUTSIDE_VMX} ${LEVEL_0} Neither in VMX non-root operation.`, vmExit: ALWAYS });
export const VMFUNC = simple('VMFUNC', 'Invoke VM Function', '0F 01 D4', { exceptions: '#UD outside VMX non-root operation, or if the "enable VM functions" VM-execution control is 0.', vmExit: 'If EAX selects a VM function that is not enabled, or EPTP switching an entry beyond the list or an EPT pointer that VM entry would not accept.' });
