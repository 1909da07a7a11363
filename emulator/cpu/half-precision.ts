/** Conversions from and to half precision. SDM Vol. 2, "VCVTPH2PS", "VCVTPS2PH"; Vol. 1, "Half-Precision Floating-Point Conversion". */
import { DE } from '../float/environment.js';
import { HALF, packHalf, packSingle, unpackHalf } from '../float/formats.js';
import { fromNan } from '../float/nan.js';
import { softFloat } from '../float/number.js';
import { round } from '../float/round.js';
import type { Operation, Operations } from './operations.js';
import { begin, env, finish } from './sse-environment.js';
import { FIRST, SINGLE_ELEMENT } from './sse-operations.js';

const a = softFloat(), r = softFloat();
/** MXCSR.RC rather than the immediate's own mode. */
const BY_MXCSR = 4;

/** Denormals are numbers like others, whatever MXCSR.DAZ says, and none is reported: every half is a normal single. */
const toSingle = (count: number): Operation => (cpu) => {
  begin(cpu);
  const halves = Array.from({ length: count }, (_, i) => cpu.view.getUint16(FIRST + 2 * i, true));
  halves.forEach((half, i) => {
    unpackHalf(a, half);
    cpu.u32[(FIRST >> 2) + i] = packSingle(fromNan(a, r, env) ? r : a);
  });
  finish(cpu);
};
/** Arguments: the source of one slot or two, and the immediate. "MXCSR.FTZ is ignored." */
const toHalf = (count: number): Operation => (cpu) => {
  begin(cpu);
  env.flushToZero = false;
  const slots = count / 4, control = cpu.argumentLow(slots);
  if ((control & BY_MXCSR) === 0) env.rounding = control & 3;
  for (let i = 0; i < count; i++) {
    SINGLE_ELEMENT.load(cpu, FIRST + 4 * i, a);
    if (!fromNan(a, r, env)) {
      Object.assign(r, a);
      if (a.denormal) env.flags |= DE;
      round(r, HALF, env);
    }
    cpu.view.setUint16(FIRST + 2 * i, packHalf(r), true);
  }
  cpu.u8.fill(0, FIRST + 2 * count, FIRST + 16);
  finish(cpu);
};

export const HALF_PRECISION_OPERATIONS: Operations = { VCVTPH2PS: toSingle(4), VCVTPH2PS256: toSingle(8), VCVTPS2PH: toHalf(4), VCVTPS2PH256: toHalf(8) };
