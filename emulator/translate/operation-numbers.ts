import type { Operation, Operations } from '../cpu/operations.js';

/** Operations as a list, and the number of each in it by its name. `first`: those that come first, in that order. */
export function numbered(operations: Operations, first: readonly string[]): { readonly list: readonly Operation[]; readonly numberOf: (name: string) => number } {
  const names = [...new Set([...first, ...Object.keys(operations)])], numbers = new Map(names.map((name, n) => [name, n]));
  const numberOf = (name: string): number => {
    const n = numbers.get(name);
    if (n === undefined) throw new Error(`no operation is named "${name}"`);
    return n;
  };
  return { list: names.map((name) => operations[name]!), numberOf };
}
