/** FADD, FMUL, FSUB, FSUBR, FDIV, FDIVR with their integer and popping forms; comparisons. SDM Vol. 2, by their names. */
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';
import { waiting, withPointer } from './checks.js';
import { FAST_BINARY, fastArithmetic, fastCompare } from './fast.js';

const hex = (n: number): string => n.toString(16).toUpperCase().padStart(2, '0');

/** Name, ModRM digit, digit of the forms whose destination is ST(i) (reversed forms trade places there). */
const ARITHMETIC = [['ADD', 'Add', 0, 0], ['MUL', 'Multiply', 1, 1], ['SUB', 'Subtract', 4, 5], ['SUBR', 'Reverse Subtract', 5, 4], ['DIV', 'Divide', 6, 7], ['DIVR', 'Reverse Divide', 7, 6]] as const;

function inRegisters(cpu: Cpu, name: string, pops: boolean, dest: Operand, src: Operand): void {
  const exact = () => { cpu.compute(`F${name}${pops ? 'P' : ''}`, [dest.number, src.number]); }, fast = FAST_BINARY[name];
  if (fast) fastArithmetic(cpu, fast, dest.number, src.number, pops, exact); else exact();
}

const EXCEPTIONS = '#IS, #IA, #D, #U, #O, #P (FDIV and FDIVR also #Z)';
export const ARITHMETIC_FORMS: readonly Instruction[] = ARITHMETIC.flatMap(([name, summary, digit, otherDigit]) => [
  instruction(`F${name}`, summary, {
    encodings: `
      D8 /${digit} | F${name} m32fp
      DC /${digit} | F${name} m64fp
      D8 ${hex(0xc0 + 8 * digit)}+i | F${name} ST(0), ST(i)
      DC ${hex(0xc0 + 8 * otherDigit)}+i | F${name} ST(i), ST(0)`,
    feature: 'FPU', flags: 'None affected.', exceptions: EXCEPTIONS,
    operation(cpu, dest, src) {
      waiting(cpu);
      if (src) inRegisters(cpu, name, false, dest!, src);
      else cpu.compute(`F${name} m${dest!.bits}fp`, withPointer(cpu, dest!, dest!.read()));
    },
  }),
  instruction(`F${name}P`, `${summary} and Pop`, {
    encodings: `DE ${hex(0xc0 + 8 * otherDigit)}+i | F${name}P ST(i), ST(0)`, feature: 'FPU', flags: 'None affected.', exceptions: EXCEPTIONS,
    operation(cpu, dest, src) {
      waiting(cpu);
      inRegisters(cpu, name, true, dest!, src!);
    },
  }),
  instruction(`FI${name}`, `${summary} Integer`, {
    encodings: `
      DA /${digit} | FI${name} m32int
      DE /${digit} | FI${name} m16int`,
    feature: 'FPU', flags: 'None affected.', exceptions: EXCEPTIONS,
    operation(cpu, src) {
      waiting(cpu);
      cpu.compute(`F${name} m${src!.bits}int`, withPointer(cpu, src!, src!.read().signExtend(64)));
    },
  }),
]);

const COMPARE_EXCEPTIONS = '#IS, #IA, #D';
/** Pops follow from the name. */
const pops = (name: string): number => /P*$/.exec(name)![0].length;
/** The second opcodes are not in the manual, and the same on all processors. */
const REGISTER_COMPARISONS = [
  ['FCOM', 'D8 D0+i', 'FCOM'], ['FCOM', 'DC D0+i', 'FCOM'], ['FCOMP', 'D8 D8+i', 'FCOM'], ['FCOMP', 'DC D8+i', 'FCOM'], ['FCOMP', 'DE D0+i', 'FCOM'],
  ['FUCOM', 'DD E0+i', 'FUCOM'], ['FUCOMP', 'DD E8+i', 'FUCOM'],
] as const;
export const COMPARE: readonly Instruction[] = REGISTER_COMPARISONS.map(([name, encoding, operation]) => instruction(name, `${operation === 'FUCOM' ? 'Unordered ' : ''}Compare Floating-Point Values`, {
  encodings: `${encoding} | ${name} ST(i)`, feature: 'FPU', flags: 'None affected.', exceptions: COMPARE_EXCEPTIONS,
  operation(cpu, other) {
    waiting(cpu);
    cpu.compute(operation, [other!.number, cpu.constant(pops(name), 64)]);
  },
}));
export const COMPARE_TWICE_POPPING: readonly Instruction[] = ([['FCOMPP', 'DE D9', 'FCOM'], ['FUCOMPP', 'DA E9', 'FUCOM']] as const).map(([name, encoding, operation]) => instruction(name, `${operation === 'FUCOM' ? 'Unordered ' : ''}Compare Floating-Point Values and Pop Twice`, {
  encodings: `${encoding} | ${name}`, feature: 'FPU', flags: 'None affected.', exceptions: COMPARE_EXCEPTIONS,
  operation(cpu) {
    waiting(cpu);
    cpu.compute(operation, [cpu.constant(1, 64), cpu.constant(pops(name), 64)]);
  },
}));
export const COMPARE_MEMORY: readonly Instruction[] = (['', 'P'] as const).flatMap((p) => {
  const digit = p ? 3 : 2;
  return [instruction(`FCOM${p}`, 'Compare Floating-Point Values', {
    encodings: `
      D8 /${digit} | FCOM${p} m32fp
      DC /${digit} | FCOM${p} m64fp`,
    feature: 'FPU', flags: 'None affected.', exceptions: COMPARE_EXCEPTIONS,
    operation(cpu, src) {
      waiting(cpu);
      cpu.compute(`FCOM m${src!.bits}fp`, withPointer(cpu, src!, src!.read(), cpu.constant(pops(p), 64)));
    },
  }), instruction(`FICOM${p}`, 'Compare Integer', {
    encodings: `
      DA /${digit} | FICOM${p} m32int
      DE /${digit} | FICOM${p} m16int`,
    feature: 'FPU', flags: 'None affected.', exceptions: COMPARE_EXCEPTIONS,
    operation(cpu, src) {
      waiting(cpu);
      cpu.compute(`FCOM m${src!.bits}int`, withPointer(cpu, src!, src!.read().signExtend(64), cpu.constant(pops(p), 64)));
    },
  })];
});

