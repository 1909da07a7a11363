/** MOVS, STOS, LODS, CMPS, SCAS, with repetition. SDM Vol. 2, "REP/REPE/REPZ/REPNE/REPNZ—Repeat String Operation Prefix". */
import type { Bits, Value } from '../../meaning/meaning.js';
import { instruction, type Cpu } from '../instruction.js';
import * as flags from '../flags.js';

const rows = (name: string, opcode: number): string => {
  const byte = (n: number) => n.toString(16).toUpperCase();
  return `
    ${byte(opcode)} | ${name}B
    ${byte(opcode + 1)} | ${name}W | o16
    ${byte(opcode + 1)} | ${name}D | o32
    REX.W + ${byte(opcode + 1)} | ${name}Q | o64`;
};
const COUNT = 1, SOURCE = 6, DESTINATION = 7, DS = 3, ES = 0;
/** Rows for bytes carry no size. */
const source = (cpu: Cpu, bits: Bits) => cpu.memory(cpu.register(SOURCE, cpu.addressSize), bits, DS, { overridable: true });
const destination = (cpu: Cpu, bits: Bits) => cpu.memory(cpu.register(DESTINATION, cpu.addressSize), bits, ES);
function advance(cpu: Cpu, register: number, bits: Bits): void {
  cpu.setRegister(register, cpu.register(register, cpu.addressSize).add(cpu.stringStep(bits / 8).truncate(cpu.addressSize)));
}

/**
 * One iteration, and the instruction again while the count and `goesOn` say so. `bulk` names a TypeScript operation that
 * may do many iterations at once, always leaving the last.
 */
function repeat(cpu: Cpu, iteration: () => void, goesOn?: () => Value, bulk?: { name: string; bits: Bits }): void {
  if (cpu.prefixes.rep === 'none') { iteration(); return; }
  const count = () => cpu.register(COUNT, cpu.addressSize);
  cpu.when(count().ne(0), () => {
    if (bulk) cpu.when(cpu.constant(8, cpu.addressSize).ult(count()), () => {
      cpu.compute(bulk.name, [cpu.constant(bulk.bits / 8, 64), cpu.constant(cpu.addressSize, 64), cpu.meaning.record('segment', 64)]);
    });
    iteration();
    const left = count().sub(1);
    cpu.setRegister(COUNT, left);
    cpu.when(goesOn ? left.ne(0).and(goesOn()) : left.ne(0), () => cpu.again());
  });
}
const whileCondition = (cpu: Cpu): Value => cpu.condition(cpu.prefixes.rep === 'F3' ? 'E' : 'NE');

/** Definitions for the byte row and for the others: the byte row has no operand size. */
function define(name: string, summary: string, opcode: number, operation: (cpu: Cpu, bits: Bits) => void, more: { flags: string }) {
  const all = rows(name, opcode).trim().split('\n');
  return [
    instruction(name, summary, { encodings: all[0]!, repeats: true, ...more, operation: (cpu) => operation(cpu, 8) }),
    instruction(name, summary, { encodings: all.slice(1).join('\n'), repeats: true, ...more, operation: (cpu) => operation(cpu, cpu.size) }),
  ];
}

export const MOVS = define('MOVS', 'Move Data From String to String', 0xa4, (cpu, bits) => {
  repeat(cpu, () => {
    destination(cpu, bits).write(source(cpu, bits).read());
    advance(cpu, SOURCE, bits);
    advance(cpu, DESTINATION, bits);
  }, undefined, { name: 'REP MOVS in bulk', bits });
}, { flags: 'None affected.' });

export const STOS = define('STOS', 'Store String', 0xaa, (cpu, bits) => {
  repeat(cpu, () => {
    destination(cpu, bits).write(cpu.register(0, bits));
    advance(cpu, DESTINATION, bits);
  }, undefined, { name: 'REP STOS in bulk', bits });
}, { flags: 'None affected.' });

export const LODS = define('LODS', 'Load String', 0xac, (cpu, bits) => {
  repeat(cpu, () => {
    cpu.setRegister(0, source(cpu, bits).read());
    advance(cpu, SOURCE, bits);
  });
}, { flags: 'None affected.' });

export const CMPS = define('CMPS', 'Compare String Operands', 0xa6, (cpu, bits) => {
  repeat(cpu, () => {
    const a = source(cpu, bits).read(), b = destination(cpu, bits).read();
    advance(cpu, SOURCE, bits);
    advance(cpu, DESTINATION, bits);
    flags.subtraction(cpu, a, a.sub(b));
  }, () => whileCondition(cpu));
}, { flags: 'The CF, OF, SF, ZF, AF, and PF flags are set according to the temporary result of the comparison.' });

export const SCAS = define('SCAS', 'Scan String', 0xae, (cpu, bits) => {
  repeat(cpu, () => {
    const a = cpu.register(0, bits), b = destination(cpu, bits).read();
    advance(cpu, DESTINATION, bits);
    flags.subtraction(cpu, a, a.sub(b));
  }, () => whileCondition(cpu));
}, { flags: 'The OF, SF, ZF, AF, PF, and CF flags are set according to the temporary result of the comparison.' });
