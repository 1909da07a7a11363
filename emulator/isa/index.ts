/** All instructions that the processor knows: decoder, interpreter, hovers and conformance tables read this list. */
import { GENERAL } from './general/index.js';
import type { Instruction } from './instruction.js';

export const INSTRUCTIONS: readonly Instruction[] = [...GENERAL];
