/** The types that an expression may name without any program being loaded. */
import type { BaseType, Type } from '../symbols/types.js';

function integer(name: string, size: number, signed: boolean): BaseType {
  return { is: 'base', name, size, encoding: signed ? 'signed' : 'unsigned' };
}

/** Types of a fixed width; those with one word of the first kind also read memory: `u32[address]`. */
export const FIXED_WIDTH: ReadonlyMap<string, BaseType> = new Map(
  [1, 2, 4, 8].flatMap((size) => {
    const bits = 8 * size;
    const names = [
      [`u${bits}`, false],
      [`i${bits}`, true],
      [`s${bits}`, true],
    ] as const;
    return names.map(([name, signed]) => [name, integer(name, size, signed)] as const);
  }),
);

export const I64 = FIXED_WIDTH.get('i64')!;
export const U64 = FIXED_WIDTH.get('u64')!;
export const INT = integer('int', 4, true);
const BOOL: BaseType = { is: 'base', name: 'bool', size: 1, encoding: 'boolean' };

/** The words from which C makes the names of its own types. */
export const TYPE_WORDS: ReadonlySet<string> = new Set(['char', 'short', 'int', 'long', 'signed', 'unsigned', 'void', 'bool', '_Bool', 'float', 'double', 'const', 'volatile']);
export const RECORD_WORDS: ReadonlySet<string> = new Set(['struct', 'union', 'enum', 'class']);

const STANDARD_NAMES: readonly string[] = [8, 16, 32, 64].flatMap((bits) => [`uint${bits}_t`, `int${bits}_t`]);
export const KNOWN_TYPE_NAMES: ReadonlySet<string> = new Set([...FIXED_WIDTH.keys(), ...STANDARD_NAMES, 'size_t', 'uintptr_t', 'intptr_t', 'ssize_t', 'ptrdiff_t']);

/** The type of these words, undefined when they are a program's own. */
export function basicType(words: string, pointerSize: 4 | 8): Type | undefined {
  const fixed = FIXED_WIDTH.get(words);
  if (fixed) return fixed;
  const standard = /^(u?)int(8|16|32|64)_t$/.exec(words);
  if (standard) return integer(words, Number(standard[2]) / 8, standard[1] === '');
  if (words === 'size_t' || words === 'uintptr_t') return integer(words, pointerSize, false);
  if (words === 'ssize_t' || words === 'intptr_t' || words === 'ptrdiff_t') return integer(words, pointerSize, true);
  return composedType(words.split(' '), pointerSize);
}

/** `unsigned long int` and its relatives, their words in any order. */
function composedType(words: readonly string[], pointerSize: 4 | 8): Type | undefined {
  const rest = words.filter((word) => word !== 'const' && word !== 'volatile');
  if (rest.length === 0 || !rest.every((word) => TYPE_WORDS.has(word))) return undefined;
  const count = (wanted: string) => rest.filter((word) => word === wanted).length;
  const name = rest.join(' ');
  if (name === 'void') return { is: 'void' };
  if (name === 'bool' || name === '_Bool') return BOOL;
  if (name === 'float') return { is: 'base', name, size: 4, encoding: 'float' };
  if (name === 'double') return { is: 'base', name, size: 8, encoding: 'float' };
  if (count('void') + count('bool') + count('_Bool') + count('float') + count('double') > 0) return undefined;
  const signed = count('unsigned') === 0;
  if (count('char') > 0) {
    const encoding = signed ? 'character' : 'unsigned character';
    return { is: 'base', name, size: 1, encoding };
  }
  if (count('short') > 0) return integer(name, 2, signed);
  const longs = count('long');
  return integer(name, longs === 0 ? 4 : longs === 1 ? pointerSize : 8, signed);
}
