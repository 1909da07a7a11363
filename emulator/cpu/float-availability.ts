/** Why an x87, MMX, SSE or AVX instruction may not run: the exception is chosen here, that there is one was seen in WebAssembly. SDM Vol. 3, "Device-Not-Available Exception", "x87 FPU Floating-Point Error". */
import { ABANDON, type Abandon, exception } from './events.js';
import { avxEnabled } from './float-mode.js';
import { S } from './layout.js';
import { ACTIVITY, CR0, CR4 } from './modes.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';

function deviceNotAvailable(why: string): never { throw exception('#NM', 0, why); }

/**
 * #MF at the next waiting instruction. Without CR0.NE the processor asserts FERR# there, and stops until an interrupt comes. IGNNE#, by which the instruction
 * would go on although the exception is still pending, is not there: it is met again. SDM Vol. 3, "Control Registers", NE.
 */
export function floatingPointError(cpu: Processor): Abandon {
  if (cpu.cr0 & CR0.NE) throw exception('#MF', 0, `an unmasked x87 exception is pending (status word 0x${cpu.low(S.fsw).toString(16)})`);
  cpu.signalFloatError();
  cpu.activity = ACTIVITY.HLT;
  return ABANDON;
}

function x87Unavailable(cpu: Processor): Abandon {
  if (cpu.cr0 & CR0.EM) deviceNotAvailable('CR0.EM is set');
  if (cpu.cr0 & CR0.TS) deviceNotAvailable('CR0.TS is set');
  return floatingPointError(cpu);
}

export const AVAILABILITY_OPERATIONS: Operations = {
  'FPU unavailable': x87Unavailable,
  'MMX unavailable'(cpu) {
    if (cpu.cr0 & CR0.EM) throw exception('#UD', 0, 'CR0.EM is set');
    return x87Unavailable(cpu);
  },
  'SSE unavailable'(cpu) {
    if (cpu.cr0 & CR0.EM) throw exception('#UD', 0, 'CR0.EM is set');
    if (!(cpu.cr4 & CR4.OSFXSR)) throw exception('#UD', 0, 'CR4.OSFXSR is clear');
    deviceNotAvailable('CR0.TS is set');
  },
  'AVX unavailable'(cpu) {
    if (!(cpu.cr4 & CR4.OSXSAVE)) throw exception('#UD', 0, 'CR4.OSXSAVE is clear');
    if (!avxEnabled(cpu)) throw exception('#UD', 0, 'XCR0 does not enable SSE and AVX state');
    deviceNotAvailable('CR0.TS is set');
  },
  'WAIT unavailable'(cpu) {
    if ((cpu.cr0 & (CR0.MP | CR0.TS)) === (CR0.MP | CR0.TS)) deviceNotAvailable('CR0.TS and CR0.MP are set');
    return floatingPointError(cpu);
  },
};
