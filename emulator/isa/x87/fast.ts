/**
 * x87 arithmetic on integers of 64 bits where that gives the processor's result: all exceptions masked, rounding to the nearest,
 * double extended precision, normal numbers far from the ends of the range. Otherwise cpu/x87-*.ts does it.
 * SDM Vol. 1, "x87 FPU Execution Environment", "Double Extended-Precision Floating-Point Format".
 */
import { CS, S, SEGMENT, segment } from '../../cpu/layout.js';
import { CF, ZF } from '../../meaning/flags.js';
import type { Value } from '../../meaning/meaning.js';
import type { Cpu } from '../instruction.js';

const TOP_SHIFT = 11, REGISTER_BYTES_LOG2 = 4, SIGN_AND_EXPONENT = 8;
const PE = 1 << 5, C1 = 1 << 9, C1_SHIFT = 9;
/** Masks, precision and rounding control of FCW, and their values after FNINIT. */
const CONTROLS = 0xf3f, AS_INITIALIZED = 0x33f;
const BIAS = 0x3fff, MAX_EXPONENT = 0x7fff, INTEGER_BIT = 1n << 63n;

/** A register of the stack: its physical number, the state offset of its significand, and whether its tag says that it is in use. */
interface Register { readonly number: Value; readonly at: Value; readonly used: Value }
function stackRegister(cpu: Cpu, i: Value): Register {
  const number = cpu.state(S.fsw, 32).shr(TOP_SHIFT).add(i).and(7);
  return { number, at: number.shl(REGISTER_BYTES_LOG2).add(S.x87), used: cpu.state(S.ftw, 32).shr(number).and(1).truncate(1) };
}

interface Number { readonly sign: Value; readonly exponent: Value; readonly significand: Value; readonly isNormal: Value }
function load(cpu: Cpu, { at }: Register): Number {
  const significand = cpu.meaning.get(at, 64), top = cpu.meaning.get(at.add(SIGN_AND_EXPONENT), 16).zeroExtend(32), exponent = top.and(MAX_EXPONENT);
  return { sign: top.shr(15), exponent, significand, isNormal: significand.msb.and(exponent.ne(MAX_EXPONENT)).and(exponent.ne(0)) };
}

/** 128 bits of significand, normalized, with the exponent of its integer bit. */
interface Wide { readonly sign: Value; readonly exponent: Value; readonly high: Value; readonly low: Value }
interface Attempt { readonly ok: Value; readonly result: Wide }
type FastBinary = (cpu: Cpu, a: Number, b: Number) => Attempt;

const product: FastBinary = (cpu, a, b) => {
  const high = a.significand.mulhu(b.significand), low = a.significand.mul(b.significand), full = high.msb;
  return {
    ok: cpu.constant(1, 1),
    result: {
      sign: a.sign.xor(b.sign), exponent: a.exponent.add(b.exponent).sub(BIAS).add(full.zeroExtend(32)),
      high: full.select(high, high.shl(1).or(low.shr(63))), low: full.select(low, low.shl(1)),
    },
  };
};

/** The sum of numbers less than 64 places apart that do not cancel in the upper half. */
const sum = (negated: 'neither' | 'first' | 'second'): FastBinary => (cpu, a, b) => {
  const signA = negated === 'first' ? a.sign.xor(1) : a.sign, signB = negated === 'second' ? b.sign.xor(1) : b.sign;
  const swapped = a.exponent.ult(b.exponent).or(a.exponent.eq(b.exponent).and(a.significand.ult(b.significand)));
  const large = swapped.select(b.significand, a.significand), small = swapped.select(a.significand, b.significand);
  const exponent = swapped.select(b.exponent, a.exponent), distance = exponent.sub(swapped.select(a.exponent, b.exponent)), by = distance.and(63).zeroExtend(64);
  const smallHigh = small.shr(by), smallLow = small.shl(1).shl(by.xor(63));
  const plus = large.add(smallHigh), carry = plus.ult(large);
  const minus = large.sub(smallHigh).sub(smallLow.ne(0).zeroExtend(64)), borrowLow = smallLow.neg, up = minus.clz.and(63);
  const added: Omit<Wide, 'sign'> = {
    exponent: exponent.add(carry.zeroExtend(32)), high: carry.select(plus.shr(1).or(INTEGER_BIT), plus),
    low: carry.select(plus.shl(63).or(smallLow.shr(1)).or(smallLow.and(1)), smallLow),
  };
  const subtracted: Omit<Wide, 'sign'> = {
    exponent: exponent.sub(up.truncate(32)), high: minus.shl(up).or(borrowLow.shr(1).shr(up.xor(63))), low: borrowLow.shl(up),
  };
  const opposed = signA.ne(signB), choose = (field: 'exponent' | 'high' | 'low') => opposed.select(subtracted[field], added[field]);
  return {
    ok: distance.ult(64).and(opposed.not.or(minus.ne(0))),
    result: { sign: swapped.select(signB, signA), exponent: choose('exponent'), high: choose('high'), low: choose('low') },
  };
};
export const FAST_BINARY: Readonly<Record<string, FastBinary>> = { ADD: sum('neither'), SUB: sum('second'), SUBR: sum('first'), MUL: product };

/** Of two normal numbers: whether they are equal, and whether the first is less. */
function order(a: Number, b: Number): { equal: Value; less: Value } {
  const sameMagnitude = a.exponent.eq(b.exponent).and(a.significand.eq(b.significand)), negative = a.sign.truncate(1), opposed = a.sign.ne(b.sign);
  const smaller = a.exponent.ult(b.exponent).or(a.exponent.eq(b.exponent).and(a.significand.ult(b.significand)));
  return { equal: sameMagnitude.and(opposed.not), less: opposed.select(negative, negative.xor(smaller).and(sameMagnitude.not)) };
}

