import type { Instruction } from '../instruction.js';
import * as controlRegisters from './control-registers.js';
import * as descriptorQueries from './descriptor-queries.js';
import { LGDT, LIDT, LLDT, LTR, SGDT, SIDT, SLDT, STR } from './descriptor-tables.js';
import * as farTransfers from './far-transfers.js';
import * as flags from './flags.js';
import * as interrupts from './interrupts.js';
import * as ports from './ports.js';
import * as processorControl from './processor-control.js';
import { LDS, LES, LFS, LGS, LSS, MOV_FROM_SREG, MOV_TO_SREG, POP_SREG, PUSH_SREG } from './segment-registers.js';
import * as systemCalls from './system-calls.js';
import * as xsave from './xsave.js';

const families: readonly Record<string, Instruction | readonly Instruction[]>[] = [
  controlRegisters, descriptorQueries, { LGDT, LIDT, LLDT, LTR, SGDT, SIDT, SLDT, STR }, farTransfers, flags, interrupts, ports, processorControl,
  { LDS, LES, LFS, LGS, LSS, MOV_FROM_SREG, MOV_TO_SREG, POP_SREG, PUSH_SREG }, systemCalls, xsave,
];
export const SYSTEM: readonly Instruction[] = families.flatMap((family) => Object.values(family).flat());
