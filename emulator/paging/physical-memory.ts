/** Loads from physical memory without side effects. */
import { MAP, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';

const ALL_ONES = 0xffffffff;

/** With A20 masked, bit 20 of every physical address reads as 0. */
export function maskA20(cpu: Processor, physical: number): number {
  const mask = cpu.i32[S.a20Mask >> 2]!;
  return mask === -1 ? physical : physical - ((physical & ~mask) >>> 0);
}

/** An aligned dword of RAM; all ones where there is none: a walk never touches a device. */
export function load32(cpu: Processor, physical: number): number {
  const at = maskA20(cpu, physical);
  return at < cpu.guestBytes ? cpu.u32[(MAP.guestMemory + at) >>> 2]! : ALL_ONES;
}
