/** All instructions that the processor knows: decoder, interpreter, hovers and conformance tables read this list. */
import { AVX } from './avx/index.js';
import { GENERAL } from './general/index.js';
import type { Instruction } from './instruction.js';
import { MMX } from './mmx/index.js';
import { SSE } from './sse/index.js';
import { SYSTEM } from './system/index.js';
import { VMX } from './vmx/index.js';
import { X87 } from './x87/index.js';

export const INSTRUCTIONS: readonly Instruction[] = [...GENERAL, ...SYSTEM, ...VMX, ...MMX, ...SSE, ...AVX, ...X87];
