/** Gives a processor VMX: its capability MSRs, what exits, and what the current VMCS says to the MMU. */
import { registerMsrs } from '../cpu/msrs.js';
import type { Processor } from '../cpu/processor.js';
import { VMX_MSRS } from './capabilities.js';
import { vmcsTranslation } from './entry.js';
import { writeFieldAccess } from './field-access.js';
import { type StateMoves, stateMoves } from './state-moves.js';
import { vmxIntercepts } from './intercepts.js';

/** Once, when the machine is put together and has its MMU. */
export function attachVmx(cpu: Processor, moves: StateMoves = stateMoves(cpu.memory)): void {
  registerMsrs(cpu, VMX_MSRS);
  cpu.mmu.vmcs = vmcsTranslation(cpu);
  cpu.stateMoves = moves;
  writeFieldAccess(cpu);
  cpu.nonRootIntercepts = vmxIntercepts;
}
