/** MXCSR before and after an SSE operation. SDM Vol. 1, "MXCSR Control and Status Register", "SIMD Floating-Point Exceptions". */
import { ALL_FLAGS, environment, PRE_COMPUTATION } from '../float/environment.js';
import { setZero, type SoftFloat } from '../float/number.js';
import { exception } from './events.js';
import { MXCSR, updateFloatMode } from './float-mode.js';
import { S } from './layout.js';
import { CR4 } from './modes.js';
import type { Processor } from './processor.js';

export const env = environment('first');

export function begin(cpu: Processor): void {
  const mxcsr = cpu.u32[S.mxcsr >> 2]!;
  env.rounding = (mxcsr >> 13) & 3;
  env.masked = (mxcsr >> 7) & ALL_FLAGS;
  env.flushToZero = (mxcsr & MXCSR.FTZ) !== 0;
  env.denormalsAreZero = (mxcsr & MXCSR.DAZ) !== 0;
  env.flags = 0;
}

/** "denormals are zeros": the sign stays, and no denormal is reported. */
export function applyDaz(a: SoftFloat): void { if (a.denormal && env.denormalsAreZero) setZero(a, a.negative); }

/** Reports what all elements together have collected. An unmasked pre-computation exception hides the others. */
export function finish(cpu: Processor): void {
  const unmaskedBefore = env.flags & PRE_COMPUTATION & ~env.masked;
  const flags = unmaskedBefore ? env.flags & PRE_COMPUTATION : env.flags;
  if (flags === 0) return;
  const at = S.mxcsr >> 2, old = cpu.u32[at]!;
  if ((old | flags) !== old) {
    cpu.u32[at] = old | flags;
    updateFloatMode(cpu);
  }
  if ((flags & ~env.masked) === 0) return;
  throw cpu.cr4 & CR4.OSXMMEXCPT
    ? exception('#XM', 0, 'an unmasked SIMD floating-point exception')
    : exception('#UD', 0, 'an unmasked SIMD floating-point exception while CR4.OSXMMEXCPT is 0');
}
