/** What loading and saving guest state asks besides copying (state-moves.ts). SDM Vol. 3C, "Loading Guest State", "Saving Guest State". */
import { dr, writeDebugRegister } from '../cpu/debug-registers.js';
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { PIN, PROCESSOR, PROCESSOR_2, VM_ENTRY, VM_EXIT } from './controls.js';
import { preemptionTimerValue } from './preemption-timer.js';
import { slot, type Vmcs } from './vmcs.js';

const PIN_CONTROLS = slot('pin-based VM-execution controls'), EXIT_CONTROLS = slot('primary VM-exit controls'), ENTRY_CONTROLS = slot('VM-entry controls');
const PRIMARY_CONTROLS = slot('primary processor-based VM-execution controls'), SECONDARY_CONTROLS = slot('secondary processor-based VM-execution controls');
const DR7 = slot('guest DR7'), TIMER = slot('VMX-preemption timer value');
const PDPTES = [slot('guest PDPTE0'), slot('guest PDPTE1'), slot('guest PDPTE2'), slot('guest PDPTE3')] as const;

export const secondaryControls = (vmcs: Vmcs): number =>
  (vmcs.low(PRIMARY_CONTROLS) & PROCESSOR['activate secondary controls']) !== 0 ? vmcs.low(SECONDARY_CONTROLS) : 0;

export function loadGuestRegisters(cpu: Processor, vmcs: Vmcs): void {
  if ((vmcs.low(ENTRY_CONTROLS) & VM_ENTRY['load debug controls']) !== 0 && vmcs.low(DR7) !== cpu.low(dr(7))) writeDebugRegister(cpu, 7, vmcs.low(DR7), 0);
  cpu.stateMoves.loadGuest(vmcs.at);
  cpu.nextRip = cpu.rip;
  if (usesPdptes(cpu)) loadGuestPdptes(cpu, vmcs);
}

export const usesPdptes = (cpu: Processor): boolean => (cpu.cr0 & 0x8000_0000) !== 0 && (cpu.cr4 & 0x20) !== 0 && !cpu.longMode;

/** With PAE paging: from the VMCS if EPT is enabled, else from the table of CR3, already checked. */
function loadGuestPdptes(cpu: Processor, vmcs: Vmcs): void {
  if ((secondaryControls(vmcs) & PROCESSOR_2['enable EPT']) === 0) cpu.mmu.loadPdptes(cpu.cr3);
  else for (let n = 0; n < 4; n++) cpu.set(S.pdpte + 8 * n, vmcs.low(PDPTES[n]!), vmcs.high(PDPTES[n]!));
}

export function savePreemptionTimer(cpu: Processor, vmcs: Vmcs): void {
  if ((vmcs.low(EXIT_CONTROLS) & VM_EXIT['save VMX-preemption timer value']) !== 0) vmcs.set(TIMER, preemptionTimerValue(cpu));
}

export const hasPreemptionTimer = (vmcs: Vmcs): boolean => (vmcs.low(PIN_CONTROLS) & PIN['activate VMX-preemption timer']) !== 0;
