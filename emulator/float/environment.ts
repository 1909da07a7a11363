/** Under what rules an operation rounds and what it reports. SDM Vol. 1, "Overview of Floating-Point Exceptions", "Rounding". */

/** Exception flags: their places are the same in MXCSR and in the x87 status word. */
export const IE = 1, DE = 2, ZE = 4, OE = 8, UE = 16, PE = 32, ALL_FLAGS = 63;
/** "Pre-computation" exceptions are found before anything is computed, the others afterwards. */
export const PRE_COMPUTATION = IE | DE | ZE;

/** Rounding control, as encoded in MXCSR.RC and FCW.RC. */
export const NEAREST = 0, DOWN = 1, UP = 2, TOWARD_ZERO = 3;

export interface Environment {
  rounding: number;
  /** Flags whose exception is masked. */
  masked: number;
  flushToZero: boolean;
  denormalsAreZero: boolean;
  /** Bits of significand that arithmetic keeps in the double extended format: x87 precision control. */
  precision: 24 | 53 | 64;
  /** Collected by operations. */
  flags: number;
  /** Whether the last rounding went away from zero (x87: C1). */
  roundedUp: boolean;
  /** Which NaN survives two: the first operand (SSE) or the larger significand (x87). */
  readonly nanRule: 'first' | 'larger';
}

export const environment = (nanRule: Environment['nanRule']): Environment =>
  ({ rounding: NEAREST, masked: ALL_FLAGS, flushToZero: false, denormalsAreZero: false, precision: 64, flags: 0, roundedUp: false, nanRule });
