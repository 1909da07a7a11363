/** Conversions between integers and floating-point numbers, and between precisions. SDM Vol. 2, "CVT…". */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { fastOr, Lanes } from './fast.js';
import { sse, vector } from './vector.js';

const SHAPES = { SS: 'f32', SD: 'f64' } as const;
const PREFIX = { SS: 'F3', SD: 'F2' } as const;
const WORDS = { SS: 'Scalar Single Precision Floating-Point Value', SD: 'Scalar Double Precision Floating-Point Value' } as const;
const FEATURE = { SS: 'SSE', SD: 'SSE2' } as const;
const SCALARS = ['SS', 'SD'] as const;
const ALWAYS = (cpu: Cpu): Value => cpu.constant(1, 1);

/** Integers up to 32 bits are exact in double precision; the rest may be rounded, which only PE tells. */
export const CVTSI2: readonly Instruction[] = SCALARS.map((to) => instruction(`CVTSI2${to}`, `Convert Doubleword or Quadword Integer to ${WORDS[to]}`, {
  encodings: `
    ${PREFIX[to]} 0F 2A /r | CVTSI2${to} xmm1, r/m32
    ${PREFIX[to]} REX.W 0F 2A /r | CVTSI2${to} xmm1, r/m64`,
  feature: FEATURE[to], flags: 'None affected.', exceptions: 'Precision',
  operation(cpu, dest, src) {
    sse(cpu);
    const value = src!.read(), bits = to === 'SS' ? 32 : 64;
    const converted = cpu.meaning.wasm(`${SHAPES[to]}.convert_i${value.bits}_s`, bits, [value]);
    if (to === 'SD' && value.bits === 32) { dest!.write(converted); return; }
    fastOr(cpu, ALWAYS(cpu), () => dest!.write(converted), () => dest!.write(cpu.compute(`CVTSI2${to}`, [value.signExtend(64)], [bits])[0]!));
  },
}));

/** Magnitudes from which on an integer of that width cannot hold the number, as encoded. */
const LIMITS = { f32: { 32: 0x4f000000n, 64: 0x5f000000n }, f64: { 32: 0x41e0000000000000n, 64: 0x43e0000000000000n } } as const;

const toInteger = (from: 'SS' | 'SD', t: '' | 'T'): Instruction => instruction(`CVT${t}${from}2SI`, `Convert ${t ? 'With Truncation ' : ''}${WORDS[from]} to Signed Integer`, {
  encodings: `
    ${PREFIX[from]} 0F ${t ? '2C' : '2D'} /r | CVT${t}${from}2SI r32, xmm1/m${from === 'SS' ? 32 : 64}
    ${PREFIX[from]} REX.W 0F ${t ? '2C' : '2D'} /r | CVT${t}${from}2SI r64, xmm1/m${from === 'SS' ? 32 : 64}`,
  feature: FEATURE[from], flags: 'None affected.', exceptions: 'Invalid, Precision',
  operation(cpu, dest, src) {
    sse(cpu);
    const l = new Lanes(cpu, SHAPES[from]), a = src!.read(l.element.bits), bits = dest!.bits as 32 | 64;
    const whole = t ? a : l.value('nearest', a);
    const inRange = l.mask('lt', l.value('abs', t && bits === 32 && from === 'SD' ? l.value('trunc', a) : whole), l.constant(LIMITS[SHAPES[from]][bits]));
    fastOr(cpu, inRange, () => dest!.write(cpu.meaning.wasm(`i${bits}.trunc_sat_${SHAPES[from]}_s`, bits, [whole])),
      () => dest!.write(cpu.compute(`CVT${t}${from}2SI r${bits}`, [a], [bits])[0]!));
  },
});
export const CVT2SI: readonly Instruction[] = SCALARS.flatMap((from) => [toInteger(from, ''), toInteger(from, 'T')]);

export const CVTSS2SD = instruction('CVTSS2SD', `Convert ${WORDS.SS} to ${WORDS.SD}`, {
  encodings: 'F3 0F 5A /r | CVTSS2SD xmm1, xmm2/m32', feature: 'SSE2', flags: 'None affected.', exceptions: 'Invalid, Denormal',
  operation(cpu, dest, src) {
    sse(cpu);
    const l = new Lanes(cpu, 'f32'), a = src.read(32);
    fastOr(cpu, l.plain(a).and(l.finite(a)), () => dest.write(cpu.meaning.wasm('f64.promote_f32', 64, [a])), () => dest.write(cpu.compute('CVTSS2SD', [a], [64])[0]!));
  },
});
export const CVTSD2SS = instruction('CVTSD2SS', `Convert ${WORDS.SD} to ${WORDS.SS}`, {
  encodings: 'F2 0F 5A /r | CVTSD2SS xmm1, xmm2/m64', feature: 'SSE2', flags: 'None affected.', exceptions: 'Overflow, Underflow, Invalid, Precision, Denormal',
  operation(cpu, dest, src) {
    sse(cpu);
    const l = new Lanes(cpu, 'f32'), a = src.read(64), narrowed = cpu.meaning.wasm('f32.demote_f64', 32, [a]);
    const ok = l.safe(narrowed).or(new Lanes(cpu, 'f64').isZero(a));
    fastOr(cpu, ok, () => dest.write(narrowed), () => dest.write(cpu.compute('CVTSD2SS', [a], [32])[0]!));
  },
});

