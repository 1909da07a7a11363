/** SSE and SSE2 conversions and approximations, exactly. SDM Vol. 2, "CVT…", "RCPPS", "RSQRTPS". */
import { divide, squareRoot } from '../float/arithmetic.js';
import { DE, IE, PE, TOWARD_ZERO, environment } from '../float/environment.js';
import { unpackSingle } from '../float/formats.js';
import { FINITE, INFINITY, isNan, setIndefinite, setInfinity, setSignificand, setZero, softFloat, type SoftFloat, ZERO } from '../float/number.js';
import { quiet, fromNan } from '../float/nan.js';
import { roundToInteger } from '../float/remainder.js';
import { round, toInteger } from '../float/round.js';
import type { Operation, Operations } from './operations.js';
import { begin, env, finish } from './sse-environment.js';
import { bySuffix, DOUBLE_ELEMENT, type Element, elementwise, FIRST, SINGLE_ELEMENT, slotsOf } from './sse-operations.js';

const a = softFloat(), r = softFloat();
const integer = { high: 0, low: 0, inexact: false, fits: true };

/** From one precision to the other; elements may move, so all are read before any is written. */
const between = (from: Element, to: Element, count: number): Operation => (cpu) => {
  begin(cpu);
  const numbers = Array.from({ length: count }, (_, i) => {
    const x = softFloat();
    from.load(cpu, FIRST + i * from.bytes, x);
    return x;
  });
  cpu.u32.fill(0, FIRST >> 2, (FIRST >> 2) + 4 * Math.ceil(count * to.bytes / 16));
  numbers.forEach((x, i) => {
    if (!fromNan(x, r, env)) {
      Object.assign(r, x);
      if (x.denormal) env.flags |= DE;
      round(r, to.format, env);
    }
    to.store(cpu, FIRST + i * to.bytes, r);
  });
  finish(cpu);
};

/** Rounds to a signed integer: "the indefinite integer value" (80…0H) and invalid when it does not fit. */
function toSigned(x: SoftFloat, bits: 32 | 64, truncate: boolean): void {
  const { rounding } = env;
  if (truncate) env.rounding = TOWARD_ZERO;
  if (x.kind === FINITE || x.kind === ZERO) toInteger(x, env, integer); else integer.fits = false;
  env.rounding = rounding;
  const { high, low } = integer, top = bits === 64 ? high : low;
  const tooLarge = bits === 32 && high !== 0;
  const limit = 0x80000000, atLimit = bits === 64 ? high === limit && low === 0 : low === limit;
  if (!integer.fits || tooLarge || (top >= limit && !(x.negative && atLimit))) {
    env.flags |= IE;
    integer.high = bits === 64 ? limit : 0;
    integer.low = bits === 64 ? 0 : limit;
    return;
  }
  if (integer.inexact) env.flags |= PE;
  if (!x.negative) return;
  integer.low = -low >>> 0;
  integer.high = bits === 64 ? (~high + (low === 0 ? 1 : 0)) >>> 0 : 0;
}

const scalarToInteger = (from: Element, bits: 32 | 64, truncate: boolean): Operation => (cpu) => {
  begin(cpu);
  from.load(cpu, FIRST, a);
  toSigned(a, bits, truncate);
  finish(cpu);
  cpu.result(0, integer.low, integer.high);
};
/** Packed: doublewords, the rest of the destination zero. */
const packedToInteger = (from: Element, count: number, truncate: boolean): Operation => (cpu) => {
  begin(cpu);
  for (let i = 0; i < count; i++) {
    from.load(cpu, FIRST + i * from.bytes, a);
    toSigned(a, 32, truncate);
    cpu.u32[(FIRST >> 2) + i] = integer.low;
  }
  cpu.u32.fill(0, (FIRST >> 2) + count, (FIRST >> 2) + Math.max(count, 4));
  finish(cpu);
};

function fromSigned(low: number, high: number): void {
  const negative = high >= 0x80000000;
  const l = negative ? -low >>> 0 : low, h = negative ? (~high + (low === 0 ? 1 : 0)) >>> 0 : high;
  setSignificand(r, negative, 63, h, l);
}
const scalarFromInteger = (to: Element): Operation => (cpu) => {
  begin(cpu);
  fromSigned(cpu.argumentLow(0), cpu.argumentHigh(0));
  round(r, to.format, env);
  to.store(cpu, FIRST, r);
  finish(cpu);
};
const packedFromInteger = (count: number): Operation => elementwise(SINGLE_ELEMENT, count, (cpu, offset) => {
  const word = cpu.u32[(FIRST + offset) >> 2]!;
  fromSigned(word, word >= 0x80000000 ? 0xffffffff : 0);
  round(r, SINGLE_ELEMENT.format, env);
  SINGLE_ELEMENT.store(cpu, FIRST + offset, r);
});

