/** VMCLEAR, VMPTRLD, VMPTRST, VMREAD, VMWRITE. SDM Vol. 3D, "VMX Instruction Reference", by their names. */
import { instruction, type Cpu } from '../instruction.js';
import type { Value } from '../../meaning/meaning.js';
import { FLAGS, LEVEL_0, OUTSIDE_VMX } from './operation.js';

const common = { feature: 'VMX', privileged: true, flags: FLAGS, exceptions: `${OUTSIDE_VMX} ${LEVEL_0}`, vmExit: 'Always.' } as const;

const byBitmap = (name: 'VMREAD' | 'VMWRITE'): string => `If "VMCS shadowing" is 0, or the encoding has bits above 14, or its bit in the ${name} bitmap is 1.`;

const withPointer = (name: 'VMCLEAR' | 'VMPTRLD', summary: string, encoding: string) => instruction(name, summary, {
  encodings: `${encoding} | ${name} m64`,
  ...common,
  operation(cpu, pointer) {
    cpu.compute(`check ${name}`, []);
    cpu.perform(name, pointer.read());
  },
});
export const VMCLEAR = withPointer('VMCLEAR', 'Clear Virtual-Machine Control Structure', '66 0F C7 /6');
export const VMPTRLD = withPointer('VMPTRLD', 'Load Pointer to Virtual-Machine Control Structure', 'NP 0F C7 /6');

/** Status flags where only CF and ZF can be 1. */
function setResult(cpu: Cpu, status: Value): void {
  const zero = cpu.constant(0, 1);
  cpu.setFlags({ CF: status.bit(0), ZF: status.bit(6), PF: zero, AF: zero, SF: zero, OF: zero });
}

export const VMPTRST = instruction('VMPTRST', 'Store Pointer to Virtual-Machine Control Structure', {
  encodings: 'NP 0F C7 /7 | VMPTRST m64',
  ...common,
  operation(cpu, dest) {
    const [pointer] = cpu.compute('VMPTRST', [], [64]);
    dest.write(pointer!);
    setResult(cpu, cpu.constant(0, 32));
  },
});

export const VMREAD = instruction('VMREAD', 'Read Field From Virtual-Machine Control Structure', {
  encodings: `
    NP 0F 78 /r | VMREAD r/m32, r32 | 32
    NP 0F 78 /r | VMREAD r/m64, r64 | 64`,
  ...common, vmExit: byBitmap('VMREAD'),
  operation(cpu, dest, encoding) {
    const [status, value] = cpu.compute('VMREAD', [encoding.read().zeroExtend(64)], [32, 64]);
    cpu.when(status!.isZero, () => { dest.write(value!.truncate(dest.bits)); });
    setResult(cpu, status!);
  },
});

export const VMWRITE = instruction('VMWRITE', 'Write Field to Virtual-Machine Control Structure', {
  encodings: `
    NP 0F 79 /r | VMWRITE r32, r/m32 | 32
    NP 0F 79 /r | VMWRITE r64, r/m64 | 64`,
  ...common, vmExit: byBitmap('VMWRITE'),
  operation(cpu, encoding, src) {
    if (src.kind === 'memory') cpu.compute('check VMWRITE', []);
    const value = src.read().zeroExtend(64);
    cpu.compute('VMWRITE', [encoding.read().zeroExtend(64), value]);
  },
});
