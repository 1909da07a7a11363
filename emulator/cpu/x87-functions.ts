/** x87 instructions that compute a function of one or two registers. SDM Vol. 2, by their names. */
import { type Environment, PE } from '../float/environment.js';
import { EXTENDED } from '../float/formats.js';
import { FINITE, INFINITY, isNan, setInfinity, setSignificand, setZero, softFloat, type SoftFloat, UNSUPPORTED, ZERO } from '../float/number.js';
import { extract, type Remainder, remainder, roundToInteger, scale } from '../float/remainder.js';
import { round } from '../float/round.js';
import { arctangentFunction, cosineFunction, exponential, outOfRange, sineFunction, tangentFunction, timesLogarithm, timesLogarithmPlus1 } from '../float/transcendental.js';
import { S } from './layout.js';
import type { Operation, Operations } from './operations.js';
import type { Processor } from './processor.js';
import { begin, env, finish, FSW, indefinite, isEmpty, load, overflow, pop, push, registerAt, setConditionCodes, store, underflow } from './x87-stack.js';

const a = softFloat(), b = softFloat(), r = softFloat(), second = softFloat();
const LAST = 7;

/** C2 says "incomplete" or "out of range": not so when there is a stack fault. */
function clearC2(cpu: Processor): void { cpu.u32[S.fsw >> 2]! &= ~FSW.C2; }
function underflowOfTop(cpu: Processor): void { if (underflow(cpu)) store(cpu, 0, indefinite); }

type Unary = (a: SoftFloat, r: SoftFloat, e: Environment) => void;
const ofTop = (compute: Unary): Operation => (cpu) => {
  begin(cpu);
  if (isEmpty(cpu, 0)) { underflowOfTop(cpu); return; }
  load(cpu, 0, a);
  compute(a, r, env);
  round(r, EXTENDED, env);
  if (finish(cpu)) store(cpu, 0, r);
};
type Binary = (x: SoftFloat, y: SoftFloat, r: SoftFloat, e: Environment) => void;
/** Of ST(0) and ST(1): into ST(1), and pop. */
const ofBoth = (compute: Binary): Operation => (cpu) => {
  begin(cpu);
  if (isEmpty(cpu, 0) || isEmpty(cpu, 1)) {
    if (!underflow(cpu)) return;
    store(cpu, 1, indefinite);
  } else {
    load(cpu, 0, a);
    load(cpu, 1, b);
    compute(a, b, r, env);
    round(r, EXTENDED, env);
    if (!finish(cpu)) return;
    store(cpu, 1, r);
  }
  pop(cpu);
};

/** "If the source operand is outside this range, the C2 flag is set, and the value in register ST(0) remains unchanged." */
function refuses(cpu: Processor): boolean {
  load(cpu, 0, a);
  const refused = outOfRange(a);
  if (refused) {
    finish(cpu);
    cpu.u32[S.fsw >> 2]! |= FSW.C2;
  }
  return refused;
}
const trigonometric = (compute: Unary): Operation => (cpu) => {
  begin(cpu);
  clearC2(cpu);
  if (isEmpty(cpu, 0)) { underflowOfTop(cpu); return; }
  if (refuses(cpu)) return;
  compute(a, r, env);
  round(r, EXTENDED, env);
  if (finish(cpu)) store(cpu, 0, r);
};
/** Replaces ST(0) by the first result and pushes the second. */
const twoResults = (compute: (a: SoftFloat, first: SoftFloat, second: SoftFloat) => void, hasRange: boolean): Operation => (cpu) => {
  begin(cpu);
  if (hasRange) clearC2(cpu);
  const empty = isEmpty(cpu, 0);
  if (empty || !isEmpty(cpu, LAST)) {
    if (!(empty ? underflow(cpu) : overflow(cpu))) return;
    store(cpu, 0, indefinite);
    push(cpu, indefinite);
    return;
  }
  if (hasRange && refuses(cpu)) return;
  load(cpu, 0, a);
  compute(a, r, second);
  if (!finish(cpu)) return;
  store(cpu, 0, r);
  push(cpu, second);
};

