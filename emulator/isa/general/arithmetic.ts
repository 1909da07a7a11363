/** ADD, ADC, SUB, SBB, CMP, AND, OR, XOR, TEST, INC, DEC, NEG, NOT. SDM Vol. 2, by their names. */
import { instruction, type Instruction, type Cpu, type Operand } from '../instruction.js';
import * as flags from '../flags.js';

const hex = (n: number): string => n.toString(16).toUpperCase().padStart(2, '0');

/** The rows that the eight instructions of the first opcode columns have in common. */
const rows = (name: string, opcode: number, digit: number): string => `
    ${hex(opcode)} /r | ${name} r/m8, r8
    ${hex(opcode + 1)} /r | ${name} r/m16, r16
    ${hex(opcode + 1)} /r | ${name} r/m32, r32
    REX.W + ${hex(opcode + 1)} /r | ${name} r/m64, r64
    ${hex(opcode + 2)} /r | ${name} r8, r/m8
    ${hex(opcode + 3)} /r | ${name} r16, r/m16
    ${hex(opcode + 3)} /r | ${name} r32, r/m32
    REX.W + ${hex(opcode + 3)} /r | ${name} r64, r/m64
    ${hex(opcode + 4)} ib | ${name} AL, imm8
    ${hex(opcode + 5)} iw | ${name} AX, imm16
    ${hex(opcode + 5)} id | ${name} EAX, imm32
    REX.W + ${hex(opcode + 5)} id | ${name} RAX, imm32
    80 /${digit} ib | ${name} r/m8, imm8
    82 /${digit} ib | ${name} r/m8, imm8 | 32
    81 /${digit} iw | ${name} r/m16, imm16
    81 /${digit} id | ${name} r/m32, imm32
    REX.W + 81 /${digit} id | ${name} r/m64, imm32
    83 /${digit} ib | ${name} r/m16, imm8
    83 /${digit} ib | ${name} r/m32, imm8
    REX.W + 83 /${digit} ib | ${name} r/m64, imm8`;

const unaryRows = (name: string, opcode: number, digit: number): string => `
    ${hex(opcode)} /${digit} | ${name} r/m8
    ${hex(opcode + 1)} /${digit} | ${name} r/m16
    ${hex(opcode + 1)} /${digit} | ${name} r/m32
    REX.W + ${hex(opcode + 1)} /${digit} | ${name} r/m64`;

const FLAGS_BY_RESULT = 'The OF, SF, ZF, AF, CF, and PF flags are set according to the result.';
const LOGICAL_FLAGS = 'The OF and CF flags are cleared; the SF, ZF, and PF flags are set according to the result. The state of the AF flag is undefined.';

export const ADD = instruction('ADD', 'Add', {
  encodings: rows('ADD', 0x00, 0), lock: true, flags: FLAGS_BY_RESULT,
  operation(cpu, dest, src) {
    const a = dest.readForUpdate(), sum = a.add(src.read(a.bits));
    dest.write(sum);
    flags.addition(cpu, a, sum);
  },
});

export const ADC = instruction('ADC', 'Add With Carry', {
  encodings: rows('ADC', 0x10, 2), lock: true, flags: FLAGS_BY_RESULT,
  operation(cpu, dest, src) {
    const a = dest.readForUpdate(), carry = cpu.flag('CF');
    const sum = a.add(src.read(a.bits)).add(carry.zeroExtend(a.bits));
    dest.write(sum);
    flags.addition(cpu, a, sum, carry);
  },
});

export const SUB = instruction('SUB', 'Subtract', {
  encodings: rows('SUB', 0x28, 5), lock: true, flags: FLAGS_BY_RESULT,
  operation(cpu, dest, src) {
    const a = dest.readForUpdate(), difference = a.sub(src.read(a.bits));
    dest.write(difference);
    flags.subtraction(cpu, a, difference);
  },
});

export const SBB = instruction('SBB', 'Integer Subtraction With Borrow', {
  encodings: rows('SBB', 0x18, 3), lock: true, flags: FLAGS_BY_RESULT,
  operation(cpu, dest, src) {
    const a = dest.readForUpdate(), borrow = cpu.flag('CF');
    const difference = a.sub(src.read(a.bits)).sub(borrow.zeroExtend(a.bits));
    dest.write(difference);
    flags.subtraction(cpu, a, difference, borrow);
  },
});

export const CMP = instruction('CMP', 'Compare Two Operands', {
  encodings: rows('CMP', 0x38, 7), flags: FLAGS_BY_RESULT,
  operation(cpu, first, second) {
    const a = first.read();
    flags.subtraction(cpu, a, a.sub(second.read(a.bits)));
  },
});

