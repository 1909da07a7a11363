/** Evaluates expressions: C's rules, with all arithmetic in 64 bits. */
import { nearest } from '../nearest.js';
import { bare, isScalar, isText, sizeOf, typeName, type Type } from '../symbols/types.js';
import { FIXED_WIDTH, I64, INT, U64 } from './basic-types.js';
import { calculate, isWideUnsigned } from './arithmetic.js';
import { ExpressionError } from './expression-error.js';
import { elementAt, fieldOf, fromMemory, inMemory, pointerTo, wrap } from './storage.js';
import { NoValue, type Scope, type Value } from './scope.js';
import { isTypeSyntax, type Expression, type Node, type TypeSyntax } from './tree.js';
import { namedType } from './type-names.js';

type NumberValue = Extract<Value, { is: 'number' }>;
type NodeOf<Is extends Node['is']> = Extract<Node, { is: Is }>;

export function evaluate(expression: Expression, scope: Scope): Value {
  return new Evaluator(scope).value(expression.root);
}

/** Whether a condition holds: any number but 0. */
export function isTrue(expression: Expression, scope: Scope): boolean {
  return new Evaluator(scope).truth(expression.root);
}

class Evaluator {
  private readonly scope: Scope;

  constructor(scope: Scope) {
    this.scope = scope;
  }

  value(node: Node): Value {
    switch (node.is) {
      case 'number':
        return number(node.value < 1n << 63n ? I64 : U64, node.value);
      case 'text':
        return { is: 'text', text: node.text };
      case 'name':
        return this.name(node);
      case 'member':
        return this.member(node.object, node.name, node.column);
      case 'index':
        return this.index(node);
      case 'read':
        return this.load(FIXED_WIDTH.get(node.type)!, { space: node.space, address: this.address(node.address) }, node.column);
      case 'unary':
        return this.unary(node);
      case 'binary':
        return this.binary(node);
      case 'logic':
        return truthValue(node.operator === '&&' ? this.truth(node.left) && this.truth(node.right) : this.truth(node.left) || this.truth(node.right));
      case 'choice':
        return this.value(this.truth(node.condition) ? node.yes : node.no);
      case 'range':
        return this.range(node);
      case 'cast':
        return this.cast(node);
      case 'size':
        return this.size(node.of, node.column);
    }
  }

  truth(node: Node): boolean {
    return this.number(node).value !== 0n;
  }

  private name({ name, column }: NodeOf<'name'>): Value {
    const value = this.attempt(column, () => this.scope.name(name));
    if (value) return value;
    throw new ExpressionError(column, `'${name}' is not known here${suggestion(name, this.scope.names())}`);
  }

  private member(objectNode: Node, name: string, column: number): Value {
    const object = this.value(objectNode);
    if (object.is === 'object') {
      const value = this.attempt(column, () => this.scope.member(object, name));
      if (value) return value;
      throw new ExpressionError(column, `${object.name} has no '${name}'${suggestion(name, this.scope.memberNames(object))}`);
    }
    return this.attempt(column, () => fieldOf(object, name, this.scope));
  }

  private index({ object: objectNode, index: indexNode, column }: NodeOf<'index'>): Value {
    const object = this.value(objectNode);
    if (object.is === 'object') {
      const index = this.value(indexNode);
      if (index.is !== 'text') throw new ExpressionError(indexNode.column, `${object.name} is indexed with a name, such as ${object.name}["…"]`);
      return this.member(objectNode, index.text, indexNode.column);
    }
    const index = this.number(indexNode).value;
    return this.attempt(column, () => elementAt(object, index, this.scope));
  }

