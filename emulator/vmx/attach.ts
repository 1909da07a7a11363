/** Gives a processor VMX: its capability MSRs, and what the current VMCS says to the MMU. */
import { ROOT_INTERCEPTS } from '../cpu/intercepts.js';
import { registerMsrs } from '../cpu/msrs.js';
import type { Processor } from '../cpu/processor.js';
import { VMX_MSRS } from './capabilities.js';
import { vmcsTranslation } from './entry.js';
import { vmxIntercepts } from './intercepts.js';

/** Once, when the machine is put together. */
export function attachVmx(cpu: Processor): void {
  registerMsrs(cpu, VMX_MSRS.map((msr) => ({ ...msr, feature: 'VMX' })));
  cpu.mmu.vmcs = vmcsTranslation(cpu);
  selectIntercepts(cpu);
}

/** After reset or restoring a snapshot. */
export function selectIntercepts(cpu: Processor): void { cpu.intercepts = cpu.nonRoot ? vmxIntercepts : ROOT_INTERCEPTS; }
