/** LGDT, LIDT, SGDT, SIDT, LLDT, SLDT, LTR, STR. SDM Vol. 2, by their names. */
import { LDTR, S, SEGMENT, segment, TR } from '../../cpu/layout.js';
import { instruction, type Cpu, type Operand } from '../instruction.js';

const VM_EXIT = 'If the "descriptor-table exiting" VM-execution control is 1.';
const LEVEL_0 = '#GP(0) if CPL is not 0.', UMIP = '#GP(0) if CR4.UMIP is 1 and CPL is not 0.';

const loadTable = (name: 'LGDT' | 'LIDT', digit: string) => instruction(name, 'Load Global/Interrupt Descriptor Table Register', {
  encodings: `
    0F 01 ${digit} | ${name} m16&32 | 32
    0F 01 ${digit} | ${name} m16&64 | 64`,
  flags: 'None affected.', exceptions: LEVEL_0, vmExit: VM_EXIT,
  operation(cpu, src) {
    cpu.compute(`check ${name}`, []);
    const limit = src.at(0, 16).read().zeroExtend(64), base = src.at(2, cpu.mode === 64 ? 64 : 32).read().zeroExtend(64);
    cpu.perform(name, limit, cpu.mode !== 64 && cpu.size === 16 ? base.and(0xffffff) : base);
  },
});
export const LGDT = loadTable('LGDT', '/2');
export const LIDT = loadTable('LIDT', '/3');

const storeTable = (name: 'SGDT' | 'SIDT', digit: string, limit: number, base: number) => instruction(name, 'Store Global/Interrupt Descriptor Table Register', {
  encodings: `0F 01 ${digit} | ${name} m`,
  flags: 'None affected.', exceptions: UMIP, privileged: true, vmExit: VM_EXIT,
  operation(cpu, dest) {
    cpu.compute(`check ${name}`, []);
    dest.at(0, 16).write(cpu.state(limit, 16));
    const bits = cpu.mode === 64 ? 64 : 32;
    dest.at(2, bits).write(cpu.state(base, bits));
  },
});
export const SGDT = storeTable('SGDT', '/0', S.gdtrLimit, S.gdtrBase);
export const SIDT = storeTable('SIDT', '/1', S.idtrLimit, S.idtrBase);

/** LLDT, LTR and their like are not recognized in real-address and virtual-8086 mode. */
export function inProtectedMode(operation: (cpu: Cpu, ...operands: Operand[]) => void) {
  return (cpu: Cpu, ...operands: Operand[]): void => {
    if (cpu.protection === 'protected') operation(cpu, ...operands); else cpu.raise('#UD');
  };
}

const load = (name: 'LLDT' | 'LTR', summary: string, digit: string) => instruction(name, summary, {
  encodings: `0F 00 ${digit} | ${name} r/m16`,
  flags: 'None affected.', exceptions: `${LEVEL_0} #GP and #NP with the selector as error code.`, vmExit: VM_EXIT,
  operation: inProtectedMode((cpu, src) => {
    cpu.compute(`check ${name}`, []);
    cpu.perform(name, src!.read(16).zeroExtend(64));
  }),
});
export const LLDT = load('LLDT', 'Load Local Descriptor Table Register', '/2');
export const LTR = load('LTR', 'Load Task Register', '/3');

const store = (name: 'SLDT' | 'STR', summary: string, digit: string, index: number) => instruction(name, summary, {
  encodings: `
    0F 00 ${digit} | ${name} r16/m16
    0F 00 ${digit} | ${name} r32/m16
    REX.W + 0F 00 ${digit} | ${name} r64/m16`,
  flags: 'None affected.', exceptions: UMIP, privileged: true, vmExit: VM_EXIT,
  operation: inProtectedMode((cpu, dest) => {
    cpu.compute(`check ${name}`, []);
    dest!.write(cpu.state(segment(index) + SEGMENT.selector, 16).zeroExtend(dest!.bits));
  }),
});
export const SLDT = store('SLDT', 'Store Local Descriptor Table Register', '/0', LDTR);
export const STR = store('STR', 'Store Task Register', '/1', TR);