  private unary({ operator, operand, column }: NodeOf<'unary'>): Value {
    switch (operator) {
      case '&':
        return this.addressOf(operand, column);
      case '*': {
        const value = this.value(operand);
        if (value.is === 'number' && bare(value.type).is !== 'pointer') {
          const type = this.scope.pointerSize === 8 ? U64 : FIXED_WIDTH.get('u32')!;
          return this.load(type, { space: 'linear', address: BigInt.asUintN(64, value.value) }, column);
        }
        return this.attempt(column, () => elementAt(value, 0n, this.scope));
      }
      case '!':
        return truthValue(!this.truth(operand));
      default: {
        const { type, value } = this.number(operand);
        const result = isWideUnsigned(type) ? U64 : I64;
        return number(result, wrap(result, operator === '-' ? -value : operator === '~' ? ~value : value));
      }
    }
  }

  private addressOf(operand: Node, column: number): Value {
    const value = this.value(operand);
    const place = value.is === 'number' || value.is === 'aggregate' ? value.place : undefined;
    if (!place || place instanceof Uint8Array) throw new ExpressionError(column, "'&' wants something that lies in memory");
    const type = (value as Extract<Value, { is: 'number' | 'aggregate' }>).type;
    return number(pointerTo(type, this.scope.pointerSize), place.address);
  }

  private binary({ operator, left: leftNode, right: rightNode, column }: NodeOf<'binary'>): Value {
    const [leftValue, rightValue] = [this.value(leftNode), this.value(rightNode)];
    if ((leftValue.is === 'text' || rightValue.is === 'text') && (operator === '==' || operator === '!=')) {
      const [leftText, rightText] = [this.text(leftValue, leftNode.column), this.text(rightValue, rightNode.column)];
      if (leftText !== undefined && rightText !== undefined) return truthValue((leftText === rightText) === (operator === '=='));
    }
    const [left, right] = [this.decayed(leftValue, leftNode.column), this.decayed(rightValue, rightNode.column)];
    const pointers = pointerArithmetic(operator, left, right, column);
    if (pointers) return pointers;
    const { type, value } = this.attempt(column, () => calculate(operator, left, right));
    return number(type, value);
  }

