/** Conversions between integers and floating-point numbers, and between precisions. SDM Vol. 2, "CVT…". */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';
import { all } from './arithmetic.js';
import { fastOr, Lanes } from './fast.js';
import { SCALAR, withVex } from './rows.js';
import { halves, lane, pair, scalarWriter, sse, vector, withFirstSource } from './vector.js';

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
    ${PREFIX[to]} REX.W 0F 2A /r | CVTSI2${to} xmm1, r/m64
    VEX.LIG.${PREFIX[to]}.0F.W0 2A /r | VCVTSI2${to} xmm1, xmm2, r/m32 | AVX
    VEX.LIG.${PREFIX[to]}.0F.W1 2A /r | VCVTSI2${to} xmm1, xmm2, r/m64 | AVX`,
  feature: FEATURE[to], flags: 'None affected.', exceptions: 'Precision',
  operation(cpu, ...operands) {
    sse(cpu);
    const [dest, into, src] = withFirstSource(cpu, operands), value = src!.read(), bits = to === 'SS' ? 32 : 64, write = scalarWriter(cpu, dest!, into!);
    const converted = cpu.meaning.wasm(`${SHAPES[to]}.convert_i${value.bits}_s`, bits, [value]);
    if (to === 'SD' && value.bits === 32) { write(converted); return; }
    fastOr(cpu, ALWAYS(cpu), () => write(converted), () => write(cpu.compute(`CVTSI2${to}`, [value.signExtend(64)], [bits])[0]!));
  },
}));

/** Magnitudes from which on an integer of that width cannot hold the number, as encoded. */
const LIMITS = { f32: { 32: 0x4f000000n, 64: 0x5f000000n }, f64: { 32: 0x41e0000000000000n, 64: 0x43e0000000000000n } } as const;

const toInteger = (from: 'SS' | 'SD', t: '' | 'T'): Instruction => instruction(`CVT${t}${from}2SI`, `Convert ${t ? 'With Truncation ' : ''}${WORDS[from]} to Signed Integer`, {
  encodings: `
    ${PREFIX[from]} 0F ${t ? '2C' : '2D'} /r | CVT${t}${from}2SI r32, xmm1/m${from === 'SS' ? 32 : 64}
    ${PREFIX[from]} REX.W 0F ${t ? '2C' : '2D'} /r | CVT${t}${from}2SI r64, xmm1/m${from === 'SS' ? 32 : 64}
    VEX.LIG.${PREFIX[from]}.0F.W0 ${t ? '2C' : '2D'} /r | VCVT${t}${from}2SI r32, xmm1/m${from === 'SS' ? 32 : 64} | AVX
    VEX.LIG.${PREFIX[from]}.0F.W1 ${t ? '2C' : '2D'} /r | VCVT${t}${from}2SI r64, xmm1/m${from === 'SS' ? 32 : 64} | AVX`,
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
  encodings: withVex('F3 0F 5A /r | CVTSS2SD xmm1, xmm2/m32', { lengths: SCALAR }), feature: 'SSE2', flags: 'None affected.', exceptions: 'Invalid, Denormal',
  operation(cpu, ...operands) {
    sse(cpu);
    const [dest, into, src] = withFirstSource(cpu, operands), l = new Lanes(cpu, 'f32'), a = src!.read(32), write = scalarWriter(cpu, dest!, into!);
    fastOr(cpu, l.plain(a).and(l.finite(a)), () => write(cpu.meaning.wasm('f64.promote_f32', 64, [a])), () => write(cpu.compute('CVTSS2SD', [a], [64])[0]!));
  },
});
export const CVTSD2SS = instruction('CVTSD2SS', `Convert ${WORDS.SD} to ${WORDS.SS}`, {
  encodings: withVex('F2 0F 5A /r | CVTSD2SS xmm1, xmm2/m64', { lengths: SCALAR }), feature: 'SSE2', flags: 'None affected.', exceptions: 'Overflow, Underflow, Invalid, Precision, Denormal',
  operation(cpu, ...operands) {
    sse(cpu);
    const [dest, into, src] = withFirstSource(cpu, operands), l = new Lanes(cpu, 'f32'), a = src!.read(64), narrowed = cpu.meaning.wasm('f32.demote_f64', 32, [a]), write = scalarWriter(cpu, dest!, into!);
    const ok = l.safe(narrowed).or(new Lanes(cpu, 'f64').isZero(a));
    fastOr(cpu, ok, () => write(narrowed), () => write(cpu.compute('CVTSD2SS', [a], [32])[0]!));
  },
});

/** `source`: its bits, where the 128-bit form has a result of `result`; with 256 bits the wider of the two has them. */
interface Packed { readonly name: string; readonly summary: string; readonly prefix: string; readonly opcode: string; readonly source: 64 | 128; readonly result: 64 | 128; quick(cpu: Cpu, a: Value): { ok: Value; result: Value } }
const bounded = (cpu: Cpu, shape: 'f32x4' | 'f64x2', a: Value): Value => {
  const l = new Lanes(cpu, shape), limit = shape === 'f32x4' ? LIMITS.f32[32] : 0x41dfffffffc00000n;
  return l.everywhere(l.mask(shape === 'f32x4' ? 'lt' : 'le', l.value('abs', a), l.constant(limit)));
};
const toDoublewords = (shape: 'f32x4' | 'f64x2', truncates: boolean) => (cpu: Cpu, a: Value) => {
  const whole = truncates ? a : vector(cpu, `${shape}.nearest`, a);
  return { ok: bounded(cpu, shape, whole), result: vector(cpu, shape === 'f32x4' ? 'i32x4.trunc_sat_f32x4_s' : 'i32x4.trunc_sat_f64x2_s_zero', whole) };
};
const PACKED: readonly Packed[] = [
  { name: 'CVTPS2PD', summary: 'Convert Packed Single Precision Floating-Point Values to Packed Double Precision Floating-Point Values', prefix: 'NP', opcode: '5A', source: 64, result: 128,
    quick: (cpu, a) => ({ ok: ((l) => l.everywhere(l.plain(a)))(new Lanes(cpu, 'f32x4')), result: vector(cpu, 'f64x2.promote_low_f32x4', a) }) },
  { name: 'CVTPD2PS', summary: 'Convert Packed Double Precision Floating-Point Values to Packed Single Precision Floating-Point Values', prefix: '66', opcode: '5A', source: 128, result: 64,
    quick(cpu, a) {
      const l = new Lanes(cpu, 'f64x2'), magnitude = l.value('abs', a), TWICE_MIN_SINGLE = 0x3820000000000000n, MAX_SINGLE = 0x47efffffe0000000n;
      const safe = l.both(l.mask('ge', magnitude, l.constant(TWICE_MIN_SINGLE)), l.mask('le', magnitude, l.constant(MAX_SINGLE)));
      return { ok: l.everywhere(l.either(safe, l.isZero(a))), result: vector(cpu, 'f32x4.demote_f64x2_zero', a) };
    } },
  { name: 'CVTDQ2PS', summary: 'Convert Packed Doubleword Integers to Packed Single Precision Floating-Point Values', prefix: 'NP', opcode: '5B', source: 128, result: 128,
    quick: (cpu, a) => ({ ok: ALWAYS(cpu), result: vector(cpu, 'f32x4.convert_i32x4_s', a) }) },
  { name: 'CVTPS2DQ', summary: 'Convert Packed Single Precision Floating-Point Values to Packed Signed Doubleword Integer Values', prefix: '66', opcode: '5B', source: 128, result: 128, quick: toDoublewords('f32x4', false) },
  { name: 'CVTTPS2DQ', summary: 'Convert With Truncation Packed Single Precision Floating-Point Values to Packed Signed Doubleword Integer Values', prefix: 'F3', opcode: '5B', source: 128, result: 128, quick: toDoublewords('f32x4', true) },
  { name: 'CVTPD2DQ', summary: 'Convert Packed Double Precision Floating-Point Values to Packed Doubleword Integers', prefix: 'F2', opcode: 'E6', source: 128, result: 64, quick: toDoublewords('f64x2', false) },
  { name: 'CVTTPD2DQ', summary: 'Convert With Truncation Packed Double Precision Floating-Point Values to Packed Doubleword Integers', prefix: '66', opcode: 'E6', source: 128, result: 64, quick: toDoublewords('f64x2', true) },
];
/** The rows of a conversion between elements of one width, or of two. */
function rows(prefix: string, opcode: string, name: string, source: 64 | 128, result: 64 | 128): string {
  const vex = (length: number, to: string, from: string, bits: number) => `VEX.${length}.${prefix === 'NP' ? '' : `${prefix}.`}0F.WIG ${opcode} /r | V${name} ${to}, ${from}/m${bits} | AVX`;
  return `
    ${prefix} 0F ${opcode} /r | ${name} xmm1, xmm2/m${source} ${source === 128 ? '| aligned' : ''}
    ${vex(128, 'xmm1', 'xmm2', source)}
    ${vex(256, result === 128 ? 'ymm1' : 'xmm1', source === 128 ? 'ymm2' : 'xmm2', 2 * source)}`;
}
/** Halves of the source as the conversions of 128 bits want them: a source of 64 bits is the low one of each. */
function sourceParts(cpu: Cpu, src: Operand, source: 64 | 128): Value[] {
  if (source === 128) return halves(cpu, src).map(([a]) => a!);
  if (cpu.vectorLength !== 256) return [src.read(64).zeroExtend(128)];
  const both = src.read(128);
  return [both, lane(cpu, both, 1).zeroExtend(128)];
}
/** Results of 64 bits lie side by side. */
function writeParts(cpu: Cpu, dest: Operand, parts: readonly Value[], result: 64 | 128): void {
  if (parts.length === 2 && result === 64) dest.write(pair(cpu, parts[0]!.truncate(64), parts[1]!.truncate(64))); else dest.write(...all(parts));
}

export const CVT_PACKED: readonly Instruction[] = PACKED.map(({ name, summary, prefix, opcode, source, result: bits, quick }) => instruction(name, summary, {
  encodings: rows(prefix, opcode, name, source, bits),
  feature: 'SSE2', flags: 'None affected.', exceptions: 'Overflow, Underflow, Invalid, Precision, Denormal, as far as the conversion can meet them',
  operation(cpu, dest, src) {
    sse(cpu);
    const parts = sourceParts(cpu, src!, source), fast = parts.map((a) => quick(cpu, a));
    const exact = () => cpu.compute(parts.length === 2 ? `${name}256` : name, source === 64 && parts.length === 2 ? parts.slice(0, 1) : parts, bits === 64 ? [128] : parts.map(() => 128));
    fastOr(cpu, fast.map(({ ok }) => ok).reduce((x, y) => x.and(y)), () => writeParts(cpu, dest!, fast.map(({ result }) => result), bits), () => dest!.write(...all(exact())));
  },
}));

export const CVTDQ2PD = instruction('CVTDQ2PD', 'Convert Packed Doubleword Integers to Packed Double Precision Floating-Point Values', {
  encodings: rows('F3', 'E6', 'CVTDQ2PD', 64, 128), feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    dest.write(...all(sourceParts(cpu, src, 64).map((a) => vector(cpu, 'f64x2.convert_low_i32x4_s', a))));
  },
});
