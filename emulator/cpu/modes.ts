/** Modes of operation and what an address may be in them. SDM Vol. 3, "Modes of Operation". */
import { CS, S } from './layout.js';
import { ATTRIBUTE_DB, type Processor } from './processor.js';
import { RF } from './flags.js';

export const CR0 = { PE: 1, MP: 2, EM: 4, TS: 8, ET: 0x10, NE: 0x20, WP: 0x10000, AM: 0x40000, NW: 0x20000000, CD: 0x40000000, PG: 0x80000000 } as const;
export const CR4 = {
  VME: 1, PVI: 2, TSD: 4, DE: 8, PSE: 0x10, PAE: 0x20, MCE: 0x40, PGE: 0x80, PCE: 0x100, OSFXSR: 0x200, OSXMMEXCPT: 0x400,
  UMIP: 0x800, LA57: 0x1000, VMXE: 0x2000, SMXE: 0x4000, FSGSBASE: 0x10000, PCIDE: 0x20000, OSXSAVE: 0x40000, SMEP: 0x100000,
  SMAP: 0x200000, PKE: 0x400000,
} as const;
export const EFER = { SCE: 1, LME: 0x100, LMA: 0x400, NXE: 0x800 } as const;

/** Bits of S.interruptibility and values of S.activity. SDM Vol. 3, "Guest Non-Register State". */
export const BLOCKING = { STI: 1, MOV_SS: 2, SMI: 4, NMI: 8 } as const;
export const ACTIVITY = { active: 0, HLT: 1, shutdown: 2, waitForSipi: 3 } as const;

export type Mode = 'real-address mode' | 'virtual-8086 mode' | 'protected mode' | 'compatibility mode' | '64-bit mode';
export function modeOf(cpu: Processor): Mode {
  if (!cpu.protectedMode) return 'real-address mode';
  if (cpu.virtual8086) return 'virtual-8086 mode';
  if (!cpu.longMode) return 'protected mode';
  return cpu.code64 ? '64-bit mode' : 'compatibility mode';
}

/** A linear address whose bits 63:47 are equal. A number of any size will do: what is not exact is not canonical. */
export const canonical = (address: number): boolean => address >= -0x800000000000 && address < 0x800000000000;

/** In a system table (GDT, LDT, IDT, TSS): linear addresses have 64 bits in IA-32e mode, 32 otherwise. */
export const systemLinear = (cpu: Processor, base: number, offset: number): number =>
  cpu.longMode ? base + offset : (base + offset) >>> 0;

/** Default size of code: 16, 32 or 64. */
export function codeSize(cpu: Processor): 16 | 32 | 64 {
  if (cpu.code64) return 64;
  return cpu.attributes(CS) & ATTRIBUTE_DB ? 32 : 16;
}

/** An instruction that goes on elsewhere: both, so that it holds whether an instruction or an event brought us here. */
export function goTo(cpu: Processor, offset: number): void {
  cpu.rip = offset;
  cpu.nextRip = offset;
}

export const setRflagsBits = (cpu: Processor, clear: number, set: number): void => {
  cpu.u32[S.rflags >> 2] = (cpu.low(S.rflags) & ~clear) | set | 2;
};

/**
 * RF only lasts until the next instruction is done, and only an instruction breakpoint asks for it: without an enabled
 * breakpoint in DR7 it is dropped at once, so that nobody has to clear it after every instruction.
 */
export const keptRf = (cpu: Processor, rflags: number): number => (cpu.low(S.dr + 56) & 0xff ? rflags & RF : 0);
