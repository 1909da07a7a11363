/** The names in an expression that its scope must know. */
import { nearest } from '../nearest.js';
import { ExpressionError } from './expression-error.js';
import { isTypeSyntax, type Expression, type Node } from './tree.js';

/** Each name once, in the order of first use. Members and types are not names of their own. */
export function freeNames(expression: Expression): string[] {
  return [...new Set([...names(expression.root)].map(({ name }) => name))];
}

/** Throws when the expression uses a name that is neither a field of the event nor known otherwise. `event` is as in 'a page fault'. */
export function checkFields(expression: Expression, event: string, fields: readonly string[], isKnown: (name: string) => boolean): void {
  for (const { name, column } of names(expression.root)) {
    if (fields.includes(name) || isKnown(name)) continue;
    const guess = nearest(name, fields);
    const has = fields.length > 0 ? `it has: ${fields.join(', ')}` : 'it has no fields';
    throw new ExpressionError(column, `'${name}' is not a field of ${event}; ${guess === undefined ? '' : `did you mean '${guess}'? `}${has}`);
  }
}

function* names(node: Node): Generator<{ name: string; column: number }> {
  if (node.is === 'name') yield node;
  for (const child of children(node)) yield* names(child);
}

function children(node: Node): readonly Node[] {
  switch (node.is) {
    case 'member':
      return [node.object];
    case 'index':
      return [node.object, node.index];
    case 'read':
      return [node.address];
    case 'unary':
    case 'cast':
      return [node.operand];
    case 'binary':
    case 'logic':
      return [node.left, node.right];
    case 'choice':
      return [node.condition, node.yes, node.no];
    case 'range':
      return [node.value, node.start, node.end];
    case 'size':
      return isTypeSyntax(node.of) ? [] : [node.of];
    default:
      return [];
  }
}
