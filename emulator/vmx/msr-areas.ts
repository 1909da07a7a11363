/** Lists of MSRs that VM entries and exits load and store. SDM Vol. 3C, "Loading MSRs", "Saving MSRs". */
import { Exception } from '../cpu/events.js';
import { readMsr, writeMsr } from '../cpu/msrs.js';
import type { Processor } from '../cpu/processor.js';
import { readPhysical32, readPhysical64, writePhysical64 } from '../paging/access.js';
import type { Slot, Vmcs } from './vmcs.js';

const ENTRY_BYTES = 16;
const FS_BASE = 0xc000_0100, GS_BASE = 0xc000_0101, SMM_MONITOR_CTL = 0x9b, SMBASE = 0x9e, BIOS_UPDT_TRIG = 0x79;
const X2APIC_FIRST = 0x800, X2APIC_LAST = 0x8ff;

/** An entry that must not be there, and why. */
export interface BadEntry { readonly number: number; readonly why: string }

const hex = (n: number): string => `0x${n.toString(16)}`;

function forbidden(index: number, reserved: number, loading: boolean): string | undefined {
  if (reserved !== 0) return 'bits 63:32 are not 0';
  if (index >= X2APIC_FIRST && index <= X2APIC_LAST) return `${hex(index)} belongs to the x2APIC`;
  if (loading && (index === FS_BASE || index === GS_BASE)) return `${index === FS_BASE ? 'IA32_FS_BASE' : 'IA32_GS_BASE'} may not be loaded`;
  if (loading && index === SMM_MONITOR_CTL) return 'IA32_SMM_MONITOR_CTL may be written only in SMM';
  if (loading && index === BIOS_UPDT_TRIG) return 'IA32_BIOS_UPDT_TRIG may not be loaded';
  if (!loading && index === SMBASE) return 'IA32_SMBASE may be read only in SMM';
  return undefined;
}

function eachEntry(cpu: Processor, vmcs: Vmcs, count: Slot, address: Slot, loading: boolean, act: (index: number, at: number) => void): BadEntry | undefined {
  const entries = vmcs.low(count), first = vmcs.unsigned(address);
  for (let i = 0; i < entries; i++) {
    const at = first + ENTRY_BYTES * i, index = readPhysical32(cpu, at);
    const why = forbidden(index, readPhysical32(cpu, at + 4), loading);
    if (why !== undefined) return { number: i + 1, why };
    try { act(index, at + 8); }
    catch (thrown) {
      if (!(thrown instanceof Exception)) throw thrown;
      return { number: i + 1, why: `${loading ? 'WRMSR' : 'RDMSR'} of ${hex(index)} would fault${thrown.why ? `: ${thrown.why}` : ''}` };
    }
  }
  return undefined;
}

export const loadMsrs = (cpu: Processor, vmcs: Vmcs, count: Slot, address: Slot): BadEntry | undefined =>
  eachEntry(cpu, vmcs, count, address, true, (index, at) => { writeMsr(cpu, index, readPhysical64(cpu, at)); });
export const storeMsrs = (cpu: Processor, vmcs: Vmcs, count: Slot, address: Slot): BadEntry | undefined =>
  eachEntry(cpu, vmcs, count, address, false, (index, at) => { writePhysical64(cpu, at, readMsr(cpu, index)); });
