/** What IRET does to blocking by NMI, and how VM exits tell of it. SDM Vol. 3C, "Changes to Instruction Behavior in VMX Non-Root Operation". */
import { BLOCKING } from '../cpu/modes.js';
import type { Processor } from '../cpu/processor.js';
import { PIN } from './controls.js';
import { NMI_UNBLOCKING } from './exit.js';
import { VMX_STATE } from './state.js';
import { currentVmcs, slot } from './vmcs.js';

const PIN_CONTROLS = slot('pin-based VM-execution controls');

/** IRET unblocks NMIs though it then faults: the exit says so. SDM Vol. 3C, "Information for VM Exits Due to Vectored Events". */
export const nmiUnblocking = (cpu: Processor): number =>
  (cpu.number(VMX_STATE.nmisUnblockedAt) === thisInstruction(cpu) ? NMI_UNBLOCKING : 0);

export function iretUnblocksNmis(cpu: Processor): boolean {
  const controls = currentVmcs(cpu).low(PIN_CONTROLS), unblocks = (controls & PIN['NMI exiting']) === 0 || (controls & PIN['virtual NMIs']) !== 0;
  if (unblocks && (cpu.interruptibility & BLOCKING.NMI) !== 0) cpu.setNumber(VMX_STATE.nmisUnblockedAt, thisInstruction(cpu));
  return unblocks;
}
/** Never 0, which stands for none. */
const thisInstruction = (cpu: Processor): number => cpu.instructionCount() + 1;
