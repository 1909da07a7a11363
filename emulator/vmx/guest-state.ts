/** Between the guest-state area of the VMCS and the processor. SDM Vol. 3C, "Loading Guest State", "Saving Guest State". */
import { BTF, dr, writeDebugRegister } from '../cpu/debug-registers.js';
import { getRflags, RF, setRflags, TF } from '../cpu/flags.js';
import { S, SS } from '../cpu/layout.js';
import { BLOCKING, EFER, keptRf } from '../cpu/modes.js';
import type { Processor } from '../cpu/processor.js';
import { PIN, PROCESSOR, PROCESSOR_2, VM_ENTRY, VM_EXIT } from './controls.js';
import { preemptionTimerValue } from './preemption-timer.js';
import { slot, type Vmcs } from './vmcs.js';

const PIN_CONTROLS = slot('pin-based VM-execution controls'), EXIT_CONTROLS = slot('primary VM-exit controls'), ENTRY_CONTROLS = slot('VM-entry controls');
const PRIMARY_CONTROLS = slot('primary processor-based VM-execution controls'), SECONDARY_CONTROLS = slot('secondary processor-based VM-execution controls');
const CR0 = slot('guest CR0'), CR4 = slot('guest CR4'), DR7 = slot('guest DR7');
const DEBUGCTL = slot('guest IA32_DEBUGCTL'), PAT = slot('guest IA32_PAT'), EFER_FIELD = slot('guest IA32_EFER');
const RFLAGS = slot('guest RFLAGS');
const ACTIVITY = slot('guest activity state'), INTERRUPTIBILITY = slot('guest interruptibility state'), PENDING_DEBUG = slot('guest pending debug exceptions');
const TIMER = slot('VMX-preemption timer value');
const PDPTES = [slot('guest PDPTE0'), slot('guest PDPTE1'), slot('guest PDPTE2'), slot('guest PDPTE3')] as const;

export const secondaryControls = (vmcs: Vmcs): number =>
  (vmcs.low(PRIMARY_CONTROLS) & PROCESSOR['activate secondary controls']) !== 0 ? vmcs.low(SECONDARY_CONTROLS) : 0;

const saveWide = (cpu: Processor, vmcs: Vmcs, field: number, from: number): void => { vmcs.set(field, cpu.low(from), cpu.high(from)); };
const loadWide = (cpu: Processor, vmcs: Vmcs, field: number, to: number): void => { cpu.set(to, vmcs.low(field), vmcs.high(field)); };

/** CR0 bits that VM entries and exits leave alone: ET, CD, NW and the reserved ones. */
const CR0_UNTOUCHED = 0x7ffa_ffd0;
export const transitionCr0 = (old: number, loaded: number): number => ((old & CR0_UNTOUCHED) | (loaded & ~CR0_UNTOUCHED)) >>> 0;

const PENDING_BS = 1 << 14;

export function loadGuestRegisters(cpu: Processor, vmcs: Vmcs): void {
  const entry = vmcs.low(ENTRY_CONTROLS);
  cpu.cr0 = transitionCr0(cpu.cr0, vmcs.low(CR0));
  cpu.cr4 = vmcs.low(CR4);
  if ((entry & VM_ENTRY['load debug controls']) !== 0) {
    if (vmcs.low(DR7) !== cpu.low(dr(7))) writeDebugRegister(cpu, 7, vmcs.low(DR7), 0);
    loadWide(cpu, vmcs, DEBUGCTL, S.debugControl);
  }
  if ((entry & VM_ENTRY['load IA32_EFER']) !== 0) cpu.efer = vmcs.low(EFER_FIELD);
  else {
    const long = (entry & VM_ENTRY['IA-32e mode guest']) !== 0, paged = (vmcs.low(CR0) & 0x8000_0000) !== 0;
    const kept = cpu.efer & ~(paged ? EFER.LMA | EFER.LME : EFER.LMA);
    cpu.efer = long ? kept | EFER.LMA | EFER.LME : kept;
  }
  if ((entry & VM_ENTRY['load IA32_PAT']) !== 0) loadWide(cpu, vmcs, PAT, S.pat);

  cpu.stateMoves.loadGuest(vmcs.at);
  cpu.cpl = (cpu.attributes(SS) >> 5) & 3;
  cpu.nextRip = cpu.rip;
  const rflags = vmcs.low(RFLAGS);
  setRflags(cpu, (rflags & ~RF) | keptRf(cpu, rflags));
}