/** What `finish` of cpu/x87-stack.ts does for an instruction without a memory operand: the instruction pointer, C1 and PE. */
function report(cpu: Cpu, inexact: Value, roundedUp: Value): void {
  cpu.setState(S.fip, cpu.ip);
  cpu.setState(S.fcs, cpu.state(segment(CS) + SEGMENT.selector, 16).zeroExtend(32));
  cpu.setState(S.fsw, cpu.state(S.fsw, 32).and(~C1).or(inexact.select(cpu.constant(PE, 32), cpu.constant(0, 32))).or(roundedUp.zeroExtend(32).shl(C1_SHIFT)));
}

/** ST(destination) = ST(destination) op ST(source), then a pop if wanted; `exact` when the fast way does not apply. */
export function fastArithmetic(cpu: Cpu, binary: FastBinary, destination: Value, source: Value, pops: boolean, exact: () => void): void {
  const to = stackRegister(cpu, destination), from = stackRegister(cpu, source), a = load(cpu, to), b = load(cpu, from);
  const { ok, result: { sign, exponent, high, low } } = binary(cpu, a, b);
  const up = low.msb.and(low.shl(1).ne(0).or(high.bit(0))), rounded = high.add(up.zeroExtend(64)), carry = rounded.isZero;
  const inRange = exponent.sub(2).ult(MAX_EXPONENT - 4), usual = cpu.state(S.fcw, 32).and(CONTROLS).eq(AS_INITIALIZED);
  cpu.when(ok.and(inRange).and(usual).and(to.used).and(from.used).and(a.isNormal).and(b.isNormal), () => {
    report(cpu, low.ne(0), up);
    cpu.meaning.set(to.at, carry.select(cpu.constant(INTEGER_BIT, 64), rounded));
    cpu.meaning.set(to.at.add(SIGN_AND_EXPONENT), sign.shl(15).or(exponent.add(carry.zeroExtend(32))).truncate(16));
    if (pops) pop(cpu);
  }, exact);
}

function moveTop(cpu: Cpu, by: 1 | -1): void {
  const fsw = cpu.state(S.fsw, 32);
  cpu.setState(S.fsw, fsw.and(~(7 << TOP_SHIFT)).or(fsw.shr(TOP_SHIFT).add(by).and(7).shl(TOP_SHIFT)));
}
const tagOf = (cpu: Cpu, register: Register): Value => cpu.constant(1, 32).shl(register.number);
function pop(cpu: Cpu): void {
  cpu.setState(S.ftw, cpu.state(S.ftw, 32).and(tagOf(cpu, stackRegister(cpu, cpu.constant(0, 32))).not));
  moveTop(cpu, 1);
}

const contents = (cpu: Cpu, { at }: Register): readonly [Value, Value] => [cpu.meaning.get(at, 64), cpu.meaning.get(at.add(SIGN_AND_EXPONENT), 16)];
function put(cpu: Cpu, { at }: Register, [significand, top]: readonly [Value, Value]): void {
  cpu.meaning.set(at, significand);
  cpu.meaning.set(at.add(SIGN_AND_EXPONENT), top);
}
const nothing = (cpu: Cpu): Value => cpu.constant(0, 1);
const topOf = (cpu: Cpu): Register => stackRegister(cpu, cpu.constant(0, 32));

/** FXCH, FST and FSTP, FLD of registers: when none is empty that is read, and one that is pushed on is. */
export function fastExchange(cpu: Cpu, i: Value, exact: () => void): void {
  const x = topOf(cpu), y = stackRegister(cpu, i);
  cpu.when(x.used.and(y.used), () => {
    const [first, second] = [contents(cpu, x), contents(cpu, y)];
    report(cpu, nothing(cpu), nothing(cpu));
    put(cpu, x, second);
    put(cpu, y, first);
  }, exact);
}
export function fastStore(cpu: Cpu, i: Value, pops: boolean, exact: () => void): void {
  const from = topOf(cpu), to = stackRegister(cpu, i);
  cpu.when(from.used, () => {
    report(cpu, nothing(cpu), nothing(cpu));
    put(cpu, to, contents(cpu, from));
    cpu.setState(S.ftw, cpu.state(S.ftw, 32).or(tagOf(cpu, to)));
    if (pops) pop(cpu);
  }, exact);
}
export function fastLoad(cpu: Cpu, i: Value, exact: () => void): void {
  const from = stackRegister(cpu, i), to = stackRegister(cpu, cpu.constant(7, 32));
  cpu.when(from.used.and(to.used.not), () => {
    report(cpu, nothing(cpu), nothing(cpu));
    put(cpu, to, contents(cpu, from));
    cpu.setState(S.ftw, cpu.state(S.ftw, 32).or(tagOf(cpu, to)));
    moveTop(cpu, -1);
  }, exact);
}
/** FCOMI and its kin: ZF and CF by the order. */
export function fastCompare(cpu: Cpu, i: Value, pops: boolean, exact: () => void): void {
  const x = topOf(cpu), y = stackRegister(cpu, i), a = load(cpu, x), b = load(cpu, y), { equal, less } = order(a, b);
  cpu.when(x.used.and(y.used).and(a.isNormal).and(b.isNormal), () => {
    const status = equal.zeroExtend(32).shl(Math.log2(ZF)).or(less.zeroExtend(32).shl(Math.log2(CF)));
    report(cpu, nothing(cpu), nothing(cpu));
    if (pops) pop(cpu);
    cpu.meaning.flags('explicit', 32, status, status);
  }, exact);
}
