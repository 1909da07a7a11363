/** Gives a processor VMX: its capability MSRs, what exits, and what the current VMCS says to the MMU. */
import { ROOT_INTERCEPTS } from '../cpu/intercepts.js';
import { registerMsrs } from '../cpu/msrs.js';
import type { Processor } from '../cpu/processor.js';
import { VMX_MSRS } from './capabilities.js';
import { vmcsTranslation } from './entry.js';
import { writeFieldAccess } from './field-access.js';
import { stateMoves } from './state-moves.js';
import { vmxIntercepts } from './intercepts.js';

/** Once, when the machine is put together and has its MMU. */
export function attachVmx(cpu: Processor): void {
  registerMsrs(cpu, VMX_MSRS);
  cpu.mmu.vmcs = vmcsTranslation(cpu);
  cpu.stateMoves = stateMoves(cpu.memory);
  writeFieldAccess(cpu);
  selectIntercepts(cpu);
}

/** After reset or restoring a snapshot; VM entries and exits do it themselves. */
export function selectIntercepts(cpu: Processor): void { cpu.intercepts = cpu.nonRoot ? vmxIntercepts : ROOT_INTERCEPTS; }
