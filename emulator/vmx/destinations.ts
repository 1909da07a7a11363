/**
 * Where VM exits and VM entries of the current VMCS lead: what the fast TLB, the translated code and the float mode have to know of the world behind,
 * kept from one transition to the next so that generated code can make them (plain-transitions.ts).
 */
import { forgetDestinations, forgetEntries, keep } from '../cpu/known-worlds.js';
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { PIN, PROCESSOR, PROCESSOR_2, VM_EXIT } from './controls.js';
import { secondaryControls, usesPdptes } from './guest-state.js';
import { PART, slot, type Vmcs } from './vmcs.js';

const PIN_CONTROLS = slot('pin-based VM-execution controls'), PRIMARY_CONTROLS = slot('primary processor-based VM-execution controls'), EXIT_CONTROLS = slot('primary VM-exit controls');
const STORE_COUNT = slot('VM-exit MSR-store count'), LOAD_COUNT = slot('VM-exit MSR-load count'), ENTRY_LOAD_COUNT = slot('VM-entry MSR-load count');

/** Before VM entry: what the hypervisor has written since the last one. */
export function forgetRewritten(cpu: Processor, vmcs: Vmcs): void {
  if ((vmcs.dirty & (PART.controls | PART.host)) !== 0) forgetDestinations(cpu);
}

const movesMsrs = (vmcs: Vmcs): boolean => (vmcs.low(STORE_COUNT) | vmcs.low(LOAD_COUNT)) !== 0;
const asksAtEntry = (vmcs: Vmcs): boolean =>
  vmcs.low(ENTRY_LOAD_COUNT) !== 0 || (vmcs.low(PIN_CONTROLS) & PIN['activate VMX-preemption timer']) !== 0
  || (vmcs.low(PRIMARY_CONTROLS) & (PROCESSOR['monitor trap flag'] | PROCESSOR['use TPR shadow'])) !== 0;

/** In the guest, when its state has been saved: an entry that finds it unchanged leads back here. */
export function rememberGuest(cpu: Processor, vmcs: Vmcs): void {
  if (asksAtEntry(vmcs) || usesPdptes(cpu)) return forgetEntries(cpu);
  cpu.u32[S.entriesOf >> 2] = cpu.low(S.currentVmcs);
  keep(cpu, S.entryDestination);
}

/** In the host, after a VM exit of that VMCS. */
export function rememberHost(cpu: Processor, vmcs: Vmcs): void {
  const { u32 } = cpu, current = cpu.low(S.currentVmcs);
  if (u32[S.exitsOf >> 2] === current) return;
  const flushes = (secondaryControls(vmcs) & PROCESSOR_2['enable VPID']) === 0, timer = (vmcs.low(EXIT_CONTROLS) & VM_EXIT['save VMX-preemption timer value']) !== 0;
  if (flushes || timer || movesMsrs(vmcs) || !cpu.code64) return forgetDestinations(cpu);
  cpu.mmu.exitsLeadHere();
  u32[S.exitsOf >> 2] = current;
  keep(cpu, S.exitDestination);
}