/** So far out that even the exponent of an unmasked overflow or underflow does not bring it back. */
function massive(x: SoftFloat): void {
  if (x.kind !== FINITE || (x.exponent >= EXTENDED.minExponent && x.exponent <= EXTENDED.maxExponent)) return;
  env.flags |= PE;
  env.roundedUp = x.exponent > 0;
  if (x.exponent > 0) setInfinity(x, x.negative); else setZero(x, x.negative);
}

const remaining: Remainder = { quotient: 0, partial: false };
/** C2: not complete yet; C0, C3 and C1: bits 2, 1 and 0 of the quotient. */
const partialRemainder = (nearest: boolean): Operation => (cpu) => {
  begin(cpu);
  clearC2(cpu);
  if (isEmpty(cpu, 0) || isEmpty(cpu, 1)) { underflowOfTop(cpu); return; }
  load(cpu, 0, a);
  load(cpu, 1, b);
  remainder(a, b, nearest, r, remaining, env);
  round(r, EXTENDED, env);
  if (!finish(cpu)) return;
  store(cpu, 0, r);
  if (isNan(r)) return;
  const { quotient: q, partial } = remaining;
  setConditionCodes(cpu, (partial ? FSW.C2 : 0) | (q & 4 ? FSW.C0 : 0) | (q & 2 ? FSW.C3 : 0) | (q & 1 ? FSW.C1 : 0));
};

/** Class of ST(0) in C3, C2 and C0; its sign in C1. */
function examine(cpu: Processor): void {
  begin(cpu);
  const empty = isEmpty(cpu, 0), negative = (cpu.u32[(registerAt(cpu, 0) >> 2) + 2]! & 0x8000) !== 0;
  load(cpu, 0, a);
  finish(cpu);
  const kind = empty ? FSW.C3 | FSW.C0
    : a.kind === UNSUPPORTED ? 0
    : isNan(a) ? FSW.C0
    : a.kind === INFINITY ? FSW.C2 | FSW.C0
    : a.kind === ZERO ? FSW.C3
    : a.denormal ? FSW.C3 | FSW.C2 : FSW.C2;
  setConditionCodes(cpu, kind | (negative ? FSW.C1 : 0));
}

export const X87_FUNCTION_OPERATIONS: Operations = {
  FRNDINT(cpu) {
    begin(cpu);
    if (isEmpty(cpu, 0)) { underflowOfTop(cpu); return; }
    load(cpu, 0, a);
    roundToInteger(a, r, env);
    if (finish(cpu)) store(cpu, 0, r);
  },
  F2XM1: ofTop(exponential),
  FSIN: trigonometric(sineFunction),
  FCOS: trigonometric(cosineFunction),
  FSCALE(cpu) {
    begin(cpu);
    if (isEmpty(cpu, 0) || isEmpty(cpu, 1)) { underflowOfTop(cpu); return; }
    load(cpu, 0, a);
    load(cpu, 1, b);
    scale(a, b, r, env);
    round(r, EXTENDED, env);
    massive(r);
    if (finish(cpu)) store(cpu, 0, r);
  },
  FPREM: partialRemainder(false),
  FPREM1: partialRemainder(true),
  FXAM: examine,
  FYL2X: ofBoth(timesLogarithm),
  FYL2XP1: ofBoth(timesLogarithmPlus1),
  FPATAN: ofBoth((x, y, result, e) => arctangentFunction(y, x, result, e)),
  FXTRACT: twoResults((x, exponent, significand) => extract(x, exponent, significand, env), false),
  FPTAN: twoResults((x, tangent, one) => {
    tangentFunction(x, tangent, env);
    round(tangent, EXTENDED, env);
    if (isNan(tangent)) Object.assign(one, tangent); else setSignificand(one, false, 0, 0x80000000, 0);
  }, true),
  FSINCOS: twoResults((x, sine, cosine) => {
    cosineFunction(x, cosine, env);
    round(cosine, EXTENDED, env);
    sineFunction(x, sine, env);
    round(sine, EXTENDED, env);
  }, true),
};
