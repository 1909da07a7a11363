/** What the text of an expression becomes. */
import type { MemorySpace } from '../../emulator/observe/memory.js';

export const BINARY_OPERATORS = ['|', '^', '&', '==', '!=', '<', '<=', '>', '>=', '<<', '>>', '+', '-', '*', '/', '%'] as const;
export type BinaryOperator = (typeof BINARY_OPERATORS)[number];
export type UnaryOperator = '*' | '&' | '~' | '!' | '-' | '+';

/** A type as written: its words without the stars, and how many stars follow. */
export interface TypeSyntax {
  readonly column: number;
  readonly words: string;
  readonly pointers: number;
}

export type Node = { readonly column: number } & (
  | { readonly is: 'number'; readonly value: bigint }
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'member'; readonly object: Node; readonly name: string }
  | { readonly is: 'index'; readonly object: Node; readonly index: Node }
  | { readonly is: 'read'; readonly space: MemorySpace; readonly type: string; readonly address: Node }
  | { readonly is: 'unary'; readonly operator: UnaryOperator; readonly operand: Node }
  | { readonly is: 'binary'; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
  | { readonly is: 'logic'; readonly operator: '&&' | '||'; readonly left: Node; readonly right: Node }
  | { readonly is: 'choice'; readonly condition: Node; readonly yes: Node; readonly no: Node }
  /** With `length`, `end` counts from `start`. */
  | { readonly is: 'range'; readonly value: Node; readonly start: Node; readonly end: Node; readonly length: boolean }
  | { readonly is: 'cast'; readonly type: TypeSyntax; readonly operand: Node }
  | { readonly is: 'size'; readonly of: TypeSyntax | Node }
);

export interface Expression {
  readonly text: string;
  readonly root: Node;
}

export function isTypeSyntax(of: TypeSyntax | Node): of is TypeSyntax {
  return 'words' in of;
}
