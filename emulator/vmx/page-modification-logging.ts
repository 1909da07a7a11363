/** SDM Vol. 3C, "Page-Modification Logging". */
import { ExitDue } from '../cpu/events.js';
import type { Processor } from '../cpu/processor.js';
import { writePhysical64 } from '../paging/access.js';
import { PROCESSOR_2 } from './controls.js';
import { exitSentence, vmExit } from './exit.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { secondaryControls } from './guest-state.js';
import { nmiUnblocking } from './nmi-unblocking.js';
import { currentVmcs, slot } from './vmcs.js';

const INDEX = slot('PML index'), ADDRESS = slot('PML address');
const ENTRIES = 512, ENTRY_BYTES = 8;

/** Before a dirty flag is set in EPT: the log goes downwards, and is full when its index is none of an entry. */
export function logDirty(cpu: Processor, guestPhysical: number): void {
  const vmcs = currentVmcs(cpu);
  if ((secondaryControls(vmcs) & PROCESSOR_2['enable PML']) === 0) return;
  const index = vmcs.low(INDEX) & 0xffff;
  if (index >= ENTRIES) throw new ExitDue(() => { logFull(cpu, index, guestPhysical); });
  writePhysical64(cpu, vmcs.unsigned(ADDRESS) + ENTRY_BYTES * index, BigInt(guestPhysical));
  vmcs.report(INDEX, (index - 1) & 0xffff);
}

function logFull(cpu: Processor, index: number, guestPhysical: number): void {
  const during = cpu.delivering, unblocking = during === undefined ? nmiUnblocking(cpu) : 0;
  vmExit(cpu, EXIT_REASONS.PAGE_MODIFICATION_LOG_FULL.number, unblocking, exitSentence(() => `the PML index is ${index}, so that guest-physical page 0x${guestPhysical.toString(16)} cannot be logged`), during);
}