  /** A text, or an array of characters up to its zero. */
  private text(value: Value, column: number): string | undefined {
    if (value.is === 'text') return value.text;
    if (value.is !== 'aggregate' || !isText(value.type)) return undefined;
    const size = sizeOf(value.type) ?? 0;
    const bytes = value.place instanceof Uint8Array ? value.place : this.scope.read(value.place.space, value.place.address, size);
    if (!bytes) throw new ExpressionError(column, 'the characters cannot be read');
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  private range({ value: valueNode, start: startNode, end: endNode, length }: NodeOf<'range'>): Value {
    const [value, start, end] = [this.number(valueNode), this.number(startNode), this.number(endNode)];
    const unsigned = [value, start, end].some(({ type }) => isWideUnsigned(type));
    const plain = (operand: NumberValue) => (unsigned ? BigInt.asUintN(64, operand.value) : operand.value);
    const limit = length ? plain(start) + end.value : plain(end);
    return truthValue(plain(value) >= plain(start) && plain(value) < limit);
  }

  private cast({ type: syntax, operand, column }: NodeOf<'cast'>): Value {
    const type = this.type(syntax);
    const { value } = this.number(operand);
    const inner = bare(type);
    if (inner.is === 'base' && inner.encoding === 'boolean') return number(type, value === 0n ? 0n : 1n);
    if (!isScalar(type)) throw new ExpressionError(column, `a number cannot become ${typeName(type)}`);
    return number(type, wrap(type, value));
  }

  private size(of: TypeSyntax | Node, column: number): Value {
    const type = isTypeSyntax(of) ? this.type(of) : this.typeOf(of);
    const size = type && sizeOf(type);
    if (size === undefined) throw new ExpressionError(column, `the size ${type ? `of ${typeName(type)} ` : ''}is not known`);
    return number(U64, BigInt(size));
  }

  /** A name alone may also be a type's: `sizeof(page_t)`. */
  private typeOf(node: Node): Type | undefined {
    const named = node.is === 'name' && !this.attempt(node.column, () => this.scope.name(node.name)) ? namedType(node.name, this.scope) : undefined;
    if (named) return named;
    const value = this.value(node);
    return value.is === 'number' || value.is === 'aggregate' ? value.type : undefined;
  }

  private type(syntax: TypeSyntax): Type {
    const type = namedType(syntax.words, this.scope);
    if (!type) throw new ExpressionError(syntax.column, `the type '${syntax.words}' is not known here`);
    let pointer = type;
    for (let star = 0; star < syntax.pointers; star++) pointer = pointerTo(pointer, this.scope.pointerSize);
    return pointer;
  }

  private address(node: Node): bigint {
    return BigInt.asUintN(64, this.number(node).value);
  }

  private number(node: Node): NumberValue {
    return this.decayed(this.value(node), node.column);
  }

  /** Arrays and functions stand for their addresses. */
  private decayed(value: Value, column: number): NumberValue {
    switch (value.is) {
      case 'number':
        return value;
      case 'text':
        throw new ExpressionError(column, `expected a number, but "${value.text}" is a text`);
      case 'object':
        throw new ExpressionError(column, `expected a number, but ${value.name} has members: write ${value.name}.name`);
      case 'aggregate': {
        const inner = bare(value.type);
        const address = inMemory(value.place)?.address;
        if (inner.is === 'array' && address !== undefined) return number(pointerTo(inner.element, this.scope.pointerSize), address);
        if (inner.is === 'function' && address !== undefined) return number(pointerTo(inner, this.scope.pointerSize), address);
        if (inner.is === 'base' && inner.encoding === 'float') throw new ExpressionError(column, 'not implemented: floating-point arithmetic');
        throw new ExpressionError(column, `expected a number, but this is a ${typeName(value.type)}`);
      }
    }
  }

  private load(type: Type, place: Parameters<typeof fromMemory>[1], column: number): Value {
    return this.attempt(column, () => fromMemory(type, place, this.scope));
  }

  /** Gives the errors of scopes and storage their column. */
  private attempt<Result>(column: number, action: () => Result): Result {
    try {
      return action();
    } catch (error) {
      if (error instanceof NoValue) throw new ExpressionError(column, error.message);
      throw error;
    }
  }
}

/** Adding to a pointer and subtracting pointers counts in elements. */
function pointerArithmetic(operator: string, left: NumberValue, right: NumberValue, column: number): Value | undefined {
  if (operator !== '+' && operator !== '-') return undefined;
  const [leftSize, rightSize] = [elementSize(left.type), elementSize(right.type)];
  if (leftSize !== undefined && rightSize !== undefined) {
    if (operator === '+') throw new ExpressionError(column, 'two pointers cannot be added');
    if (leftSize !== rightSize) throw new ExpressionError(column, `${typeName(left.type)} and ${typeName(right.type)} cannot be subtracted`);
    return number(I64, (left.value - right.value) / leftSize);
  }
  if (leftSize !== undefined) {
    const step = right.value * leftSize;
    return number(left.type, wrap(left.type, operator === '+' ? left.value + step : left.value - step));
  }
  if (rightSize !== undefined && operator === '+') return number(right.type, wrap(right.type, right.value + left.value * rightSize));
  return undefined;
}

function elementSize(type: Type): bigint | undefined {
  const inner = bare(type);
  return inner.is === 'pointer' ? BigInt(sizeOf(inner.target) || 1) : undefined;
}

function truthValue(holds: boolean): Value {
  return number(INT, holds ? 1n : 0n);
}

function number(type: Type, value: bigint): NumberValue {
  return { is: 'number', type, value };
}

const MOST_COMPARED = 20_000;

function suggestion(name: string, names: Iterable<string>): string {
  const similar: string[] = [];
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) <= 2) similar.push(candidate);
    if (similar.length === MOST_COMPARED) break;
  }
  const guess = nearest(name, similar);
  return guess === undefined ? '' : `; did you mean '${guess}'?`;
}
