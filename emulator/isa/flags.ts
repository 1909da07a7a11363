/** The status flags after the usual operations. SDM Vol. 1, "Status Flags". */
import type { Value } from '../meaning/meaning.js';
import { AF, OF } from '../meaning/flags.js';
import type { Cpu } from './instruction.js';

/** After `sum = a + b` or `a + b + carry`. */
export function addition(cpu: Cpu, a: Value, sum: Value, carry?: Value): void {
  cpu.meaning.flags(carry ? 'addition with carry' : 'addition', a.bits, a, sum, carry);
}

/** After `difference = a - b` or `a - b - borrow`. */
export function subtraction(cpu: Cpu, a: Value, difference: Value, borrow?: Value): void {
  cpu.meaning.flags(borrow ? 'subtraction with borrow' : 'subtraction', a.bits, a, difference, borrow);
}

/** OF and CF are cleared; AF is undefined, and we clear it. ZF, SF and PF follow the result. */
export function logical(cpu: Cpu, result: Value): void { cpu.meaning.flags('status', result.bits, cpu.constant(0, 32), result); }

/** CF, OF and AF as given (AF cleared when absent); ZF, SF and PF follow the result. */
export function status(cpu: Cpu, result: Value, given: { CF: Value; OF: Value; AF?: Value }): void {
  let word = given.CF.zeroExtend(32).or(given.OF.zeroExtend(32).shl(Math.log2(OF)));
  if (given.AF) word = word.or(given.AF.zeroExtend(32).shl(Math.log2(AF)));
  cpu.meaning.flags('status', result.bits, word, result);
}
