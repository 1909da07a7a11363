import type { Instruction } from '../instruction.js';
import { AES_ROUNDS, AESIMC, AESKEYGENASSIST } from './aes.js';
import * as arithmetic from './arithmetic.js';
import * as blend from './blend.js';
import * as bytes from './bytes.js';
import { PCLMULQDQ } from './carryless.js';
import * as compare from './compare.js';
import * as convert from './convert.js';
import { DP } from './dot-product.js';
import * as element from './element.js';
import { PMOV } from './extend.js';
import { ADDSUB, HORIZONTAL } from './horizontal.js';
import * as integer from './integer.js';
import * as move from './move.js';
import { ROUND } from './round.js';
import { SHA } from './sha.js';
import * as shuffle from './shuffle.js';
import * as state from './state.js';
import { STRINGS } from './string.js';

const { ADD, SUB, MUL, DIV, SQRT, MIN, MAX, RCP, RSQRT } = arithmetic;
const { BLEND, BLENDV } = blend;
const { PALIGNR, MPSADBW, TEST } = bytes;
const { EXTRACT, PEXTRD, PINSR, INSERTPS } = element;
const { LOGICAL, PSHUFD, PSHUFW_HALVES, SHUFPS, SHUFPD, UNPCKPS } = shuffle;
const families: readonly Record<string, Instruction | readonly Instruction[]>[] =
  [{ ADD, SUB, MUL, DIV, SQRT, MIN, MAX, RCP, RSQRT }, compare, convert, integer, move, { LOGICAL, PSHUFD, PSHUFW_HALVES, SHUFPS, SHUFPD, UNPCKPS }, state,
    { HORIZONTAL, ADDSUB, DP, ROUND, BLEND, BLENDV, PALIGNR, MPSADBW, TEST, EXTRACT, PEXTRD, PINSR, INSERTPS, PMOV },
    { STRINGS, AES_ROUNDS, AESIMC, AESKEYGENASSIST, PCLMULQDQ, SHA }];
/** SSE to SSE4.2, AES, PCLMULQDQ and SHA without their MMX forms, which are in mmx/. */
export const SSE: readonly Instruction[] = families.flatMap((family) => Object.values(family).flat());
