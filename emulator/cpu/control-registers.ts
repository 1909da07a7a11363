/** Control registers: what may be written, and what follows from it. SDM Vol. 3, "Control Registers"; Vol. 2, "MOV—Move to/from Control Registers". */
import { MAXPHYADDR } from '../paging/capabilities.js';
import { Exception, VECTORS } from './events.js';
import { CS, S } from './layout.js';
import { CR0, CR4, EFER } from './modes.js';
import { ATTRIBUTE_L, type Processor } from './processor.js';
import { tss16 } from './task-state.js';

const fault = (why: string): Exception => new Exception(VECTORS['#GP'], 0, 0, why);
function demand(holds: boolean, why: string): void { if (!holds) throw fault(why); }

/** Bits that CR0 has; ET is always 1. Writing the others is ignored in the lower half. */
export const CR0_BITS = Object.values(CR0).reduce((bits, bit) => (bits | bit) >>> 0, 0);
/** In VMX root operation these are fixed to 1. SDM Vol. 3, "Restrictions on VMX Operation". */
const CR0_FIXED_IN_VMX = (CR0.PE | CR0.NE | CR0.PG) >>> 0;

/** CR4 bits that exist only with a CPUID feature; those without one always exist. */
const CR4_FEATURES: Readonly<Partial<Record<keyof typeof CR4, string>>> = {
  VME: 'VME', PVI: 'VME', LA57: 'LA57', VMXE: 'VMX', SMXE: 'SMX', FSGSBASE: 'FSGSBASE', PCIDE: 'PCID', OSXSAVE: 'XSAVE', SMEP: 'SMEP',
  SMAP: 'SMAP', PKE: 'PKU', UMIP: 'UMIP',
};
/** CR4 bits that this processor has. */
export const cr4Bits = (cpu: Processor): number =>
  (Object.keys(CR4) as (keyof typeof CR4)[]).filter((bit) => cpu.features.has(CR4_FEATURES[bit] ?? '') || !(bit in CR4_FEATURES))
    .reduce((bits, bit) => bits | CR4[bit], 0);

const set = (value: number, bit: number): boolean => (value & bit) !== 0;
const paePaging = (cr0: number, cr4: number, efer: number): boolean => set(cr0, CR0.PG) && set(cr4, CR4.PAE) && !set(efer, EFER.LMA);

function loadPdptes(cpu: Processor, cr3: number): void {
  demand(cpu.mmu.loadPdptes(cr3), `a PDPTE at 0x${cr3.toString(16)} has a reserved bit set`);
}

/** Each of these checks as the MOV does (#GP(0)) and performs all effects; it asks nobody for VM exits. `high`: bits 63:32. */
export function writeCr0(cpu: Processor, value: number, high = 0): void {
  const old = cpu.cr0, changed = value ^ old;
  demand(high === 0, 'CR0: a bit above 31 is set');
  demand(!set(value, CR0.NW) || set(value, CR0.CD), 'CR0: NW is set without CD');
  demand(!set(value, CR0.PG) || set(value, CR0.PE), 'CR0: PG is set without PE');
  if (cpu.low(S.vmxOn) !== 0 && !cpu.nonRoot)
    demand((value & CR0_FIXED_IN_VMX) >>> 0 === CR0_FIXED_IN_VMX, 'CR0: PE, NE and PG must be 1 in VMX operation');
  let { efer } = cpu;
  if (set(changed, CR0.PG)) {
    if (set(value, CR0.PG) && set(efer, EFER.LME)) {
      demand(set(cpu.cr4, CR4.PAE), 'CR0.PG with IA32_EFER.LME needs CR4.PAE');
      demand((cpu.attributes(CS) & ATTRIBUTE_L) === 0, 'CR0.PG with IA32_EFER.LME: CS.L is set');
      demand(!tss16(cpu), 'CR0.PG with IA32_EFER.LME: TR holds a 16-bit TSS');
      efer |= EFER.LMA;
    } else if (!set(value, CR0.PG)) {
      demand(!cpu.code64, 'CR0.PG cannot be cleared in 64-bit mode');
      demand(!set(cpu.cr4, CR4.PCIDE), 'CR0.PG cannot be cleared while CR4.PCIDE is 1');
      efer &= ~EFER.LMA;
    }
  }
  if (paePaging(value, cpu.cr4, efer) && set(changed, CR0.CD | CR0.NW | CR0.PG)) loadPdptes(cpu, cpu.cr3);
  cpu.cr0 = ((value & CR0_BITS) | CR0.ET) >>> 0;
  cpu.efer = efer;
  cpu.mmu.cr0Changed(old);
  cpu.modeChanged();
}

