/** SSE and SSE2 arithmetic and comparison, exactly: what the definitions in isa/sse call when the fast path does not apply. SDM Vol. 2, by their names. */
import { add, divide, multiply, squareRoot } from '../float/arithmetic.js';
import { compare, GREATER, LESS, order, UNORDERED } from '../float/compare.js';
import { DE, type Environment, IE } from '../float/environment.js';
import { DOUBLE, type Format, packDouble, packSingle, SINGLE, unpackDouble, unpackSingle } from '../float/formats.js';
import { isNan, softFloat, type SoftFloat, ZERO } from '../float/number.js';
import { round } from '../float/round.js';
import { S } from './layout.js';
import type { Operation, Operations } from './operations.js';
import type { Processor } from './processor.js';
import { applyDaz, begin, env, finish } from './sse-environment.js';

/** One element as it lies in an argument slot. */
export interface Element {
  readonly format: Format;
  readonly bytes: 4 | 8;
  load(cpu: Processor, at: number, to: SoftFloat): void;
  store(cpu: Processor, at: number, from: SoftFloat): void;
}
const words = { low: 0, high: 0, signExponent: 0 };
export const SINGLE_ELEMENT: Element = {
  format: SINGLE, bytes: 4,
  load(cpu, at, to) { unpackSingle(to, cpu.u32[at >> 2]!); applyDaz(to); },
  store(cpu, at, from) { cpu.u32[at >> 2] = packSingle(from); },
};
export const DOUBLE_ELEMENT: Element = {
  format: DOUBLE, bytes: 8,
  load(cpu, at, to) { unpackDouble(to, cpu.u32[at >> 2]!, cpu.u32[(at >> 2) + 1]!); applyDaz(to); },
  store(cpu, at, from) {
    packDouble(from, words);
    cpu.u32[at >> 2] = words.low;
    cpu.u32[(at >> 2) + 1] = words.high;
  },
};

/** The argument slots of two sources, of one slot each or two; results go to the first. */
export const FIRST = S.args, SECOND = S.args + 16, SECOND_256 = S.args + 32;
export const slotsOf = (element: Element, count: number): 1 | 2 => (element.bytes * count > 16 ? 2 : 1);
export const secondOf = (element: Element, count: number): number => (slotsOf(element, count) === 2 ? SECOND_256 : SECOND);
const a = softFloat(), b = softFloat(), r = softFloat();

/** Does something to each element, at its offset in the slots, then reports exceptions. */
export function elementwise(element: Element, count: number, each: (cpu: Processor, offset: number) => void): Operation {
  return (cpu) => {
    begin(cpu);
    for (let i = 0; i < count; i++) each(cpu, i * element.bytes);
    finish(cpu);
  };
}

type Arithmetic = (a: SoftFloat, b: SoftFloat, r: SoftFloat, env: Environment) => void;
const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  ADD: (x, y, z, e) => add(x, y, false, z, e),
  SUB: (x, y, z, e) => add(x, y, true, z, e),
  MUL: multiply,
  DIV: divide,
};

const arithmetic = (element: Element, count: number, operation: Arithmetic): Operation => elementwise(element, count, (cpu, offset) => {
  const second = secondOf(element, count) + offset;
  element.load(cpu, FIRST + offset, a);
  element.load(cpu, second, b);
  operation(a, b, r, env);
  round(r, element.format, env);
  element.store(cpu, FIRST + offset, r);
});

/** ADDSUBPS and its kin: differences of even elements, sums of odd ones. */
const alternately = (element: Element, count: number): Operation => elementwise(element, count, (cpu, offset) => {
  element.load(cpu, FIRST + offset, a);
  element.load(cpu, secondOf(element, count) + offset, b);
  add(a, b, offset % (2 * element.bytes) === 0, r, env);
  round(r, element.format, env);
  element.store(cpu, FIRST + offset, r);
});

/** One source, in the first slot. */
const root = (element: Element, count: number): Operation => elementwise(element, count, (cpu, offset) => {
  element.load(cpu, FIRST + offset, a);
  squareRoot(a, r, env);
  round(r, element.format, env);
  element.store(cpu, FIRST + offset, r);
});

/** "If the values being compared are both 0.0s (of either sign) … or either is a NaN, the value in the second operand is returned", NaNs as they are. */
const extremum = (element: Element, count: number, wanted: number): Operation => elementwise(element, count, (cpu, offset) => {
  const second = secondOf(element, count) + offset;
  element.load(cpu, FIRST + offset, a);
  element.load(cpu, second, b);
  if (isNan(a) || isNan(b)) {
    env.flags |= IE;
    if (b.kind === ZERO) { element.store(cpu, FIRST + offset, b); return; }
    for (let i = 0; i < element.bytes; i += 4) cpu.u32[(FIRST + offset + i) >> 2] = cpu.u32[(second + i) >> 2]!;
    return;
  }
  if (a.denormal || b.denormal) env.flags |= DE;
  const chosen = order(a, b) === wanted ? a : b;
  element.store(cpu, FIRST + offset, chosen.denormal ? denormalAgain(chosen, element.format) : chosen);
});
/** Back to how a denormal number is encoded; nothing is lost. */
function denormalAgain(x: SoftFloat, format: Format): SoftFloat {
  round(x, format, QUIETLY);
  return x;
}
const QUIETLY: Environment = { ...env };

