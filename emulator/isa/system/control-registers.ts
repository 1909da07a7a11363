/** MOV to and from control and debug registers, LMSW, SMSW, CLTS. SDM Vol. 2, by their names. */
import { S } from '../../cpu/layout.js';
import type { Bits } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Operand } from '../instruction.js';

const numbers = (name: string, special: Operand, register: Operand, cpu: Cpu): void =>
  cpu.perform(name, special.number.zeroExtend(64), register.number.zeroExtend(64));
const EXCEPTIONS = '#GP(0) if CPL is not 0 or the value is not allowed; #UD for registers that do not exist.';

/** What is stored in the state is read here; CR8, faults, and what a hypervisor may want to know of are TypeScript's. */
function readControl(cpu: Cpu, dest: Operand, src: Operand): void {
  const n = src.number, is = (number: number) => n.eq(number), zero = cpu.constant(0, 32);
  const stored = is(0).or(is(2)).or(is(3)).or(is(4)).and(cpu.state(S.cpl, 32).or(cpu.state(S.nonRoot, 32)).eq(zero));
  cpu.when(stored.isZero, () => { numbers('MOV from CR', src, dest, cpu); });
  const bits = dest.bits as Bits, value = (at: number) => cpu.state(at, bits);
  dest.write(is(2).select(value(S.cr2), is(3).select(value(S.cr3), is(4).select(value(S.cr4), value(S.cr0)))));
}

export const MOV_CR = instruction('MOV', 'Move to/from Control Registers', {
  encodings: `
    0F 20 /r | MOV r32, CR0-CR7 | 32
    0F 20 /r | MOV r64, CR0-CR7 | 64
    0F 22 /r | MOV CR0-CR7, r32 | 32
    0F 22 /r | MOV CR0-CR7, r64 | 64`,
  undefinedFlags: 'OF SF ZF AF PF CF', exceptions: EXCEPTIONS,
  vmExit: 'By guest/host masks and read shadows for CR0 and CR4, by "CR3-load exiting" and "CR3-store exiting", "CR8-load exiting" and "CR8-store exiting".',
  operation(cpu, dest, src) {
    if (dest.kind === 'control') numbers('MOV to CR', dest, src, cpu);
    else readControl(cpu, dest, src);
  },
});
export const MOV_DR = instruction('MOV', 'Move to/from Debug Registers', {
  encodings: `
    0F 21 /r | MOV r32, DR0-DR7 | 32
    0F 21 /r | MOV r64, DR0-DR7 | 64
    0F 23 /r | MOV DR0-DR7, r32 | 32
    0F 23 /r | MOV DR0-DR7, r64 | 64`,
  undefinedFlags: 'OF SF ZF AF PF CF', exceptions: `${EXCEPTIONS} #DB if DR7.GD is 1.`, vmExit: 'If the "MOV-DR exiting" VM-execution control is 1.',
  operation(cpu, dest, src) {
    if (dest.kind === 'debug') numbers('MOV to DR', dest, src, cpu);
    else numbers('MOV from DR', src, dest, cpu);
  },
});

export const SMSW = instruction('SMSW', 'Store Machine Status Word', {
  encodings: `
    0F 01 /4 | SMSW r16/m16
    0F 01 /4 | SMSW r32/m16
    REX.W + 0F 01 /4 | SMSW r64/m16`,
  flags: 'None affected.', exceptions: '#GP(0) if CR4.UMIP is 1 and CPL is not 0.', privileged: true,
  operation(cpu, dest) {
    const [cr0] = cpu.compute('check SMSW', [], [64]);
    dest.write(cr0!.truncate(dest.bits));
  },
});
export const LMSW = instruction('LMSW', 'Load Machine Status Word', {
  encodings: '0F 01 /6 | LMSW r/m16',
  flags: 'None affected.', exceptions: '#GP(0) if CPL is not 0.', vmExit: 'By the CR0 guest/host mask and read shadow.',
  operation(cpu, src) {
    cpu.compute('check LMSW', []);
    const memory = src.kind === 'memory', value = src.read(16).zeroExtend(64), zero = cpu.constant(0, 64);
    cpu.perform('LMSW', value, cpu.constant(memory ? 1 : 0, 64), memory ? src.offset : zero, memory ? src.segment.zeroExtend(64) : zero);
  },
});
export const CLTS = instruction('CLTS', 'Clear Task-Switched Flag in CR0', {
  encodings: '0F 06 | CLTS', flags: 'None affected.', exceptions: '#GP(0) if CPL is not 0.', vmExit: 'By the CR0 guest/host mask and read shadow.',
  operation(cpu) { cpu.perform('CLTS'); },
});
