/** Debug registers. SDM Vol. 3, "Debug Registers"; Vol. 2, "MOV—Move to/from Debug Registers". */
import { Exception, NotImplemented, VECTORS } from './events.js';
import { S } from './layout.js';
import { CR4 } from './modes.js';
import type { Processor } from './processor.js';

/** Bits of DR6; those of DR6_FIXED always read as 1. The B0–B3, BD and BS bits stand as in the VMCS pending debug exceptions. */
export const DR6 = { BD: 1 << 13, BS: 1 << 14 } as const;
export const DR6_FIXED = 0xffff0ff0, DR7_FIXED = 0x400;
const DR6_WRITABLE = 0xe00f, DR7_WRITABLE = 0xffff2bff, DR7_GD = 1 << 13;

export const dr = (n: number): number => S.dr + 8 * n;

/** Checks common to both directions; returns the register meant (DR4 and DR5 are DR6 and DR7 while CR4.DE is 0). */
export function debugRegister(cpu: Processor, n: number): number {
  if ((n === 4 || n === 5) && cpu.cr4 & CR4.DE) throw new Exception(VECTORS['#UD'], 0, 0, `DR${n} with CR4.DE`);
  if (n > 7) throw new Exception(VECTORS['#UD'], 0, 0, `there is no DR${n}`);
  if (cpu.cpl !== 0) throw new Exception(VECTORS['#GP'], 0, 0, `access to DR${n} at CPL ${cpu.cpl}`);
  return n === 4 || n === 5 ? n + 2 : n;
}

/** General detect: any access while DR7.GD is 1. */
export function checkGeneralDetect(cpu: Processor): void {
  if (cpu.low(dr(7)) & DR7_GD) throw new Exception(VECTORS['#DB'], 0, 0, 'access to a debug register with DR7.GD', DR6.BD);
}

export function writeDebugRegister(cpu: Processor, n: number, low: number, high: number): void {
  if (n < 4) { cpu.set(dr(n), low, high); return; }
  if (high !== 0) throw new Exception(VECTORS['#GP'], 0, 0, `DR${n}: a bit above 31 is set`);
  if (n === 6) { cpu.set(dr(6), ((low & DR6_WRITABLE) | DR6_FIXED) >>> 0, 0); return; }
  for (let b = 0; b < 4; b++) {
    const enabled = (low >>> (2 * b)) & 3, kind = (low >>> (16 + 4 * b)) & 3;
    if (enabled && kind !== 0) throw new NotImplemented(`data and I/O breakpoints (DR7 = 0x${low.toString(16)})`);
  }
  cpu.set(dr(7), ((low & DR7_WRITABLE) | DR7_FIXED) >>> 0, 0);
}

/** Which instruction breakpoints (as DR6 bits) hit at a linear address. */
export function instructionBreakpoints(cpu: Processor, linear: number): number {
  const dr7 = cpu.low(dr(7));
  let hit = 0;
  for (let b = 0; b < 4; b++)
    if ((dr7 >>> (2 * b)) & 3 && ((dr7 >>> (16 + 4 * b)) & 3) === 0 && cpu.number(dr(b)) === linear) hit |= 1 << b;
  return hit;
}
