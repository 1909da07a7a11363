import type { Instruction } from '../instruction.js';
import * as convert from './convert.js';
import * as integer from './integer.js';
import * as move from './move.js';

const families: readonly Record<string, Instruction | readonly Instruction[]>[] = [integer, move, convert];
/** MMX, and the forms with MMX registers that SSE and SSE2 added. */
export const MMX: readonly Instruction[] = families.flatMap((family) => Object.values(family).flat());