interface Packed { readonly name: string; readonly summary: string; readonly prefix: string; readonly opcode: string; readonly source: 64 | 128; quick(cpu: Cpu, a: Value): { ok: Value; result: Value } }
const bounded = (cpu: Cpu, shape: 'f32x4' | 'f64x2', a: Value): Value => {
  const l = new Lanes(cpu, shape), limit = shape === 'f32x4' ? LIMITS.f32[32] : 0x41dfffffffc00000n;
  return l.everywhere(l.mask(shape === 'f32x4' ? 'lt' : 'le', l.value('abs', a), l.constant(limit)));
};
const toDoublewords = (shape: 'f32x4' | 'f64x2', truncates: boolean) => (cpu: Cpu, a: Value) => {
  const whole = truncates ? a : vector(cpu, `${shape}.nearest`, a);
  return { ok: bounded(cpu, shape, whole), result: vector(cpu, shape === 'f32x4' ? 'i32x4.trunc_sat_f32x4_s' : 'i32x4.trunc_sat_f64x2_s_zero', whole) };
};
const PACKED: readonly Packed[] = [
  { name: 'CVTPS2PD', summary: 'Convert Packed Single Precision Floating-Point Values to Packed Double Precision Floating-Point Values', prefix: 'NP', opcode: '5A', source: 64,
    quick: (cpu, a) => ({ ok: ((l) => l.everywhere(l.plain(a)))(new Lanes(cpu, 'f32x4')), result: vector(cpu, 'f64x2.promote_low_f32x4', a) }) },
  { name: 'CVTPD2PS', summary: 'Convert Packed Double Precision Floating-Point Values to Packed Single Precision Floating-Point Values', prefix: '66', opcode: '5A', source: 128,
    quick(cpu, a) {
      const l = new Lanes(cpu, 'f64x2'), magnitude = l.value('abs', a), TWICE_MIN_SINGLE = 0x3820000000000000n, MAX_SINGLE = 0x47efffffe0000000n;
      const safe = l.both(l.mask('ge', magnitude, l.constant(TWICE_MIN_SINGLE)), l.mask('le', magnitude, l.constant(MAX_SINGLE)));
      return { ok: l.everywhere(l.either(safe, l.isZero(a))), result: vector(cpu, 'f32x4.demote_f64x2_zero', a) };
    } },
  { name: 'CVTDQ2PS', summary: 'Convert Packed Doubleword Integers to Packed Single Precision Floating-Point Values', prefix: 'NP', opcode: '5B', source: 128,
    quick: (cpu, a) => ({ ok: ALWAYS(cpu), result: vector(cpu, 'f32x4.convert_i32x4_s', a) }) },
  { name: 'CVTPS2DQ', summary: 'Convert Packed Single Precision Floating-Point Values to Packed Signed Doubleword Integer Values', prefix: '66', opcode: '5B', source: 128, quick: toDoublewords('f32x4', false) },
  { name: 'CVTTPS2DQ', summary: 'Convert With Truncation Packed Single Precision Floating-Point Values to Packed Signed Doubleword Integer Values', prefix: 'F3', opcode: '5B', source: 128, quick: toDoublewords('f32x4', true) },
  { name: 'CVTPD2DQ', summary: 'Convert Packed Double Precision Floating-Point Values to Packed Doubleword Integers', prefix: 'F2', opcode: 'E6', source: 128, quick: toDoublewords('f64x2', false) },
  { name: 'CVTTPD2DQ', summary: 'Convert With Truncation Packed Double Precision Floating-Point Values to Packed Doubleword Integers', prefix: '66', opcode: 'E6', source: 128, quick: toDoublewords('f64x2', true) },
];
export const CVT_PACKED: readonly Instruction[] = PACKED.map(({ name, summary, prefix, opcode, source, quick }) => instruction(name, summary, {
  encodings: `${prefix} 0F ${opcode} /r | ${name} xmm1, xmm2/m${source} ${source === 128 ? '| aligned' : ''}`,
  feature: 'SSE2', flags: 'None affected.', exceptions: 'Overflow, Underflow, Invalid, Precision, Denormal, as far as the conversion can meet them',
  operation(cpu, dest, src) {
    sse(cpu);
    const a = src!.read(source).zeroExtend(128);
    const exact = () => dest!.write(cpu.compute(name, [a], [128])[0]!);
    const { ok, result } = quick(cpu, a);
    fastOr(cpu, ok, () => dest!.write(result), exact);
  },
}));

export const CVTDQ2PD = instruction('CVTDQ2PD', 'Convert Packed Doubleword Integers to Packed Double Precision Floating-Point Values', {
  encodings: 'F3 0F E6 /r | CVTDQ2PD xmm1, xmm2/m64', feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    dest.write(vector(cpu, 'f64x2.convert_low_i32x4_s', src.read(64).zeroExtend(128)));
  },
});
