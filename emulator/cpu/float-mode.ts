/** What control registers and MXCSR allow of x87, MMX and SSE. SDM Vol. 3, "Control Registers", "Checking for SSE Support". */
import { CR0, CR4 } from './modes.js';
import { S } from './layout.js';
import type { Processor } from './processor.js';

/** Bits of S.fpuTraps: who must not simply go on. */
export const TRAPS = { x87: 1, sse: 2, wait: 4, avx: 8 } as const;

export const MXCSR = { DAZ: 1 << 6, RC: 3 << 13, FTZ: 1 << 15, MASKS: 0x3f << 7, PE: 1 << 5 } as const;
const FAST_BITS = MXCSR.DAZ | MXCSR.RC | MXCSR.FTZ | MXCSR.MASKS | MXCSR.PE;
const FAST = MXCSR.MASKS | MXCSR.PE;

/** Bits of XCR0 that AVX needs. SDM Vol. 1, "Enabling the XSAVE Feature Set and XSAVE-Enabled Features". */
const XCR0_SSE_AVX = 6;
export const avxEnabled = (cpu: Processor): boolean => (cpu.cr4 & CR4.OSXSAVE) !== 0 && (cpu.low(S.xcr0) & XCR0_SSE_AVX) === XCR0_SSE_AVX;

/** Call it when CR0, CR4, XCR0 or MXCSR has changed. */
export function updateFloatMode(cpu: Processor): void {
  const { cr0, u32 } = cpu;
  const emulated = (cr0 & (CR0.EM | CR0.TS)) !== 0;
  u32[S.fpuTraps >> 2] = (emulated ? TRAPS.x87 | TRAPS.sse : 0) | (cpu.cr4 & CR4.OSFXSR ? 0 : TRAPS.sse)
    | (cr0 & CR0.TS || !avxEnabled(cpu) ? TRAPS.avx : 0)
    | ((cr0 & (CR0.MP | CR0.TS)) === (CR0.MP | CR0.TS) ? TRAPS.wait : 0);
  u32[S.sseFast >> 2] = (u32[S.mxcsr >> 2]! & FAST_BITS) === FAST ? 1 : 0;
}