/** Predicates 0–15 of CMPPS and its kin, the upper eight only with VEX; 16–31 differ from them in whether a QNaN is invalid: which outcomes are true, and whether a QNaN is invalid. SDM Vol. 2, "CMPPD—Compare Packed Double Precision Floating-Point Values". */
const PREDICATES: readonly { readonly signaling: boolean; holds(outcome: number): boolean }[] = [
  { signaling: false, holds: (o) => o === 0 },
  { signaling: true, holds: (o) => o === LESS },
  { signaling: true, holds: (o) => o === LESS || o === 0 },
  { signaling: false, holds: (o) => o === UNORDERED },
  { signaling: false, holds: (o) => o !== 0 },
  { signaling: true, holds: (o) => o !== LESS },
  { signaling: true, holds: (o) => o === GREATER || o === UNORDERED },
  { signaling: false, holds: (o) => o !== UNORDERED },
  { signaling: false, holds: (o) => o === 0 || o === UNORDERED },
  { signaling: true, holds: (o) => o === LESS || o === UNORDERED },
  { signaling: true, holds: (o) => o !== GREATER },
  { signaling: false, holds: () => false },
  { signaling: false, holds: (o) => o === LESS || o === GREATER },
  { signaling: true, holds: (o) => o === GREATER || o === 0 },
  { signaling: true, holds: (o) => o === GREATER },
  { signaling: false, holds: () => true },
];
const comparison = (element: Element, count: number): Operation => (cpu) => {
  const number = cpu.argumentLow(2 * slotsOf(element, count)), predicate = PREDICATES[number & 15]!, signaling = predicate.signaling !== (number > 15);
  elementwise(element, count, (_, offset) => {
    element.load(cpu, FIRST + offset, a);
    element.load(cpu, secondOf(element, count) + offset, b);
    const holds = predicate.holds(compare(a, b, signaling, env));
    for (let i = 0; i < element.bytes; i += 4) cpu.u32[(FIRST + offset + i) >> 2] = holds ? 0xffffffff : 0;
  })(cpu);
};

/** ZF, PF and CF by outcome: UNORDERED 111, GREATER_THAN 000, LESS_THAN 001, EQUAL 100. */
export const COMPARISON_FLAGS: Readonly<Record<number, number>> = { [LESS]: 0x01, 0: 0x40, [GREATER]: 0, [UNORDERED]: 0x45 };
const ordered = (element: Element, signaling: boolean): Operation => (cpu) => {
  begin(cpu);
  element.load(cpu, FIRST, a);
  element.load(cpu, SECOND, b);
  const flags = COMPARISON_FLAGS[compare(a, b, signaling, env)]!;
  finish(cpu);
  cpu.result(0, flags);
};

export const SUFFIXES: Readonly<Record<string, readonly [Element, number]>> = {
  PS: [SINGLE_ELEMENT, 4], PD: [DOUBLE_ELEMENT, 2], SS: [SINGLE_ELEMENT, 1], SD: [DOUBLE_ELEMENT, 1],
  PS256: [SINGLE_ELEMENT, 8], PD256: [DOUBLE_ELEMENT, 4],
};
export function bySuffix(make: (element: Element, count: number) => Operation, name: string): [string, Operation][] {
  return Object.entries(SUFFIXES).map(([suffix, [element, count]]) => [name + suffix, make(element, count)]);
}

export const SSE_ARITHMETIC_OPERATIONS: Operations = Object.fromEntries([
  ...Object.entries(ARITHMETIC).flatMap(([name, operation]) => bySuffix((element, count) => arithmetic(element, count, operation), name)),
  ['ADDSUBPS', alternately(SINGLE_ELEMENT, 4)], ['ADDSUBPS256', alternately(SINGLE_ELEMENT, 8)], ['ADDSUBPD', alternately(DOUBLE_ELEMENT, 2)], ['ADDSUBPD256', alternately(DOUBLE_ELEMENT, 4)],
  ...bySuffix(root, 'SQRT'),
  ...bySuffix((element, count) => extremum(element, count, LESS), 'MIN'),
  ...bySuffix((element, count) => extremum(element, count, GREATER), 'MAX'),
  ...bySuffix(comparison, 'CMP'),
  ...([['SS', SINGLE_ELEMENT], ['SD', DOUBLE_ELEMENT]] as const).flatMap(([suffix, element]): [string, Operation][] => [
    [`COMI${suffix}`, ordered(element, true)], [`UCOMI${suffix}`, ordered(element, false)],
  ]),
]);
