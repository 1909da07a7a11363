/** Expressions in a frame: their values for people, conditions, assignments, and messages with expressions in them. */
import { Exception, vectorName } from '../emulator/cpu/events.js';
import { findRegister, type Register } from '../emulator/observe/registers.js';
import { findVmcsField, writeVmcsField } from '../emulator/observe/vmcs.js';
import type { Processor } from '../emulator/cpu/processor.js';
import { ExpressionError } from './expressions/expression-error.js';
import { evaluate, isTrue } from './expressions/evaluate.js';
import { parse } from './expressions/parser.js';
import { placeOfValue } from './expressions/scopes.js';
import { NoValue, type Value } from './expressions/scope.js';
import type { Expression } from './expressions/tree.js';
import { U64 } from './expressions/basic-types.js';
import { fillMessage } from './breakpoints.js';
import { memoryOf, scopeOf } from './frame-scope.js';
import { linearNumber, type Images } from './images.js';
import { hex, writeMemoryReference } from './memory-reference.js';
import { RequestError } from './request-error.js';
import { toBytes } from './symbols/place-bytes.js';
import { display } from './symbols/value.js';
import { isScalar, sizeOf, typeName } from './symbols/types.js';
import { symbolAt, valueNode, type Node } from './variables.js';
import type { Frame } from './unwinder.js';

const parsed = new Map<string, Expression>();
const MOST_PARSED = 1000;

/** Conditions are evaluated again and again. */
export function parseOnce(text: string): Expression {
  const known = parsed.get(text);
  if (known) return known;
  if (parsed.size >= MOST_PARSED) parsed.clear();
  const expression = parse(text);
  parsed.set(text, expression);
  return expression;
}

export const holds = (condition: string, frame: Frame, images: Images): boolean => isTrue(parseOnce(condition), scopeOf(frame, images));

/** Errors of expressions are answers to people, whatever part found them. */
export function asked<Result>(action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof ExpressionError || error instanceof NoValue) throw new RequestError(asSentence(error instanceof ExpressionError ? error.sentence : error.message));
    if (error instanceof Exception) throw new RequestError(`The processor refuses this value: ${vectorName(error.vector)}${error.why === '' ? '' : `, ${error.why}`}.`);
    throw error;
  }
}

const asSentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1).replace(/[^?]$/, '$&.');

export function evaluateNode(text: string, frame: Frame, images: Images, inHex: boolean): Node {
  return asked(() => nodeOf(text, evaluate(parseOnce(text), scopeOf(frame, images)), frame, images, inHex));
}

export function evaluateNumber(text: string, frame: Frame, images: Images): bigint {
  return asked(() => {
    const value = evaluate(parseOnce(text), scopeOf(frame, images));
    if (value.is === 'number') return BigInt.asUintN(64, value.value);
    const address = value.is === 'aggregate' && !(value.place instanceof Uint8Array) ? value.place.address : undefined;
    if (address === undefined) throw new RequestError(`"${text}" is not a number.`);
    return address;
  });
}

function nodeOf(name: string, value: Value, frame: Frame, images: Images, inHex: boolean): Node {
  switch (value.is) {
    case 'text':
      return { name, value: value.text };
    case 'object':
      return { name, value: value.name };
    case 'number':
      if (value.type === U64 && value.place === undefined) return { name, value: registerValue(value.value, frame, images), type: typeName(value.type), memoryReference: frame.view.live ? hex(value.value) : `gva:${hex(value.value)}` };
      break;
  }
  const { place, space } = placeOfValue(value);
  const { cpu } = frame.view;
  const read = (address: bigint, bytes: number): Uint8Array | undefined => {
    const found = memoryOf(cpu, space, frame).read(linearNumber(address), bytes);
    return found.bytes.length === bytes ? found.bytes : undefined;
  };
  const shown = display(name, value.type, place, { ...frame.context, read, hex: inHex, symbolAt: (address) => symbolAt(frame, images, address) }, name);
  const node = valueNode(shown, frame);
  const inOtherSpace = place.is === 'memory' && space !== 'linear';
  return inOtherSpace ? { ...node, memoryReference: writeMemoryReference({ space, address: place.address }) } : node;
}

function registerValue(value: bigint, frame: Frame, images: Images): string {
  const symbol = images.describe(frame.world, value);
  return symbol === undefined ? hex(value) : `${hex(value)} <${symbol}>`;
}

/** Changes what the expression `target` names: a register, a VMCS field, or memory. */
export function assign(target: string, value: bigint, frame: Frame, images: Images): void {
  asked(() => {
    const name = target.trim();
    const register = frame.view.live ? findRegister(name.replace(/^\$/, '')) : undefined;
    const variable = name.startsWith('$') ? undefined : frame.image?.symbols.variablesAt(frame.context.address, frame.inlineDepth).find((each) => each.name === name);
    if (register && !variable) {
      assignRegister(register, value, frame);
      return;
    }
    const place = variable?.location.in(frame.context);
    if (place?.is === 'register') {
      const holder = frame.view.live && frame.level === 0 ? findRegister(place.register) : undefined;
      if (!holder) throw new RequestError(`"${name}" cannot be changed: it stands in ${place.register.toUpperCase()}, which belongs to another frame now.`);
      assignRegister(holder, value, frame);
      return;
    }
    const field = /^\$?vmcs(?:\.(\w+)|\["([^"]+)"\])$/.exec(name);
    if (field) {
      assignField(frame.view.cpu, (field[1] ?? field[2])!, value);
      return;
    }
    assignMemory(name, evaluate(parseOnce(name), scopeOf(frame, images)), value, frame);
  });
}

function assignRegister(register: Register, value: bigint, frame: Frame): void {
  if (!register.write) throw new RequestError(`${register.name} can only be read.`);
  register.write(frame.view.cpu, BigInt.asUintN(register.bits, value));
}

function assignField(cpu: Processor, name: string, value: bigint): void {
  const field = findVmcsField(cpu, name);
  if (!field) throw new RequestError(`The VMCS has no field "${name}".`);
  writeVmcsField(cpu, field, value);
}

function assignMemory(name: string, target: Value, value: bigint, frame: Frame): void {
  const place = target.is === 'number' ? target.place : undefined;
  if (target.is !== 'number' || !place || !isScalar(target.type)) throw new RequestError(`"${name}" cannot be changed: it is neither a register nor a single number in memory.`);
  const bytes = toBytes(value, sizeOf(target.type) ?? 8);
  const { why } = memoryOf(frame.view.cpu, place.space, frame).write(linearNumber(place.address), bytes);
  if (why !== undefined) throw new RequestError(`"${name}" cannot be changed: ${why}.`);
}

/** Fills in `{expression}`; what cannot be evaluated says so in its place. */
export function fill(message: string, frame: Frame, images: Images): string {
  return fillMessage(message, (expression) => {
    try {
      return evaluateNode(expression, frame, images, false).value;
    } catch (error) {
      return `<${error instanceof Error ? error.message : String(error)}>`;
    }
  });
}