/** ROUNDPS and its kin. Arguments: the source, and the immediate: bits 1:0 are the rounding mode unless bit 2 chooses MXCSR.RC, bit 3 suppresses PE. No denormal is reported. */
const toIntegral = (element: Element, count: number): Operation => (cpu) => {
  begin(cpu);
  const control = cpu.argumentLow(slotsOf(element, count));
  if ((control & 4) === 0) env.rounding = control & 3;
  for (let i = 0; i < count; i++) {
    element.load(cpu, FIRST + element.bytes * i, a);
    roundToInteger(a, r, env);
    element.store(cpu, FIRST + element.bytes * i, r);
  }
  env.flags &= control & 8 ? IE : IE | PE;
  finish(cpu);
};

/** Approximations carry twelve bits and report nothing; denormal operands count as zeros, tiny results become zero. */
const APPROXIMATELY = environment('first');
const one = softFloat();
setSignificand(one, false, 0, 0x80000000, 0);
const DROPPED = 32 - 12;
function roundApproximation(x: SoftFloat): void {
  const kept = (x.high >>> DROPPED) + ((x.high >>> (DROPPED - 1)) & 1);
  x.low = x.extra = 0;
  x.high = (kept << DROPPED) >>> 0;
  if (x.high !== 0) return;
  x.high = 0x80000000;
  x.exponent++;
}
const approximate = (ofRoot: boolean, count: number): Operation => (cpu) => {
  for (let i = 0; i < count; i++) {
    unpackSingle(a, cpu.u32[(FIRST >> 2) + i]!);
    if (a.denormal) setZero(a, a.negative);
    if (isNan(a)) { Object.assign(r, a); quiet(r); }
    else if (a.kind === ZERO) setInfinity(r, a.negative);
    else if (ofRoot && a.negative) setIndefinite(r);
    else if (a.kind === INFINITY) setZero(r, a.negative);
    else {
      const divisor = softFloat();
      if (ofRoot) squareRoot(a, divisor, APPROXIMATELY); else Object.assign(divisor, a);
      divide(one, divisor, r, APPROXIMATELY);
      roundApproximation(r);
      if (r.exponent < SINGLE_ELEMENT.format.minExponent) setZero(r, a.negative);
    }
    SINGLE_ELEMENT.store(cpu, FIRST + 4 * i, r);
  }
};

const ELEMENTS = { SS: SINGLE_ELEMENT, SD: DOUBLE_ELEMENT } as const;
const TRUNCATE = [['', false], ['T', true]] as const;

export const SSE_CONVERSION_OPERATIONS: Operations = Object.fromEntries([
  ...TRUNCATE.flatMap(([t, truncate]): [string, Operation][] => [
    ...(['SS', 'SD'] as const).flatMap((source) => ([32, 64] as const).map((bits): [string, Operation] =>
      [`CVT${t}${source}2SI r${bits}`, scalarToInteger(ELEMENTS[source], bits, truncate)])),
    [`CVT${t}PS2DQ`, packedToInteger(SINGLE_ELEMENT, 4, truncate)], [`CVT${t}PS2DQ256`, packedToInteger(SINGLE_ELEMENT, 8, truncate)],
    [`CVT${t}PD2DQ`, packedToInteger(DOUBLE_ELEMENT, 2, truncate)], [`CVT${t}PD2DQ256`, packedToInteger(DOUBLE_ELEMENT, 4, truncate)],
    [`CVT${t}PS2PI`, packedToInteger(SINGLE_ELEMENT, 2, truncate)],
    [`CVT${t}PD2PI`, packedToInteger(DOUBLE_ELEMENT, 2, truncate)],
  ]),
  ['CVTSI2SS', scalarFromInteger(SINGLE_ELEMENT)], ['CVTSI2SD', scalarFromInteger(DOUBLE_ELEMENT)],
  ['CVTDQ2PS', packedFromInteger(4)], ['CVTDQ2PS256', packedFromInteger(8)], ['CVTPI2PS', packedFromInteger(2)],
  ['CVTSS2SD', between(SINGLE_ELEMENT, DOUBLE_ELEMENT, 1)], ['CVTSD2SS', between(DOUBLE_ELEMENT, SINGLE_ELEMENT, 1)],
  ['CVTPS2PD', between(SINGLE_ELEMENT, DOUBLE_ELEMENT, 2)], ['CVTPD2PS', between(DOUBLE_ELEMENT, SINGLE_ELEMENT, 2)],
  ['CVTPS2PD256', between(SINGLE_ELEMENT, DOUBLE_ELEMENT, 4)], ['CVTPD2PS256', between(DOUBLE_ELEMENT, SINGLE_ELEMENT, 4)],
  ...bySuffix(toIntegral, 'ROUND'),
  ['RCPPS', approximate(false, 4)], ['RCPPS256', approximate(false, 8)], ['RCPSS', approximate(false, 1)], ['RSQRTPS', approximate(true, 4)], ['RSQRTPS256', approximate(true, 8)], ['RSQRTSS', approximate(true, 1)],
]);
