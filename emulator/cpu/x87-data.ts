/** x87 loads, stores, constants and moves between registers. SDM Vol. 2, by their names; constants: "FLD1/FLDL2T/FLDL2E/FLDPI/FLDLG2/FLDLN2/FLDZ—Load Constant". */
import { DE, IE, OE, PE, TOWARD_ZERO, UE } from '../float/environment.js';
import { DOUBLE, type Format, packDouble, packSingle, SINGLE, unpackDouble, unpackSingle } from '../float/formats.js';
import { fromNan } from '../float/nan.js';
import { copy, FINITE, setSignificand, softFloat, type SoftFloat, ZERO } from '../float/number.js';
import { round, roundSignificand, toInteger } from '../float/round.js';
import type { Operation, Operations } from './operations.js';
import type { Processor } from './processor.js';
import { loadInteger } from './x87-arithmetic.js';
import { begin, env, finish, finishStore, FSW, indefinite, isEmpty, load, moveTop, overflow, pop, push, registerAt, remember, setTag, store, storeWords, underflow } from './x87-stack.js';
import { S } from './layout.js';

const a = softFloat(), r = softFloat();
const words = { low: 0, high: 0, signExponent: 0 };
const LAST = 7;

/** True when there is room above the top; else the fault has been dealt with. */
function room(cpu: Processor, memory: boolean): boolean {
  if (isEmpty(cpu, LAST)) return true;
  if (overflow(cpu, memory)) push(cpu, indefinite);
  return false;
}

/** A number of a smaller format: SNaNs and denormals are noticed. */
const loadSmaller = (unpack: (cpu: Processor) => void): Operation => (cpu) => {
  begin(cpu);
  if (!room(cpu, true)) return;
  unpack(cpu);
  if (!fromNan(a, r, env)) {
    copy(r, a);
    if (a.denormal) env.flags |= DE;
  }
  // A denormal number is loaded even when the exception is unmasked.
  if (finish(cpu, true) || (env.flags & IE) === 0) push(cpu, r);
};
/** Arguments: significand, sign and exponent. As they are. */
function loadExtended(cpu: Processor): void {
  begin(cpu);
  if (!room(cpu, true)) return;
  const low = cpu.argumentLow(0), high = cpu.argumentHigh(0), signExponent = cpu.argumentLow(1);
  finish(cpu, true);
  moveTop(cpu, -1);
  storeWords(cpu, 0, low, high, signExponent);
}
function loadRegister(cpu: Processor): void {
  begin(cpu);
  const i = cpu.argumentLow(0);
  if (!room(cpu, false)) return;
  if (isEmpty(cpu, i)) {
    if (underflow(cpu)) push(cpu, indefinite);
    return;
  }
  const at = registerAt(cpu, i) >> 2, low = cpu.u32[at]!, high = cpu.u32[at + 1]!, signExponent = cpu.u32[at + 2]!;
  finish(cpu);
  moveTop(cpu, -1);
  storeWords(cpu, 0, low, high, signExponent);
}

/** Results: the value, whether it is to be stored, bits 79:64. Argument 0: whether to pop. */
function deliver(cpu: Processor, stored: boolean, low: number, high: number, top = 0): void {
  const pops = cpu.argumentLow(0) !== 0;
  cpu.result(0, low, high);
  cpu.result(1, stored ? 1 : 0);
  cpu.result(2, top);
  if (stored && pops) pop(cpu);
}
const EXCEPT_PRECISION = IE | OE | UE;
const storeSmaller = (format: Format, pack: (from: SoftFloat) => void): Operation => (cpu) => {
  begin(cpu);
  let stored: boolean;
  if (isEmpty(cpu, 0)) {
    stored = underflow(cpu, true);
    pack(indefinite);
  } else {
    load(cpu, 0, a);
    if (!fromNan(a, r, env)) {
      copy(r, a);
      round(r, format, env);
      // "… the processor … does not store": nothing has been rounded then.
      if (env.flags & (OE | UE) & ~env.masked) env.flags &= ~PE;
    }
    stored = finishStore(cpu, EXCEPT_PRECISION);
    if (stored) pack(r);
  }
  deliver(cpu, stored, words.low, words.high);
};
function storeExtended(cpu: Processor): void {
  begin(cpu);
  if (isEmpty(cpu, 0)) {
    deliver(cpu, underflow(cpu, true), 0, 0xc0000000, 0xffff);
    return;
  }
  const at = registerAt(cpu, 0) >> 2, low = cpu.u32[at]!, high = cpu.u32[at + 1]!, top = cpu.u32[at + 2]!;
  deliver(cpu, finish(cpu, true), low, high, top);
}
/** Arguments: destination, whether to pop. */
function storeRegister(cpu: Processor): void {
  begin(cpu);
  const i = cpu.argumentLow(0), pops = cpu.argumentLow(1) !== 0;
  if (isEmpty(cpu, 0)) {
    if (!underflow(cpu)) return;
    store(cpu, i, indefinite);
  } else {
    const at = registerAt(cpu, 0) >> 2;
    finish(cpu);
    storeWords(cpu, i, cpu.u32[at]!, cpu.u32[at + 1]!, cpu.u32[at + 2]!);
  }
  if (pops) pop(cpu);
}

