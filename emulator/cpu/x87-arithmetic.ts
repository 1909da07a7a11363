/** FADD … FDIVR, comparisons and FSQRT. SDM Vol. 2, by their names. */
import { add, divide, multiply, squareRoot } from '../float/arithmetic.js';
import { compare, GREATER, LESS, UNORDERED } from '../float/compare.js';
import { type Environment, IE } from '../float/environment.js';
import { EXTENDED, unpackDouble, unpackSingle } from '../float/formats.js';
import { setSignificand, setZero, softFloat, type SoftFloat } from '../float/number.js';
import { round } from '../float/round.js';
import type { Operation, Operations } from './operations.js';
import type { Processor } from './processor.js';
import { begin, env, finish, FSW, indefinite, isEmpty, load, pop, setConditionCodes, store, underflow } from './x87-stack.js';
import { COMPARISON_FLAGS } from './sse-operations.js';

type Binary = (a: SoftFloat, b: SoftFloat, r: SoftFloat, e: Environment) => void;
/** First operand: the destination; R: reversed. */
const ARITHMETIC: Readonly<Record<string, Binary>> = {
  ADD: (a, b, r, e) => add(a, b, false, r, e),
  MUL: multiply,
  SUB: (a, b, r, e) => add(a, b, true, r, e),
  SUBR: (a, b, r, e) => add(b, a, true, r, e),
  DIV: divide,
  DIVR: (a, b, r, e) => divide(b, a, r, e),
};

/** Operands in memory, in argument 0. */
export const MEMORY_OPERANDS: Readonly<Record<string, (cpu: Processor, to: SoftFloat) => void>> = {
  m32fp: (cpu, to) => unpackSingle(to, cpu.argumentLow(0)),
  m64fp: (cpu, to) => unpackDouble(to, cpu.argumentLow(0), cpu.argumentHigh(0)),
  m16int: loadInteger,
  m32int: loadInteger,
};
/** An integer that the definition has sign-extended to 64 bits. */
export function loadInteger(cpu: Processor, to: SoftFloat): void {
  const low = cpu.argumentLow(0), high = cpu.argumentHigh(0), negative = high >= 0x80000000;
  setSignificand(to, negative, 63, negative ? (~high + (low === 0 ? 1 : 0)) >>> 0 : high, negative ? -low >>> 0 : low);
  if (low === 0 && high === 0) setZero(to, false);
}

const a = softFloat(), b = softFloat(), r = softFloat();

function compute(cpu: Processor, operation: Binary, destination: number, memory: boolean): boolean {
  operation(a, b, r, env);
  round(r, EXTENDED, env, env.precision);
  if (!finish(cpu, memory)) return false;
  store(cpu, destination, r);
  return true;
}
/** Arguments: destination and source by their places on the stack. */
const inRegisters = (operation: Binary, pops: boolean): Operation => (cpu) => {
  begin(cpu);
  const destination = cpu.argumentLow(0), source = cpu.argumentLow(1);
  if (isEmpty(cpu, destination) || isEmpty(cpu, source)) {
    if (!underflow(cpu)) return;
    store(cpu, destination, indefinite);
  } else {
    load(cpu, destination, a);
    load(cpu, source, b);
    if (!compute(cpu, operation, destination, false)) return;
  }
  if (pops) pop(cpu);
};
const withMemory = (operation: Binary, operand: (cpu: Processor, to: SoftFloat) => void): Operation => (cpu) => {
  begin(cpu);
  if (isEmpty(cpu, 0)) {
    if (underflow(cpu, true)) store(cpu, 0, indefinite);
    return;
  }
  load(cpu, 0, a);
  operand(cpu, b);
  compute(cpu, operation, 0, true);
};

/** C3, C2 and C0 by outcome. */
const OUTCOME_CODES: Readonly<Record<number, number>> = { [GREATER]: 0, [LESS]: FSW.C0, 0: FSW.C3, [UNORDERED]: FSW.C3 | FSW.C2 | FSW.C0 };

/** Compares ST(0) with `b`, or with nothing when a register is empty; tells whether the instruction goes on to pop. */
function compareWith(cpu: Processor, empty: boolean, quiet: boolean, memory: boolean): boolean {
  if (empty) {
    if (!underflow(cpu, memory)) return false;
    setConditionCodes(cpu, OUTCOME_CODES[UNORDERED]!);
    return true;
  }
  load(cpu, 0, a);
  const outcome = compare(a, b, !quiet, env);
  const goesOn = finish(cpu, memory);
  if ((env.flags & ~env.masked & IE) === 0) setConditionCodes(cpu, OUTCOME_CODES[outcome]!);
  return goesOn;
}
/** Arguments: place on the stack, how many pops. */
const compareRegister = (quiet: boolean): Operation => (cpu) => {
  begin(cpu);
  const i = cpu.argumentLow(0), empty = isEmpty(cpu, 0) || isEmpty(cpu, i);
  if (!empty) load(cpu, i, b);
  if (!compareWith(cpu, empty, quiet, false)) return;
  for (let pops = cpu.argumentLow(1); pops > 0; pops--) pop(cpu);
};
const compareMemory = (operand: (cpu: Processor, to: SoftFloat) => void): Operation => (cpu) => {
  begin(cpu);
  operand(cpu, b);
  if (compareWith(cpu, isEmpty(cpu, 0), false, true) && cpu.argumentLow(1) !== 0) pop(cpu);
};
/** Arguments: place on the stack, pops, the status flags as they are. Result: the status flags after it. */
const compareToFlags = (quiet: boolean): Operation => (cpu) => {
  begin(cpu);
  const i = cpu.argumentLow(0), pops = cpu.argumentLow(1) !== 0, before = cpu.argumentLow(2);
  let outcome = UNORDERED, goesOn: boolean, told: boolean;
  if (isEmpty(cpu, 0) || isEmpty(cpu, i)) told = goesOn = underflow(cpu);
  else {
    load(cpu, 0, a);
    load(cpu, i, b);
    outcome = compare(a, b, !quiet, env);
    goesOn = finish(cpu);
    told = (env.flags & ~env.masked & IE) === 0;
  }
  cpu.result(0, told ? COMPARISON_FLAGS[outcome]! : before);
  if (goesOn && pops) pop(cpu);
};

export const X87_ARITHMETIC_OPERATIONS: Operations = {
  ...Object.fromEntries(Object.entries(ARITHMETIC).flatMap(([name, operation]): [string, Operation][] => [
    [`F${name}`, inRegisters(operation, false)], [`F${name}P`, inRegisters(operation, true)],
    ...Object.entries(MEMORY_OPERANDS).map(([operand, read]): [string, Operation] => [`F${name} ${operand}`, withMemory(operation, read)]),
  ])),
  FCOM: compareRegister(false), FUCOM: compareRegister(true), FCOMI: compareToFlags(false), FUCOMI: compareToFlags(true),
  ...Object.fromEntries(Object.entries(MEMORY_OPERANDS).map(([operand, read]) => [`FCOM ${operand}`, compareMemory(read)])),
  FTST(cpu) {
    begin(cpu);
    setZero(b, false);
    compareWith(cpu, isEmpty(cpu, 0), false, false);
  },
  FSQRT(cpu) {
    begin(cpu);
    if (isEmpty(cpu, 0)) {
      if (underflow(cpu)) store(cpu, 0, indefinite);
      return;
    }
    load(cpu, 0, a);
    squareRoot(a, r, env);
    round(r, EXTENDED, env, env.precision);
    if (finish(cpu)) store(cpu, 0, r);
  },
};
