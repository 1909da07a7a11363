/** CMPccPS and its kin, COMISS, UCOMISS, COMISD, UCOMISD. SDM Vol. 2, by their names. */
import { CF, ZF } from '../../meaning/flags.js';
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { compute, VARIANTS, widthOf } from './arithmetic.js';
import { fastOr, Lanes } from './fast.js';
import { AVX, SCALAR, withVex } from './rows.js';
import { sse } from './vector.js';

/** All bits of an element, or none, by one bit. */
function filled(cpu: Cpu, l: Lanes, bit: Value): Value {
  const word = bit.signExtend(64);
  return l.isVector ? cpu.meaning.wasm('i64x2.splat', 128, [word]) : word.truncate(l.element.bits);
}

/** Predicates EQ, LT, LE and UNORD, then their negations: with comparable operands "unordered" is false, and those that VEX adds are no others. */
function compared(cpu: Cpu, l: Lanes, a: Value, b: Value, p: Value): Value {
  const wide = (mask: Value) => (l.isVector ? mask : mask.signExtend(l.element.bits));
  const or = (x: Value, y: Value) => (l.isVector ? cpu.meaning.wasm('v128.or', 128, [x, y]) : x.or(y));
  const xor = (x: Value, y: Value) => (l.isVector ? cpu.meaning.wasm('v128.xor', 128, [x, y]) : x.xor(y));
  const wantsEqual = p.bit(0).not, wantsLess = p.bit(0).xor(p.bit(1)), negated = p.bit(2);
  const holds = or(l.both(wide(l.mask('eq', a, b)), filled(cpu, l, wantsEqual)), l.both(wide(l.mask('lt', a, b)), filled(cpu, l, wantsLess)));
  return xor(holds, filled(cpu, l, negated));
}

const LEGACY_PREDICATES = 7, VEX_PREDICATES = 31;
export const CMP: readonly Instruction[] = VARIANTS.map((v) => instruction(`CMP${v.suffix}`, `Compare ${v.of}`, {
  encodings: withVex(`${v.prefix} 0F C2 /r ib | CMP${v.suffix} xmm1, ${v.source}, imm8 ${v.mark}`, { lengths: widthOf(v.shape) === 128 ? AVX : SCALAR }),
  feature: v.feature, flags: 'None affected.', exceptions: 'Invalid if SNaN operand, or QNaN operand of a signaling predicate; Denormal',
  operation(cpu, ...operands) {
    sse(cpu);
    const p = operands.at(-1)!.read(8).and(cpu.vectorLength === undefined ? LEGACY_PREDICATES : VEX_PREDICATES);
    compute(cpu, new Lanes(cpu, v.shape), `CMP${v.suffix}`, 2, (_cpu, l, a, b) => ({ result: compared(cpu, l, a!, b!, p), ok: l.comparable(a!, b!) }), operands.slice(0, -1), [p]);
  },
}));

export const COMI: readonly Instruction[] = (['COMI', 'UCOMI'] as const).flatMap((name) => (['SS', 'SD'] as const).map((suffix) => {
  const double = suffix === 'SD', ordered = name === 'COMI';
  return instruction(`${name}${suffix}`, `${ordered ? 'Compare Scalar Ordered' : 'Unordered Compare Scalar'} ${double ? 'Double' : 'Single'} Precision Floating-Point Values and Set EFLAGS`, {
    encodings: withVex(`${double ? '66' : 'NP'} 0F ${ordered ? '2F' : '2E'} /r | ${name}${suffix} xmm1, xmm2/m${double ? 64 : 32}`, { lengths: SCALAR, source: false }),
    feature: double ? 'SSE2' : 'SSE', flags: 'ZF, PF and CF show the outcome; OF, SF, and AF are set to 0.', exceptions: `Invalid (if SNaN${ordered ? ' or QNaN' : ''} operands), Denormal`,
    operation(cpu, first, second) {
      sse(cpu);
      const l = new Lanes(cpu, double ? 'f64' : 'f32'), bits = double ? 64 : 32, b = second!.read(bits), a = first!.read(bits);
      const set = (status: Value) => cpu.meaning.flags('explicit', 32, status, status);
      fastOr(cpu, l.comparable(a, b),
        () => set(l.mask('eq', a, b).zeroExtend(32).shl(Math.log2(ZF)).or(l.mask('lt', a, b).zeroExtend(32).shl(Math.log2(CF)))),
        () => set(cpu.compute(`${name}${suffix}`, [a, b], [32])[0]!));
    },
  });
}));
