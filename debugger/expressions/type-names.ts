/** The types behind the words of casts. */
import type { Type } from '../symbols/types.js';
import { basicType } from './basic-types.js';
import type { Scope } from './scope.js';

/** The program's own type of that name, else the one that every expression knows. */
export function namedType(words: string, scope: Pick<Scope, 'type' | 'pointerSize'>): Type | undefined {
  return scope.type(words) ?? basicType(words, scope.pointerSize);
}
