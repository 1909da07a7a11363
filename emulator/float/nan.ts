/** What operations make of NaNs. SDM Vol. 1, "Operating on SNaNs and QNaNs", "Rules for Handling NaNs". */
import { type Environment, IE } from './environment.js';
import { copy, isNan, QNAN, QUIET_BIT, setIndefinite, SNAN, type SoftFloat, UNSUPPORTED } from './number.js';

export function quiet(r: SoftFloat): void {
  r.kind = QNAN;
  r.high = (r.high | QUIET_BIT) >>> 0;
}

export function invalid(r: SoftFloat, env: Environment): void {
  env.flags |= IE;
  setIndefinite(r);
}

/** If the operand is a NaN or has no meaning at all, puts what becomes of it into `r`. */
export function fromNan(a: SoftFloat, r: SoftFloat, env: Environment): boolean {
  if (a.kind === UNSUPPORTED) { invalid(r, env); return true; }
  if (!isNan(a)) return false;
  if (a.kind === SNAN) env.flags |= IE;
  copy(r, a);
  quiet(r);
  return true;
}

/** The same for two operands: "SNaN and QNaN", "Two SNaNs", "Two QNaNs", "NaN and a floating-point value". */
export function fromNans(a: SoftFloat, b: SoftFloat, r: SoftFloat, env: Environment): boolean {
  if (a.kind === UNSUPPORTED || b.kind === UNSUPPORTED) { invalid(r, env); return true; }
  const nanA = isNan(a), nanB = isNan(b);
  if (!nanA && !nanB) return false;
  if (a.kind === SNAN || b.kind === SNAN) env.flags |= IE;
  copy(r, !nanB || (nanA && (env.nanRule === 'first' || prefersFirst(a, b))) ? a : b);
  quiet(r);
  return true;
}

/** x87: a QNaN before an SNaN, else the larger significand, else the positive one. */
function prefersFirst(a: SoftFloat, b: SoftFloat): boolean {
  if (a.kind !== b.kind) return a.kind === QNAN;
  if (a.high !== b.high) return a.high > b.high;
  if (a.low !== b.low) return a.low > b.low;
  return !a.negative;
}
