/** What happens between two instructions. SDM Vol. 3, "Priority Among Simultaneous Exceptions and Interrupts". */
import type { Processor } from './processor.js';

/** Takes the pending event of highest priority, if any. True: rip has changed (or a VM exit has been performed). */
export function serviceInterrupts(cpu: Processor): boolean { throw new Error(`not implemented: ${cpu.id}`); }
