/** SDM Vol. 3C, "PAUSE-Loop Exiting". */
import type { Processor } from '../cpu/processor.js';
import { PROCESSOR_2 } from './controls.js';
import { exitInstead } from './exit.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { VMX_STATE } from './state.js';
import { slot, type Vmcs } from './vmcs.js';

const GAP = slot('PLE_Gap'), WINDOW = slot('PLE_Window');

/** A PAUSE at CPL 0: the loop is new when the last one lies further back than PLE_Gap, and exits when it lasts longer than PLE_Window. */
export function pauseLoop(cpu: Processor, vmcs: Vmcs, secondary: number): void {
  if ((secondary & PROCESSOR_2['PAUSE-loop exiting']) === 0 || cpu.cpl !== 0) return;
  const now = Number(cpu.readTsc()), last = cpu.number(VMX_STATE.lastPause);
  cpu.setNumber(VMX_STATE.lastPause, now);
  if (last === 0 || now - last > vmcs.low(GAP)) {
    cpu.setNumber(VMX_STATE.firstPause, now);
    return;
  }
  if (now - cpu.number(VMX_STATE.firstPause) > vmcs.low(WINDOW)) {
    exitInstead(cpu, EXIT_REASONS.PAUSE.number, 0, () => 'the "PAUSE-loop exiting" VM-execution control is 1 and the loop has lasted longer than PLE_Window');
  }
}
