/**
 * Conditions on architectural events: expressions over the event's fields, made into closures because a guest may cause
 * hundreds of thousands of events a second.
 */
import { VECTORS } from '../emulator/cpu/events.js';
import type { TrapEvent } from '../emulator/cpu/trap-events.js';
import { EXIT_REASON_NUMBERS } from '../emulator/vmx/exit-reasons.js';
import type { TaskNames } from './guests/task-names.js';
import { ExpressionError } from './expressions/expression-error.js';
import { checkFields } from './expressions/free-names.js';
import { parse } from './expressions/parser.js';
import type { BinaryOperator, Node, UnaryOperator } from './expressions/tree.js';
import { nearest } from './nearest.js';

/** Signed, as addresses are kept by the processor; absent when the event has no such field. */
type Operand = number | string | undefined;
type Evaluate = (event: TrapEvent) => Operand;
/** A member of the current task of the processor where the event happened. */
export type TaskMember = (event: TrapEvent, path: string) => Operand;
export interface EventTasks { readonly fault: TaskNames['fault']; readonly value: TaskMember }

/** Names that stand for numbers: exit reasons, and exceptions with or without their `#`. */
const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(EXIT_REASON_NUMBERS),
  ...Object.entries(VECTORS).flatMap(([name, vector]) => [[name, vector], [name.replace('#', ''), vector]] as [string, number][]),
]);
/** The task that the processor runs, where the guest's operating system is known. */
const TASK = 'task';
const NO_TASKS: EventTasks = { fault: () => 'the tasks of the guest are not known here', value: () => undefined };
export const eventConstants = [...CONSTANTS.keys()];

/** `event` is as in 'a page fault', `known` the fields that such an event can have. Throws an ExpressionError. */
export function compileCondition(text: string, event: string, known: readonly string[], tasks: EventTasks = NO_TASKS): (event: TrapEvent) => boolean {
  const expression = parse(text);
  checkFields(expression, event, known, (name) => {
    if (name === TASK || CONSTANTS.has(name) || known.includes(name.replace(/^\$/, ''))) return true;
    const guess = known.includes(name) ? undefined : nearest(name, eventConstants);
    if (guess !== undefined && nearest(name, known) === undefined) throw new ExpressionError(text.indexOf(name) + 1, `'${name}' is not known; did you mean '${guess}'?`);
    return false;
  });
  const evaluate = compile(expression.root, known, tasks);
  return (event) => truth(evaluate(event));
}

function compile(node: Node, known: readonly string[], tasks: EventTasks): Evaluate {
  const inner = (child: Node): Evaluate => compile(child, known, tasks);
  switch (node.is) {
    case 'number': {
      const value = Number(BigInt.asIntN(64, node.value));
      return () => value;
    }
    case 'text':
      return () => node.text;
    case 'name': {
      const name = node.name.replace(/^\$/, '');
      const constant = known.includes(name) ? undefined : CONSTANTS.get(node.name);
      if (constant !== undefined) return () => constant;
      return name === 'rip' ? (event) => event.rip : (event) => event.fields[name];
    }
    case 'logic': {
      const left = inner(node.left), right = inner(node.right);
      return node.operator === '||' ? (event) => Number(truth(left(event)) || truth(right(event))) : (event) => Number(truth(left(event)) && truth(right(event)));
    }
    case 'choice': {
      const condition = inner(node.condition), yes = inner(node.yes), no = inner(node.no);
      return (event) => (truth(condition(event)) ? yes(event) : no(event));
    }
    case 'unary':
      return unary(node.operator, inner(node.operand), node.column);
    case 'binary':
      return binary(node.operator, inner(node.left), inner(node.right));
    case 'range':
      return range(inner(node.value), inner(node.start), inner(node.end), node.length);
    case 'member': {
      const path = pathInTask(node), fault = path === undefined ? undefined : tasks.fault(path);
      if (fault !== undefined) throw new ExpressionError(node.column, fault);
      if (path !== undefined) return (event) => tasks.value(event, path);
      throw notKnown(node);
    }
    default:
      throw notKnown(node);
  }
}

const notKnown = ({ column }: Node): ExpressionError => new ExpressionError(column, 'a condition on an event knows its fields, numbers and the current task, but not memory or types');

/** `mm.pgd` of `task.mm.pgd`; undefined for members of anything else. */
function pathInTask(node: Node): string | undefined {
  if (node.is !== 'member') return undefined;
  if (node.object.is === 'name') return node.object.name === TASK ? node.name : undefined;
  const outer = pathInTask(node.object);
  return outer === undefined ? undefined : `${outer}.${node.name}`;
}

/** From `start` up to, but without, the end. */
function range(value: Evaluate, start: Evaluate, end: Evaluate, isLength: boolean): Evaluate {
  return (event) => {
    const low = start(event), high = end(event), tested = value(event);
    if (typeof low !== 'number' || typeof high !== 'number' || typeof tested !== 'number') return 0;
    return Number(compare(tested, low) >= 0 && compare(tested, isLength ? low + high : high) < 0);
  };
}

function unary(operator: UnaryOperator, operand: Evaluate, column: number): Evaluate {
  switch (operator) {
    case '!': return (event) => Number(!truth(operand(event)));
    case '+': return operand;
    case '~': return (event) => integer(operand(event), (value) => ~value);
    case '-': return (event) => integer(operand(event), (value) => -value);
    default: throw new ExpressionError(column, 'a condition on an event cannot read memory');
  }
}

const truth = (value: Operand): boolean => value !== undefined && value !== 0 && value !== '';

/** Order of 64-bit unsigned numbers that are kept signed. */
function compare(left: number, right: number): number {
  if (left < 0 !== right < 0) return left < 0 ? 1 : -1;
  return left - right;
}

function integer(value: Operand, of: (value: bigint) => bigint): Operand {
  return typeof value === 'number' ? Number(BigInt.asIntN(64, of(BigInt(Math.trunc(value))))) : undefined;
}

/** Whether an order holds for the operator. A comparison with a field that the event lacks does not hold. */
const COMPARISONS: Partial<Record<BinaryOperator, (order: number) => boolean>> = {
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

const ARITHMETIC: Partial<Record<BinaryOperator, (left: bigint, right: bigint) => bigint>> = {
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
/** Below this, JavaScript's own 32-bit operators are exact. */
const SMALL = 2 ** 31;

function binary(operator: BinaryOperator, left: Evaluate, right: Evaluate): Evaluate {
  const holds = COMPARISONS[operator];
  if (holds) {
    return (event) => {
      const a = left(event), b = right(event);
      if (typeof a === 'number' && typeof b === 'number') return Number(holds(compare(a, b)));
      return typeof a === 'string' && typeof b === 'string' ? Number(holds(a < b ? -1 : Number(a > b))) : 0;
    };
  }
  const exact = ARITHMETIC[operator]!;
  return (event) => {
    const a = left(event), b = right(event);
    if (typeof a !== 'number' || typeof b !== 'number') return undefined;
    if (operator === '&' && a >= 0 && b >= 0 && a < SMALL && b < SMALL) return a & b;
    return Number(BigInt.asIntN(64, exact(BigInt(Math.trunc(a)), BigInt(Math.trunc(b)))));
  };
}
