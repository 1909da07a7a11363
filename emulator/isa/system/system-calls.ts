/** SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS, RDFSBASE and its kin. SDM Vol. 2, by their names. */
import { CR4 } from '../../cpu/modes.js';
import { FS, GS, S, SEGMENT, segment } from '../../cpu/layout.js';
import { instruction } from '../instruction.js';

export const SYSCALL = instruction('SYSCALL', 'Fast System Call', {
  encodings: '0F 05 | SYSCALL | 64', feature: 'SYSCALL', privileged: true, flags: 'RFLAGS is saved in R11; bits of IA32_FMASK are cleared.',
  exceptions: '#UD outside 64-bit mode or if IA32_EFER.SCE is 0.', operation(cpu) { cpu.perform('SYSCALL'); },
});
export const SYSRET = instruction('SYSRET', 'Return From Fast System Call', {
  encodings: `
    0F 07 | SYSRET | 64 o32
    REX.W + 0F 07 | SYSRET | 64 o64`,
  feature: 'SYSCALL', flags: 'RFLAGS is loaded from R11.', exceptions: '#UD if IA32_EFER.SCE is 0; #GP(0) if CPL is not 0 or RCX is not canonical.',
  operation(cpu) { cpu.perform('SYSRET', cpu.constant(cpu.size, 64)); },
});
export const SYSENTER = instruction('SYSENTER', 'Fast System Call', {
  encodings: '0F 34 | SYSENTER', feature: 'SEP', privileged: true, flags: 'VM and IF are cleared.', exceptions: '#GP(0) in real-address mode or if IA32_SYSENTER_CS[15:2] is 0.',
  operation(cpu) { cpu.perform('SYSENTER'); },
});
export const SYSEXIT = instruction('SYSEXIT', 'Fast Return from Fast System Call', {
  encodings: `
    0F 35 | SYSEXIT | o32
    REX.W + 0F 35 | SYSEXIT | o64`,
  feature: 'SEP', flags: 'None affected.', exceptions: '#GP(0) if CPL is not 0, in real-address mode, if IA32_SYSENTER_CS[15:2] is 0, or if RCX or RDX is not canonical.',
  operation(cpu) { cpu.perform('SYSEXIT', cpu.constant(cpu.size, 64)); },
});

export const SWAPGS = instruction('SWAPGS', 'Swap GS Base Register', {
  encodings: '0F 01 F8 | SWAPGS | 64', flags: 'None affected.', exceptions: '#GP(0) if CPL is not 0.',
  operation(cpu) {
    cpu.when(cpu.state(S.cpl, 32).ne(0), () => cpu.raise('#GP', 0));
    const at = segment(GS) + SEGMENT.base, gs = cpu.state(at, 64), kernel = cpu.state(S.kernelGsBase, 64);
    cpu.setState(at, kernel);
    cpu.setState(S.kernelGsBase, gs);
  },
});

const base = (name: string, digit: number, index: number, writes: boolean) => instruction(name, writes ? 'Write FS/GS Segment Base' : 'Read FS/GS Segment Base', {
  encodings: `
    F3 0F AE /${digit} | ${name} r32 | 64
    F3 REX.W 0F AE /${digit} | ${name} r64 | 64`,
  feature: 'FSGSBASE', flags: 'None affected.', exceptions: '#UD if CR4.FSGSBASE is 0; #GP(0) if the base is not canonical.',
  operation(cpu, register) {
    cpu.when(cpu.state(S.cr4, 32).and(CR4.FSGSBASE).isZero, () => cpu.raise('#UD'));
    const at = segment(index) + SEGMENT.base;
    if (!writes) { register.write(cpu.state(at, register.bits)); return; }
    const value = register.read().zeroExtend(64);
    cpu.when(value.shl(16).sar(16).ne(value), () => cpu.raise('#GP', 0));
    cpu.setState(at, value);
  },
});
export const RDFSBASE = base('RDFSBASE', 0, FS, false);
export const RDGSBASE = base('RDGSBASE', 1, GS, false);
export const WRFSBASE = base('WRFSBASE', 2, FS, true);
export const WRGSBASE = base('WRGSBASE', 3, GS, true);
