/** IN, OUT, INS, OUTS. SDM Vol. 2, by their names. */
import { DS, ES } from '../../cpu/layout.js';
import { instruction, type Cpu, type Operand } from '../instruction.js';

const SOURCE = 6, DESTINATION = 7;
const EXCEPTIONS = '#GP(0) if CPL is greater than IOPL and a bit of the I/O permission bit map is 1.';
const VM_EXIT = 'If "unconditional I/O exiting" is 1, or "use I/O bitmaps" is 1 and a bit of the I/O bitmaps is 1.';

const port = (cpu: Cpu, operand: Operand, bytes: number) => {
  const immediate = operand.kind === 'immediate';
  return [operand.read(immediate ? 8 : 16).zeroExtend(64), cpu.constant(bytes, 64), cpu.constant(immediate ? 1 : 0, 64)];
};

export const IN = instruction('IN', 'Input From Port', {
  encodings: `
    E4 ib | IN AL, imm8
    E5 ib | IN AX, imm8
    E5 ib | IN EAX, imm8
    EC | IN AL, DX
    ED | IN AX, DX
    ED | IN EAX, DX`,
  flags: 'None affected.', exceptions: EXCEPTIONS, vmExit: VM_EXIT,
  operation(cpu, dest, src) { cpu.perform('IN', ...port(cpu, src, dest.bits / 8)); },
});
export const OUT = instruction('OUT', 'Output to Port', {
  encodings: `
    E6 ib | OUT imm8, AL
    E7 ib | OUT imm8, AX
    E7 ib | OUT imm8, EAX
    EE | OUT DX, AL
    EF | OUT DX, AX
    EF | OUT DX, EAX`,
  flags: 'None affected.', exceptions: EXCEPTIONS, vmExit: VM_EXIT,
  operation(cpu, dest, src) { cpu.perform('OUT', ...port(cpu, dest, src.bits / 8)); },
});

function string(name: 'INS' | 'OUTS', bytes: (cpu: Cpu) => number) {
  return (cpu: Cpu): void => {
    const register = name === 'INS' ? DESTINATION : SOURCE, overridable = name === 'OUTS';
    const at = cpu.memory(cpu.register(register, cpu.addressSize), 8, name === 'INS' ? ES : DS, { overridable });
    const repeated = cpu.prefixes.rep !== 'none';
    cpu.perform(name, cpu.constant(bytes(cpu), 64), cpu.constant(cpu.addressSize, 64), cpu.constant(repeated ? 1 : 0, 64), at.segment.zeroExtend(64));
  };
}
const more = { repeats: true, flags: 'None affected.', exceptions: EXCEPTIONS, vmExit: VM_EXIT };
export const INS: readonly ReturnType<typeof instruction>[] = [
  instruction('INS', 'Input From Port to String', { encodings: '6C | INSB', ...more, operation: string('INS', () => 1) }),
  instruction('INS', 'Input From Port to String', {
    encodings: `
    6D | INSW | o16
    6D | INSD | o32`, ...more, operation: string('INS', (cpu) => cpu.size / 8) }),
];
export const OUTS: readonly ReturnType<typeof instruction>[] = [
  instruction('OUTS', 'Output String to Port', { encodings: '6E | OUTSB', ...more, operation: string('OUTS', () => 1) }),
  instruction('OUTS', 'Output String to Port', {
    encodings: `
    6F | OUTSW | o16
    6F | OUTSD | o32`, ...more, operation: string('OUTS', (cpu) => cpu.size / 8) }),
];