const integer = { high: 0, low: 0, inexact: false, fits: true };
/** The magnitude of a rounded number, or invalid when `most` (high, low) is less; a negative one may be one more. */
function toMagnitude(mostHigh: number, mostLow: number, oneMoreWhenNegative: boolean): boolean {
  if (a.kind !== FINITE && a.kind !== ZERO) integer.fits = false; else toInteger(a, env, integer);
  if (integer.fits) {
    let { high, low } = integer;
    if (oneMoreWhenNegative && a.negative && (high !== 0 || low !== 0)) {
      if (low === 0) high--;
      low = (low - 1) >>> 0;
    }
    if (high < mostHigh || (high === mostHigh && low <= mostLow)) {
      if (integer.inexact) env.flags |= PE;
      return true;
    }
  }
  env.flags |= IE;
  return false;
}
const INTEGERS: Readonly<Record<string, readonly [mostHigh: number, mostLow: number]>> = { m16int: [0, 0x7fff], m32int: [0, 0x7fffffff], m64int: [0x7fffffff, 0xffffffff] };
/** "Integer indefinite": the most negative number. */
const storeInteger = ([mostHigh, mostLow]: readonly [number, number], truncate: boolean): Operation => (cpu) => {
  begin(cpu);
  if (truncate) env.rounding = TOWARD_ZERO;
  let stored: boolean, high: number, low: number, fits = false;
  if (isEmpty(cpu, 0)) stored = underflow(cpu, true);
  else {
    load(cpu, 0, a);
    fits = toMagnitude(mostHigh, mostLow, true);
    stored = finishStore(cpu, IE);
  }
  if (fits) {
    ({ high, low } = integer);
    if (a.negative) {
      high = (~high + (low === 0 ? 1 : 0)) >>> 0;
      low = -low >>> 0;
    }
  } else {
    high = mostHigh === 0 ? 0 : 0x80000000;
    low = mostHigh === 0 ? (mostLow + 1) >>> 0 : 0;
  }
  deliver(cpu, stored, low, high);
};

const MOST_DECIMAL = 10n ** 18n - 1n;
const DIGITS = 18n;
function loadDecimal(cpu: Processor): void {
  begin(cpu);
  if (!room(cpu, true)) return;
  const digits = cpu.argumentBig(0), top = cpu.argumentLow(1);
  let value = 0n;
  for (let i = DIGITS - 1n; i >= 0n; i--) {
    const nibble = i >= 16n ? BigInt((top >> Number(4n * (i - 16n))) & 15) : (digits >> (4n * i)) & 15n;
    value = value * 10n + nibble;
  }
  setSignificand(r, (top & 0x8000) !== 0, 63, Number(value >> 32n), Number(value & 0xffffffffn));
  finish(cpu, true);
  push(cpu, r);
}
/** "Packed BCD indefinite": FFFFC000000000000000H. */
function storeDecimal(cpu: Processor): void {
  begin(cpu);
  let stored: boolean, fits = false;
  if (isEmpty(cpu, 0)) stored = underflow(cpu, true);
  else {
    load(cpu, 0, a);
    fits = toMagnitude(Number(MOST_DECIMAL >> 32n), Number(MOST_DECIMAL & 0xffffffffn), false);
    stored = finishStore(cpu, IE);
  }
  if (!fits) { deliver(cpu, stored, 0, 0xc0000000, 0xffff); return; }
  let left = (BigInt(integer.high) << 32n) | BigInt(integer.low), digits = 0n;
  for (let i = 0n; i < DIGITS; i++) {
    digits |= (left % 10n) << (4n * i);
    left /= 10n;
  }
  deliver(cpu, stored, Number(digits & 0xffffffffn), Number((digits >> 32n) & 0xffffffffn), Number(digits >> 64n) | (a.negative ? 0x8000 : 0));
}

