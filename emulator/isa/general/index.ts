import type { Instruction } from '../instruction.js';
import * as arithmetic from './arithmetic.js';
import * as bitManipulation from './bit-manipulation.js';
import * as bits from './bits.js';
import * as control from './control.js';
import * as crc32 from './crc32.js';
import * as decimal from './decimal.js';
import * as exchange from './exchange.js';
import * as flagControl from './flag-control.js';
import * as move from './move.js';
import * as multiply from './multiply.js';
import * as random from './random.js';
import * as shift from './shift.js';
import * as stack from './stack.js';
import * as string from './string.js';

const families: readonly Record<string, Instruction | readonly Instruction[]>[] = [arithmetic, bitManipulation, bits, control, crc32, decimal, exchange, flagControl, move, multiply, random, shift, stack, string];
export const GENERAL: readonly Instruction[] = families.flatMap((family) => Object.values(family).flat());