function logical(name: string, summary: string, opcode: number, digit: number, combine: (a: ReturnType<Operand['read']>, b: ReturnType<Operand['read']>) => ReturnType<Operand['read']>): Instruction {
  return instruction(name, summary, {
    encodings: rows(name, opcode, digit), lock: true, flags: LOGICAL_FLAGS, undefinedFlags: 'AF',
    operation(cpu, dest, src) {
      const a = dest.readForUpdate(), result = combine(a, src.read(a.bits));
      dest.write(result);
      flags.logical(cpu, result);
    },
  });
}
export const AND = logical('AND', 'Logical AND', 0x20, 4, (a, b) => a.and(b));
export const OR = logical('OR', 'Logical Inclusive OR', 0x08, 1, (a, b) => a.or(b));
export const XOR = logical('XOR', 'Logical Exclusive OR', 0x30, 6, (a, b) => a.xor(b));

export const TEST = instruction('TEST', 'Logical Compare', {
  encodings: `
    A8 ib | TEST AL, imm8
    A9 iw | TEST AX, imm16
    A9 id | TEST EAX, imm32
    REX.W + A9 id | TEST RAX, imm32
    F6 /0 ib | TEST r/m8, imm8
    F6 /1 ib | TEST r/m8, imm8
    F7 /0 iw | TEST r/m16, imm16
    F7 /0 id | TEST r/m32, imm32
    REX.W + F7 /0 id | TEST r/m64, imm32
    F7 /1 iw | TEST r/m16, imm16
    F7 /1 id | TEST r/m32, imm32
    REX.W + F7 /1 id | TEST r/m64, imm32
    84 /r | TEST r/m8, r8
    85 /r | TEST r/m16, r16
    85 /r | TEST r/m32, r32
    REX.W + 85 /r | TEST r/m64, r64`,
  flags: LOGICAL_FLAGS, undefinedFlags: 'AF',
  operation(cpu, first, second) {
    const a = first.read();
    flags.logical(cpu, a.and(second.read(a.bits)));
  },
});

/** INC and DEC leave CF: OF, AF and the kept CF are computed at once. */
function step(cpu: Cpu, dest: Operand, up: boolean): void {
  const a = dest.readForUpdate(), carry = cpu.flag('CF'), one = cpu.constant(1, a.bits);
  const result = up ? a.add(one) : a.sub(one);
  dest.write(result);
  const limit = 1n << BigInt(a.bits - 1);
  flags.status(cpu, result, {
    CF: carry, OF: (up ? result : a).eq(limit), AF: (up ? result : a).and(15).isZero,
  });
}
const STEP_FLAGS = 'The CF flag is not affected. The OF, SF, ZF, AF, and PF flags are set according to the result.';

export const INC = instruction('INC', 'Increment by 1', {
  encodings: `${unaryRows('INC', 0xfe, 0)}
    40+rw | INC r16 | 32
    40+rd | INC r32 | 32`, lock: true, flags: STEP_FLAGS,
  operation: (cpu, dest) => step(cpu, dest, true),
});
export const DEC = instruction('DEC', 'Decrement by 1', {
  encodings: `${unaryRows('DEC', 0xfe, 1)}
    48+rw | DEC r16 | 32
    48+rd | DEC r32 | 32`, lock: true, flags: STEP_FLAGS,
  operation: (cpu, dest) => step(cpu, dest, false),
});

export const NEG = instruction('NEG', 'Two\'s Complement Negation', {
  encodings: unaryRows('NEG', 0xf6, 3), lock: true, flags: 'The CF flag is 0 if the source operand is 0, otherwise 1; the OF, SF, ZF, AF, and PF flags are set according to the result.',
  operation(cpu, dest) {
    const a = dest.readForUpdate(), result = a.neg;
    dest.write(result);
    flags.subtraction(cpu, cpu.constant(0, a.bits), result);
  },
});

export const NOT = instruction('NOT', 'One\'s Complement Negation', {
  encodings: unaryRows('NOT', 0xf6, 2), lock: true, flags: 'None affected.',
  operation(_cpu, dest) { dest.write(dest.readForUpdate().not); },
});

/** One flag is carry in and out, the others stay: two chains of additions can run side by side. */
const carryChain = (name: 'ADCX' | 'ADOX', prefix: string, flag: 'CF' | 'OF'): Instruction => instruction(name, `Unsigned Integer Addition of Two Operands with ${flag === 'CF' ? 'Carry' : 'Overflow'} Flag`, {
  encodings: `
    ${prefix} 0F 38 F6 /r | ${name} r32, r/m32
    ${prefix} REX.W 0F 38 F6 /r | ${name} r64, r/m64`,
  flags: `${flag} is updated based on result. All other flags are unmodified.`, feature: 'ADX',
  operation(cpu, dest, src) {
    const a = dest.read(), carry = cpu.flag(flag), partial = a.add(src.read()), sum = partial.add(carry.zeroExtend(a.bits));
    dest.write(sum);
    cpu.setFlags({ [flag]: partial.ult(a).or(sum.ult(partial)) });
  },
});
export const ADCX = carryChain('ADCX', '66', 'CF');
export const ADOX = carryChain('ADOX', 'F3', 'OF');
