import type { Instruction } from '../instruction.js';
import * as arithmetic from './arithmetic.js';
import * as compare from './compare.js';
import * as convert from './convert.js';
import * as integer from './integer.js';
import * as move from './move.js';
import * as shuffle from './shuffle.js';
import * as state from './state.js';

const { ADD, SUB, MUL, DIV, SQRT, MIN, MAX, RCP, RSQRT } = arithmetic;
const { LOGICAL, PSHUFD, PSHUFW_HALVES, SHUFPS, SHUFPD, UNPCKPS } = shuffle;
const families: readonly Record<string, Instruction | readonly Instruction[]>[] =
  [{ ADD, SUB, MUL, DIV, SQRT, MIN, MAX, RCP, RSQRT }, compare, convert, integer, move, { LOGICAL, PSHUFD, PSHUFW_HALVES, SHUFPS, SHUFPD, UNPCKPS }, state];
/** SSE and SSE2 without their MMX forms, which are in mmx/. */
export const SSE: readonly Instruction[] = families.flatMap((family) => Object.values(family).flat());
