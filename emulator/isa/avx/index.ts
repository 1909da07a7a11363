import type { Instruction } from '../instruction.js';
import * as broadcast from './broadcast.js';
import { FMA } from './fused.js';
import { GATHER } from './gather.js';
import * as half from './half.js';
import { MASKED } from './masked.js';
import * as permute from './permute.js';
import { VARIABLE_SHIFTS } from './shift.js';
import { ZERO } from './zero.js';

const families: readonly Record<string, Instruction | readonly Instruction[]>[] = [broadcast, permute, half, { FMA, GATHER, MASKED, VARIABLE_SHIFTS, ZERO }];
/** What exists with a VEX prefix only. */
export const AVX: readonly Instruction[] = families.flatMap((family) => Object.values(family).flat());
