import type { Instruction } from '../instruction.js';
import * as arithmetic from './arithmetic.js';
import * as control from './control.js';
import * as data from './data.js';

const families: readonly Record<string, Instruction | readonly Instruction[]>[] = [arithmetic, data, control];
export const X87: readonly Instruction[] = families.flatMap((family) => Object.values(family).flat());