/** Significands with more bits than a register has: rounding control decides about the last. */
const CONSTANTS: Readonly<Record<string, readonly [exponent: number, high: number, low: number, extra: number]>> = {
  FLD1: [0, 0x80000000, 0, 0],
  FLDL2T: [1, 0xd49a784b, 0xcd1b8afe, 0x492bf6ff],
  FLDL2E: [0, 0xb8aa3b29, 0x5c17f0bb, 0xbe87fed0],
  FLDPI: [1, 0xc90fdaa2, 0x2168c234, 0xc4c6628b],
  FLDLG2: [-2, 0x9a209a84, 0xfbcff798, 0x8f8959ac],
  FLDLN2: [-1, 0xb17217f7, 0xd1cf79ab, 0xc9e3b398],
};
const loadConstant = ([exponent, high, low, extra]: readonly [number, number, number, number]): Operation => (cpu) => {
  begin(cpu);
  if (!room(cpu, false)) return;
  setSignificand(r, false, exponent, high, low, extra);
  roundSignificand(r, 64, env);
  finish(cpu);
  push(cpu, r);
};

/** FXCH: an empty register becomes the indefinite value when the stack fault is masked. */
function exchange(cpu: Processor): void {
  begin(cpu);
  const i = cpu.argumentLow(0), emptyTop = isEmpty(cpu, 0), emptyOther = isEmpty(cpu, i);
  if (emptyTop || emptyOther) {
    if (!underflow(cpu)) return;
    if (emptyTop) store(cpu, 0, indefinite);
    if (emptyOther) store(cpu, i, indefinite);
  } else finish(cpu);
  const x = registerAt(cpu, 0) >> 2, y = registerAt(cpu, i) >> 2, { u32 } = cpu;
  for (let word = 0; word < 3; word++) {
    const old = u32[x + word]!;
    u32[x + word] = u32[y + word]!;
    u32[y + word] = old;
  }
}
/** Arguments: source, whether the condition holds. */
function conditionalMove(cpu: Processor): void {
  begin(cpu);
  const i = cpu.argumentLow(0), holds = cpu.argumentLow(1) !== 0;
  if (isEmpty(cpu, 0) || isEmpty(cpu, i)) {
    if (underflow(cpu)) store(cpu, 0, indefinite);
    return;
  }
  const at = registerAt(cpu, i) >> 2;
  remember(cpu, false);
  if (holds) storeWords(cpu, 0, cpu.u32[at]!, cpu.u32[at + 1]!, cpu.u32[at + 2]!);
}
/** FCHS, FABS: the sign of whatever is there. */
const changeSign = (sign: (old: number) => number): Operation => (cpu) => {
  begin(cpu);
  if (isEmpty(cpu, 0)) {
    if (underflow(cpu)) store(cpu, 0, indefinite);
    return;
  }
  finish(cpu);
  const at = (registerAt(cpu, 0) >> 2) + 2;
  cpu.u32[at] = sign(cpu.u32[at]!);
};

const withoutC1 = (action: Operation): Operation => (cpu) => {
  action(cpu);
  cpu.u32[S.fsw >> 2]! &= ~FSW.C1;
};

export const X87_DATA_OPERATIONS: Operations = {
  'FLD m32fp': loadSmaller((cpu) => unpackSingle(a, cpu.argumentLow(0))),
  'FLD m64fp': loadSmaller((cpu) => unpackDouble(a, cpu.argumentLow(0), cpu.argumentHigh(0))),
  'FLD m80fp': loadExtended,
  'FLD ST(i)': loadRegister,
  FILD: loadSmaller((cpu) => loadInteger(cpu, a)),
  FBLD: loadDecimal,
  'FST m32fp': storeSmaller(SINGLE, (from) => { words.low = packSingle(from); words.high = 0; }),
  'FST m64fp': storeSmaller(DOUBLE, (from) => packDouble(from, words)),
  'FST m80fp': storeExtended,
  'FST ST(i)': storeRegister,
  ...Object.fromEntries(Object.entries(INTEGERS).flatMap(([operand, most]) => [[`FIST ${operand}`, storeInteger(most, false)], [`FISTTP ${operand}`, storeInteger(most, true)]])),
  FBSTP: storeDecimal,
  ...Object.fromEntries(Object.entries(CONSTANTS).map(([name, constant]) => [name, loadConstant(constant)])),
  FLDZ: loadConstant([0, 0, 0, 0]),
  FXCH: exchange,
  FCMOV: conditionalMove,
  FCHS: changeSign((old) => old ^ 0x8000),
  FABS: changeSign((old) => old & 0x7fff),
  FFREE: withoutC1((cpu) => setTag(cpu, cpu.argumentLow(0), false)),
  FINCSTP: withoutC1((cpu) => moveTop(cpu, 1)),
  FDECSTP: withoutC1((cpu) => moveTop(cpu, -1)),
};
