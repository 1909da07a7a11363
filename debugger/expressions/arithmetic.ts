/** The arithmetic of two numbers: signed in 64 bits, unsigned when an operand is an unsigned number of 64 bits. */
import { isSigned, sizeOf, type Type } from '../symbols/types.js';
import { I64, INT, U64 } from './basic-types.js';
import { NoValue } from './scope.js';
import type { BinaryOperator } from './tree.js';

interface Operand {
  readonly type: Type;
  readonly value: bigint;
}

const COMPARISONS: Partial<Record<BinaryOperator, (a: bigint, b: bigint) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

const OPERATIONS: Partial<Record<BinaryOperator, (a: bigint, b: bigint) => bigint>> = {
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '&': (a, b) => a & b,
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / nonZero(b),
  '%': (a, b) => a % nonZero(b),
};

export function calculate(operator: BinaryOperator, left: Operand, right: Operand): Operand {
  if (operator === '<<' || operator === '>>') return shift(operator, left, right.value);
  const type = isWideUnsigned(left.type) || isWideUnsigned(right.type) ? U64 : I64;
  const [a, b] = [convert(left.value, type), convert(right.value, type)];
  const compare = COMPARISONS[operator];
  if (compare) return { type: INT, value: compare(a, b) ? 1n : 0n };
  return { type, value: convert(OPERATIONS[operator]!(a, b), type) };
}

function shift(operator: '<<' | '>>', left: Operand, count: bigint): Operand {
  if (count < 0n) throw new NoValue(`a shift by ${count} has no meaning`);
  const type = isWideUnsigned(left.type) ? U64 : I64;
  const bits = count > 64n ? 64n : count;
  const value = convert(left.value, type);
  return { type, value: convert(operator === '<<' ? value << bits : value >> bits, type) };
}

function nonZero(divisor: bigint): bigint {
  if (divisor === 0n) throw new NoValue('division by zero');
  return divisor;
}

function convert(value: bigint, type: Type): bigint {
  return type === U64 ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value);
}

export function isWideUnsigned(type: Type): boolean {
  return !isSigned(type) && (sizeOf(type) ?? 0) >= 8;
}
