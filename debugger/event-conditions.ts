/** The language of conditions on architectural events: C operators over the event's fields, and `in` for ranges of addresses. */
import { VECTORS } from '../emulator/cpu/events.js';
import type { TrapEvent } from '../emulator/observe/events.js';
import { EXIT_REASON_NUMBERS } from '../emulator/vmx/exit-reasons.js';
import { nearest } from './nearest.js';

/** What is wrong with a condition, in one sentence. */
export class ConditionError extends Error {}

/** Signed, as addresses are kept by the processor; absent when the event has no such field. */
type Operand = number | string | undefined;
type Evaluate = (fields: TrapEvent['fields']) => Operand;

const TOKEN = /\s*(?:(0[xX][0-9a-fA-F_']+|0[bB][01_']+|\d[\d_']*)|([A-Za-z_#$][\w.#$]*)|"([^"]*)"|'([^']*)'|(\|\||&&|==|!=|<=|>=|<<|>>|\.\.|[-+*/%&|^~!<>()]))/y;

type Token = { is: 'number'; value: number } | { is: 'name' | 'text' | 'operator'; text: string };

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(EXIT_REASON_NUMBERS),
  ...Object.entries(VECTORS).flatMap(([name, vector]) => [[name, vector], [name.replace('#', ''), vector]] as [string, number][]),
]);
export const conditionConstants = [...CONSTANTS.keys()];

/** One predicate from the text of a condition. `known` are the fields that such an event can have. */
export function compileCondition(text: string, known: readonly string[]): (event: TrapEvent) => boolean {
  const evaluate = new Parser(tokens(text), known).whole();
  return ({ fields }) => truth(evaluate(fields));
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    if (text.slice(TOKEN.lastIndex).trim() === '') break;
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new ConditionError(`"${text.slice(at).trim()[0]}" means nothing in a condition.`);
    const [, number, name, double, single, operator] = match;
    if (number !== undefined) found.push({ is: 'number', value: Number(BigInt.asIntN(64, BigInt(number.replace(/[_']/g, '')))) });
    else if (name !== undefined) found.push({ is: 'name', text: name });
    else if (operator !== undefined) found.push({ is: 'operator', text: operator });
    else found.push({ is: 'text', text: (double ?? single)! });
  }
  return found;
}

const LEVELS: readonly (readonly string[])[] = [['||'], ['&&'], ['|'], ['^'], ['&'], ['==', '!=', 'in'], ['<', '<=', '>', '>='], ['<<', '>>'], ['+', '-'], ['*', '/', '%']];

class Parser {
  private position = 0;

  constructor(private readonly tokens: readonly Token[], private readonly known: readonly string[]) {}

  whole(): Evaluate {
    if (this.tokens.length === 0) throw new ConditionError('The condition is empty.');
    const evaluate = this.level(0);
    const rest = this.tokens[this.position];
    if (rest) throw new ConditionError(`${show(rest)} is not expected here.${rest.is === 'operator' && rest.text === '=' ? ' Equality is written ==.' : ''}`);
    return evaluate;
  }

  private level(depth: number): Evaluate {
    const operators = LEVELS[depth];
    if (!operators) return this.unary();
    let left = this.level(depth + 1);
    for (;;) {
      const token = this.tokens[this.position];
      if (token === undefined || (token.is !== 'operator' && token.is !== 'name') || !operators.includes(token.text)) return left;
      this.position++;
      left = token.text === 'in' ? this.range(left, depth + 1) : binary(token.text, left, this.level(depth + 1));
    }
  }

  /** `low..high` without its end, or `low..+length`. */
  private range(value: Evaluate, depth: number): Evaluate {
    const low = this.level(depth);
    if (!this.take('..')) throw new ConditionError('After "in" comes a range such as 0x1000..0x2000.');
    const length = this.take('+');
    const end = this.level(depth);
    return (fields) => {
      const from = low(fields), to = end(fields), tested = value(fields);
      if (typeof from !== 'number' || typeof to !== 'number' || typeof tested !== 'number') return 0;
      return Number(compare(tested, from) >= 0 && compare(tested, length ? from + to : to) < 0);
    };
  }

  private unary(): Evaluate {
    for (const operator of ['!', '~', '-'] as const) {
      if (!this.take(operator)) continue;
      const operand = this.unary();
      switch (operator) {
        case '!': return (fields) => Number(!truth(operand(fields)));
        case '~': return (fields) => integer(operand(fields), (value) => ~value);
        case '-': return (fields) => integer(operand(fields), (value) => -value);
      }
    }
    return this.primary();
  }

  private primary(): Evaluate {
    const token = this.tokens[this.position++];
    if (!token) throw new ConditionError('The condition ends where a value is expected.');
    switch (token.is) {
      case 'number': return () => token.value;
      case 'text': return () => token.text;
      case 'name': return this.name(token.text);
      case 'operator': {
        if (token.text !== '(') throw new ConditionError(`${show(token)} stands where a value is expected.`);
        const inner = this.level(0);
        if (!this.take(')')) throw new ConditionError('A parenthesis is not closed.');
        return inner;
      }
    }
  }

  private name(name: string): Evaluate {
    const field = name.startsWith('$') ? name.slice(1) : name;
    if (this.known.includes(field)) return (fields) => fields[field];
    const constant = CONSTANTS.get(name);
    if (constant !== undefined) return () => constant;
    const guess = nearest(name, [...this.known, ...CONSTANTS.keys()]);
    throw new ConditionError(`Such an event has no field "${name}"${guess === undefined ? '' : `; is "${guess}" meant`}? It has ${this.known.join(', ')}.`);
  }

  private take(operator: string): boolean {
    const token = this.tokens[this.position];
    if (token?.is !== 'operator' || token.text !== operator) return false;
    this.position++;
    return true;
  }
}

const show = (token: Token): string => `"${token.is === 'number' ? token.value : token.text}"`;

const truth = (value: Operand): boolean => value !== undefined && value !== 0 && value !== '';

/** Order of 64-bit unsigned numbers that are kept signed. */
function compare(left: number, right: number): number {
  if (left < 0 !== right < 0) return left < 0 ? 1 : -1;
  return left - right;
}

function integer(value: Operand, of: (value: bigint) => bigint): Operand {
  return typeof value === 'number' ? Number(BigInt.asIntN(64, of(BigInt(Math.trunc(value))))) : undefined;
}

const SMALL = 2 ** 31;

const ARITHMETIC: Readonly<Record<string, (left: bigint, right: bigint) => bigint>> = {
  '|': (left, right) => left | right,
  '^': (left, right) => left ^ right,
  '&': (left, right) => left & right,
  '<<': (left, right) => left << (right & 63n),
  '>>': (left, right) => BigInt.asUintN(64, left) >> (right & 63n),
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => (right === 0n ? 0n : BigInt.asUintN(64, left) / BigInt.asUintN(64, right)),
  '%': (left, right) => (right === 0n ? 0n : BigInt.asUintN(64, left) % BigInt.asUintN(64, right)),
};

/** A comparison with a field that the event lacks does not hold. */
const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

function binary(operator: string, left: Evaluate, right: Evaluate): Evaluate {
  if (operator === '||') return (fields) => Number(truth(left(fields)) || truth(right(fields)));
  if (operator === '&&') return (fields) => Number(truth(left(fields)) && truth(right(fields)));
  const holds = COMPARISONS[operator];
  if (holds) {
    return (fields) => {
      const a = left(fields), b = right(fields);
      if (typeof a === 'number' && typeof b === 'number') return Number(holds(compare(a, b)));
      if (typeof a === 'string' && typeof b === 'string') return Number(holds(a < b ? -1 : a > b ? 1 : 0));
      return 0;
    };
  }
  const exact = ARITHMETIC[operator]!;
  return (fields) => {
    const a = left(fields), b = right(fields);
    if (typeof a !== 'number' || typeof b !== 'number') return undefined;
    if (operator === '&' && a >= 0 && b >= 0 && a < SMALL && b < SMALL) return a & b;
    return Number(BigInt.asIntN(64, exact(BigInt(Math.trunc(a)), BigInt(Math.trunc(b)))));
  };
}
