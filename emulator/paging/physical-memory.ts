/** Loads from physical memory without side effects. */
import { MAP, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';

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

/** Whether memory answers there. */
export const isRam = (cpu: Processor, physical: number, bytes: number): boolean => physical + bytes <= cpu.guestBytes && !isApicPage(cpu, physical);

/** An aligned dword of RAM; all ones where there is none: a walk never touches a device. */
export function load32(cpu: Processor, physical: number): number {
  const at = maskA20(cpu, physical);
  return at < cpu.guestBytes ? cpu.u32[(MAP.guestMemory + at) >>> 2]! : ALL_ONES;
}
