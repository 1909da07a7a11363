/** MOV, PUSH and POP of segment registers, LDS/LES/LFS/LGS/LSS. SDM Vol. 2, by their names. */
import { CS, SS } from '../../cpu/layout.js';
import { instruction, type Cpu, type Operand } from '../instruction.js';

const STACK_POINTER = 4;
const SEGMENT_REGISTERS = 6;
const LOADS = 'Segment-register loads check the descriptor: #GP, #NP, #SS with the selector as error code.';

export const MOV_FROM_SREG = instruction('MOV', 'Move', {
  encodings: `
    8C /r | MOV r16/m16, Sreg
    8C /r | MOV r32/m16, Sreg
    REX.W + 8C /r | MOV r64/m16, Sreg`,
  flags: 'None affected.',
  operation(cpu, dest, sreg) {
    cpu.when(sreg.number.ult(SEGMENT_REGISTERS).not, () => cpu.raise('#UD'));
    dest.write(sreg.read().zeroExtend(dest.bits));
  },
});

export const MOV_TO_SREG = instruction('MOV', 'Move', {
  encodings: '8E /r | MOV Sreg, r/m16',
  flags: 'None affected.', exceptions: LOADS,
  operation(cpu, sreg, src) {
    cpu.when(sreg.number.eq(CS), () => cpu.raise('#UD'));
    cpu.when(sreg.number.ult(SEGMENT_REGISTERS).not, () => cpu.raise('#UD'));
    cpu.perform('MOV to Sreg', sreg.number.zeroExtend(64), src.read(16).zeroExtend(64));
  },
});

/** Rows of PUSH or POP for a register that exists outside 64-bit mode only, or everywhere. */
const outside64 = (opcode: string, syntax: string): string => `
    ${opcode} | ${syntax} | 32 o16
    ${opcode} | ${syntax} | 32 o32`;
const everywhere = (opcode: string, syntax: string): string => `
    ${opcode} | ${syntax} | o16
    ${opcode} | ${syntax} | 32 o32
    ${opcode} | ${syntax} | 64 o64`;

export const PUSH_SREG = instruction('PUSH', 'Push Word, Doubleword, or Quadword Onto the Stack', {
  encodings: [
    outside64('06', 'PUSH ES'), outside64('0E', 'PUSH CS'), outside64('16', 'PUSH SS'), outside64('1E', 'PUSH DS'),
    everywhere('0F A0', 'PUSH FS'), everywhere('0F A8', 'PUSH GS'),
  ].join(''),
  flags: 'None affected.',
  operation(cpu, sreg) { cpu.push(sreg.read().zeroExtend(cpu.size)); },
});

export const POP_SREG = instruction('POP', 'Pop a Value From the Stack', {
  encodings: [
    outside64('07', 'POP ES'), outside64('17', 'POP SS'), outside64('1F', 'POP DS'), everywhere('0F A1', 'POP FS'), everywhere('0F A9', 'POP GS'),
  ].join(''),
  flags: 'None affected.', exceptions: LOADS,
  operation(cpu, sreg) {
    const value = cpu.memory(cpu.register(STACK_POINTER, cpu.stackSize), cpu.size, SS, { stack: true }).read();
    cpu.perform('POP Sreg', sreg.number.zeroExtend(64), value.zeroExtend(64), cpu.constant(cpu.size, 64));
  },
});

/** The operand holds an offset, then a selector. */
export function farPointer(cpu: Cpu, memory: Operand) {
  const offset = memory.at(0, cpu.size).read().zeroExtend(64);
  return { offset, selector: memory.at(cpu.size / 8, 16).read().zeroExtend(64) };
}

const loadFarPointer = (name: string, rows: string, index: number) => instruction(name, 'Load Far Pointer', {
  encodings: rows, flags: 'None affected.', exceptions: LOADS,
  operation(cpu, dest, src) {
    const { offset, selector } = farPointer(cpu, src);
    cpu.perform('load far pointer', cpu.constant(index, 64), selector, dest.number.zeroExtend(64), offset, cpu.constant(cpu.size, 64));
  },
});
const farRows = (name: string, opcode: string, mark: string): string => `
    ${opcode} /r | ${name} r16, m16:16 ${mark}
    ${opcode} /r | ${name} r32, m16:32 ${mark}`;
const farRows64 = (name: string, opcode: string): string => `${farRows(name, opcode, '')}
    REX.W + ${opcode} /r | ${name} r64, m16:64`;

export const LES = loadFarPointer('LES', farRows('LES', 'C4', '| 32'), 0);
export const LDS = loadFarPointer('LDS', farRows('LDS', 'C5', '| 32'), 3);
export const LSS = loadFarPointer('LSS', farRows64('LSS', '0F B2'), SS);
export const LFS = loadFarPointer('LFS', farRows64('LFS', '0F B4'), 4);
export const LGS = loadFarPointer('LGS', farRows64('LGS', '0F B5'), 5);