export function loadGuestNonRegisterState(cpu: Processor, vmcs: Vmcs): void {
  cpu.activity = vmcs.low(ACTIVITY);
  cpu.interruptibility = vmcs.low(INTERRUPTIBILITY);
  loadWide(cpu, vmcs, PENDING_DEBUG, S.pendingDebug);
}

const usesPdptes = (cpu: Processor): boolean => (cpu.cr0 & 0x8000_0000) !== 0 && (cpu.cr4 & 0x20) !== 0 && !cpu.longMode;

/** With PAE paging: from the VMCS if EPT is enabled, else from the table of CR3, already checked. */
export function loadGuestPdptes(cpu: Processor, vmcs: Vmcs): void {
  if (!usesPdptes(cpu)) return;
  if ((secondaryControls(vmcs) & PROCESSOR_2['enable EPT']) === 0) cpu.mmu.loadPdptes(cpu.cr3);
  else for (let n = 0; n < 4; n++) loadWide(cpu, vmcs, PDPTES[n]!, S.pdpte + 8 * n);
}

export function saveGuestState(cpu: Processor, vmcs: Vmcs): void {
  const exit = vmcs.low(EXIT_CONTROLS);
  vmcs.dirty |= cpu.stateMoves.saveGuest(vmcs.at);
  if ((exit & VM_EXIT['save debug controls']) !== 0) {
    saveWide(cpu, vmcs, DR7, dr(7));
    saveWide(cpu, vmcs, DEBUGCTL, S.debugControl);
  }
  if ((exit & VM_EXIT['save IA32_PAT']) !== 0) saveWide(cpu, vmcs, PAT, S.pat);
  if ((exit & VM_EXIT['save IA32_EFER']) !== 0) saveWide(cpu, vmcs, EFER_FIELD, S.efer);

  vmcs.set(RFLAGS, getRflags(cpu) >>> 0);

  vmcs.set(PENDING_DEBUG, pendingDebugExceptions(cpu), cpu.high(S.pendingDebug));
  if ((exit & VM_EXIT['save VMX-preemption timer value']) !== 0) vmcs.set(TIMER, preemptionTimerValue(cpu));

  const secondary = secondaryControls(vmcs);
  if ((secondary & PROCESSOR_2['enable EPT']) !== 0) for (let n = 0; n < 4; n++) saveWide(cpu, vmcs, PDPTES[n]!, S.pdpte + 8 * n);
  if ((secondary & PROCESSOR_2['unrestricted guest']) !== 0) {
    const entry = vmcs.low(ENTRY_CONTROLS), mask = VM_ENTRY['IA-32e mode guest'];
    vmcs.set(ENTRY_CONTROLS, (cpu.longMode ? entry | mask : entry & ~mask) >>> 0);
  }
}

/** Where delivery of the single-step trap is held up, the pending debug exceptions say so: VM entry demands it. */
function pendingDebugExceptions(cpu: Processor): number {
  const heldUp = (cpu.interruptibility & (BLOCKING.STI | BLOCKING.MOV_SS)) !== 0 && (cpu.low(S.rflags) & TF) !== 0 && (cpu.low(S.debugControl) & BTF) === 0;
  return heldUp ? cpu.low(S.pendingDebug) | PENDING_BS : cpu.low(S.pendingDebug);
}

export const hasPreemptionTimer = (vmcs: Vmcs): boolean => (vmcs.low(PIN_CONTROLS) & PIN['activate VMX-preemption timer']) !== 0;