const TO_FLAGS = [['FCOMI', 'DB F0+i'], ['FCOMIP', 'DF F0+i'], ['FUCOMI', 'DB E8+i'], ['FUCOMIP', 'DF E8+i']] as const;
export const COMPARE_TO_FLAGS: readonly Instruction[] = TO_FLAGS.map(([name, encoding]) => instruction(name, 'Compare Floating-Point Values and Set EFLAGS', {
  encodings: `${encoding} | ${name} ST(0), ST(i)`, feature: 'CMOV', flags: 'ZF, PF and CF show the outcome; OF, SF, and AF are cleared.', exceptions: '#IS, #IA, #D',
  operation(cpu, _top, other) {
    waiting(cpu);
    fastCompare(cpu, other!.number, pops(name) > 0, () => {
      const [status] = cpu.compute(name.replace(/P$/, ''), [other!.number, cpu.constant(pops(name), 64), cpu.status()], [32]);
      cpu.meaning.flags('explicit', 32, status!, status!);
    });
  },
}));

const ALONE = [['FTST', 'TEST', 'D9 E4'], ['FSQRT', 'Square Root', 'D9 FA'], ['FCHS', 'Change Sign', 'D9 E0'], ['FABS', 'Absolute Value', 'D9 E1'], ['FXAM', 'Examine Floating-Point', 'D9 E5'],
  ['FRNDINT', 'Round to Integer', 'D9 FC'], ['FSCALE', 'Scale', 'D9 FD'], ['FPREM', 'Partial Remainder', 'D9 F8'], ['FPREM1', 'Partial Remainder', 'D9 F5'], ['FXTRACT', 'Extract Exponent and Significand', 'D9 F4'],
  ['F2XM1', 'Compute 2x–1', 'D9 F0'], ['FYL2X', 'Compute y * log2x', 'D9 F1'], ['FYL2XP1', 'Compute y * log2(x +1)', 'D9 F9'], ['FPTAN', 'Partial Tangent', 'D9 F2'], ['FPATAN', 'Partial Arctangent', 'D9 F3'],
  ['FSIN', 'Sine', 'D9 FE'], ['FCOS', 'Cosine', 'D9 FF'], ['FSINCOS', 'Sine and Cosine', 'D9 FB'],
  ['FLD1', 'Load Constant', 'D9 E8'], ['FLDL2T', 'Load Constant', 'D9 E9'], ['FLDL2E', 'Load Constant', 'D9 EA'], ['FLDPI', 'Load Constant', 'D9 EB'], ['FLDLG2', 'Load Constant', 'D9 EC'], ['FLDLN2', 'Load Constant', 'D9 ED'], ['FLDZ', 'Load Constant', 'D9 EE'],
  ['FINCSTP', 'Increment Stack-Top Pointer', 'D9 F7'], ['FDECSTP', 'Decrement Stack-Top Pointer', 'D9 F6']] as const;
/** Instructions without operands: the operation of the same name does it all. */
export const WITHOUT_OPERANDS: readonly Instruction[] = ALONE.map(([name, summary, encoding]) => instruction(name, summary, {
  encodings: `${encoding} | ${name}`, feature: 'FPU', flags: 'None affected.',
  operation(cpu) {
    waiting(cpu);
    cpu.compute(name, []);
  },
}));