const NO_FLUSH = 0x80000000;

export function writeCr3(cpu: Processor, value: number, high = 0): void {
  const pcids = set(cpu.cr4, CR4.PCIDE);
  const keep = pcids && set(high, NO_FLUSH);
  const upper = keep ? (high & ~NO_FLUSH) >>> 0 : high >>> 0;
  demand(upper >>> (MAXPHYADDR - 32) === 0, `CR3: a bit above the physical-address width (${MAXPHYADDR}) is set`);
  const cr3 = upper * 2 ** 32 + (value >>> 0);
  if (paePaging(cpu.cr0, cpu.cr4, cpu.efer)) loadPdptes(cpu, cr3);
  cpu.set(S.cr3, value >>> 0, upper);
  cpu.mmu.loadCr3(!keep);
  cpu.modeChanged();
}

export function writeCr4(cpu: Processor, value: number, high = 0): void {
  const old = cpu.cr4, changed = value ^ old;
  demand(high === 0 && (value & ~cr4Bits(cpu)) === 0, `CR4: bits 0x${((value & ~cr4Bits(cpu)) >>> 0).toString(16)} are reserved`);
  if (set(cpu.efer, EFER.LMA)) demand(set(value, CR4.PAE), 'CR4.PAE cannot be cleared in IA-32e mode');
  if (set(changed, CR4.PCIDE) && set(value, CR4.PCIDE)) {
    demand(set(cpu.efer, EFER.LMA), 'CR4.PCIDE can be set only in IA-32e mode');
    demand((cpu.cr3 & 0xfff) === 0, 'CR4.PCIDE can be set only while CR3[11:0] is 0');
  }
  if (cpu.low(S.vmxOn) !== 0 && !cpu.nonRoot) demand(set(value, CR4.VMXE), 'CR4.VMXE must be 1 in VMX operation');
  if (paePaging(cpu.cr0, value, cpu.efer) && set(changed, CR4.PAE | CR4.PSE | CR4.PGE | CR4.SMEP)) loadPdptes(cpu, cpu.cr3);
  cpu.cr4 = value >>> 0;
  cpu.mmu.cr4Changed(old);
  cpu.modeChanged();
}

export function writeCr8(cpu: Processor, value: number, high = 0): void {
  demand(high === 0 && (value & ~0xf) === 0, 'CR8: a bit above 3 is set');
  if (!cpu.intercepts.setTaskPriority(cpu, value)) cpu.localApic.taskPriority = value << 4;
}

/** SDM Vol. 3, "Interaction of Task Priorities between CR8 and APIC". */
export const readCr8 = (cpu: Processor): number => cpu.intercepts.readCr(cpu, 8);

/** WRMSR of IA32_EFER. SDM Vol. 4, "IA32_EFER"; LMA is not written. */
export function writeEfer(cpu: Processor, value: number, high: number): void {
  const old = cpu.efer;
  const bits = (cpu.features.has('SYSCALL') ? EFER.SCE : 0) | (cpu.features.has('LM') ? EFER.LME | EFER.LMA : 0) | (cpu.features.has('NX') ? EFER.NXE : 0);
  demand(high === 0 && (value & ~bits) === 0, 'IA32_EFER: a reserved bit is set');
  demand(!set(cpu.cr0, CR0.PG) || !set(old ^ value, EFER.LME), 'IA32_EFER.LME cannot be changed while CR0.PG is 1');
  cpu.efer = (value & ~EFER.LMA) | (old & EFER.LMA);
  if (set(old ^ value, EFER.NXE)) cpu.mmu.flushAll();
  cpu.modeChanged();
}
