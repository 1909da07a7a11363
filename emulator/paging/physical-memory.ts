/** Where physical addresses are in the shared memory, and loads without side effects. */
import { MAP, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { NOWHERE } from '../memory/memory-map.js';
import { READ, type AccessKind } from './outcome.js';

const ALL_ONES = 0xffffffff;

/** With A20 masked, bit 20 of every physical address reads as 0. */
export function maskA20(cpu: Processor, physical: number): number {
  const mask = cpu.i32[S.a20Mask >> 2]!;
  return mask === -1 ? physical : physical - ((physical & ~mask) >>> 0);
}

const APIC_ENABLED = 0x800, APIC_EXTENDED = 0x400;

/** Whether an address lies in the page of the local APIC's registers, which is only there in xAPIC mode and hides what is behind it. */
export function isApicPage(cpu: Processor, physical: number): boolean {
  const low = cpu.low(S.apicBase);
  return (low & (APIC_ENABLED | APIC_EXTENDED)) === APIC_ENABLED && physical - (physical & 0xfff) === cpu.high(S.apicBase) * 2 ** 32 + ((low & ~0xfff) >>> 0);
}

/** The index into the shared memory of what answers there to such an access; NOWHERE when it is a device, or nobody. */
export function hostOf(cpu: Processor, physical: number, kind: AccessKind): number {
  const place = isApicPage(cpu, physical) ? NOWHERE : cpu.mmu.map.place(physical, kind);
  return place === NOWHERE ? NOWHERE : MAP.guestMemory + place;
}

/** Whether a store to memory is no more than that: it holds no translated code, and what is read there is what was written. */
export const isPlain = (cpu: Processor, physical: number, host: number): boolean => cpu.mmu.codePages[(host - MAP.guestMemory) >>> 12] === 0 && hostOf(cpu, physical, READ) === host;

/** An aligned dword of memory; all ones where there is none: a walk never touches a device. */
export function load32(cpu: Processor, physical: number): number {
  const at = cpu.mmu.map.place(maskA20(cpu, physical), READ);
  return at === NOWHERE ? ALL_ONES : cpu.u32[(MAP.guestMemory + at) >>> 2]!;
}
