/** F16C. SDM Vol. 2, "VCVTPH2PS", "VCVTPS2PH". */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu } from '../instruction.js';
import { all } from '../sse/arithmetic.js';
import { fastOr } from '../sse/fast.js';
import { every, halves, halvesOf, sse, vector, zero } from '../sse/vector.js';

const INFINITY = 0x7c00n, MAGNITUDE = 0x7fffn, DIFFERENCE_OF_BIASES = 0x77800000n, SINGLE_INFINITY = 0x7f800000n;
/** The exponent is scaled by 2^112, which makes denormals normal; infinity stays what it is. */
function widened(cpu: Cpu, doublewords: Value): Value {
  const magnitude = vector(cpu, 'v128.and', doublewords, every(cpu, MAGNITUDE, 32)), shifted = cpu.meaning.wasm('i32x4.shl', 128, [magnitude, cpu.constant(13, 32)]);
  const scaled = vector(cpu, 'f32x4.mul', shifted, every(cpu, DIFFERENCE_OF_BIASES, 32)), infinite = vector(cpu, 'i32x4.eq', magnitude, every(cpu, INFINITY, 32));
  const sign = cpu.meaning.wasm('i32x4.shl', 128, [vector(cpu, 'v128.xor', doublewords, magnitude), cpu.constant(16, 32)]);
  return vector(cpu, 'v128.or', sign, vector(cpu, 'v128.bitselect', every(cpu, SINGLE_INFINITY, 32), scaled, infinite));
}
export const VCVTPH2PS = instruction('VCVTPH2PS', 'Convert Packed Half Precision Floating-Point Values to Single Precision Floating-Point Values', {
  encodings: `
    VEX.128.66.0F38.W0 13 /r | VCVTPH2PS xmm1, xmm2/m64
    VEX.256.66.0F38.W0 13 /r | VCVTPH2PS ymm1, xmm2/m128`,
  feature: 'F16C', flags: 'None affected.', exceptions: 'Invalid',
  operation(cpu, dest, src) {
    sse(cpu);
    const source = src.read(cpu.vectorLength === 256 ? 128 : 64).zeroExtend(128);
    const isNan = vector(cpu, 'i16x8.gt_s', vector(cpu, 'v128.and', source, every(cpu, MAGNITUDE, 16)), every(cpu, INFINITY, 16));
    cpu.when(cpu.meaning.wasm('v128.any_true', 32, [isNan]).isZero,
      () => dest.write(...all(halvesOf(cpu).map((n) => widened(cpu, vector(cpu, `i32x4.extend_${n === 0 ? 'low' : 'high'}_i16x8_u`, source))))),
      () => dest.write(...all(cpu.compute(cpu.vectorLength === 256 ? 'VCVTPH2PS256' : 'VCVTPH2PS', [source], halvesOf(cpu).map(() => 128)))));
  },
});
/** Singles below the smallest normal half and above the largest. */
const BELOW_NORMAL = 0x387fffffn, ABOVE_FINITE = 0x477fe001n, BIASES = 112n << 10n, DROPPED = 13;
/** Rounded to the nearest, in doublewords; and which elements are zero or a normal half. */
function narrowed(cpu: Cpu, singles: Value): { result: Value; normal: Value } {
  const of = (name: string, a: Value, count: number) => cpu.meaning.wasm(`i32x4.${name}`, 128, [a, cpu.constant(count, 32)]);
  const magnitude = vector(cpu, 'v128.and', singles, every(cpu, 0x7fffffffn, 32)), sign = of('shl', of('shr_u', singles, 31), 15), isZero = vector(cpu, 'i32x4.eq', magnitude, zero(cpu));
  const odd = vector(cpu, 'v128.and', of('shr_u', magnitude, DROPPED), every(cpu, 1n, 32)), half = vector(cpu, 'i32x4.add', odd, every(cpu, (1n << BigInt(DROPPED - 1)) - 1n, 32));
  const kept = vector(cpu, 'i32x4.sub', of('shr_u', vector(cpu, 'i32x4.add', magnitude, half), DROPPED), every(cpu, BIASES, 32));
  const inRange = vector(cpu, 'v128.and', vector(cpu, 'i32x4.gt_s', magnitude, every(cpu, BELOW_NORMAL, 32)), vector(cpu, 'i32x4.lt_s', magnitude, every(cpu, ABOVE_FINITE, 32)));
  return { result: vector(cpu, 'v128.or', vector(cpu, 'v128.andnot', kept, isZero), sign), normal: vector(cpu, 'v128.or', inRange, isZero) };
}
export const VCVTPS2PH = instruction('VCVTPS2PH', 'Convert Single Precision Floating-Point Values to Packed Half Precision Floating-Point Values', {
  encodings: `
    VEX.128.66.0F3A.W0 1D /r ib | VCVTPS2PH xmm1/m64, xmm2, imm8
    VEX.256.66.0F3A.W0 1D /r ib | VCVTPS2PH xmm1/m128, ymm2, imm8`,
  feature: 'F16C', flags: 'None affected.', exceptions: 'Invalid, Underflow, Overflow, Precision, Denormal',
  operation(cpu, dest, src, control) {
    sse(cpu);
    const parts = halves(cpu, src).map(([a]) => a!), mode = control.read(8), write = (v: Value) => dest.write(dest.kind === 'memory' && dest.bits === 64 ? v.truncate(64) : v);
    // A store that faults has not changed MXCSR, nor does it come to a SIMD exception.
    if (dest.kind === 'memory') dest.readForUpdate();
    const fast = parts.map((a) => narrowed(cpu, a)), [low, high = zero(cpu)] = fast.map(({ result }) => result), toNearest = mode.bit(2).or(mode.and(3).isZero);
    fastOr(cpu, fast.reduce((ok, { normal }) => ok.and(cpu.meaning.wasm('i32x4.all_true', 1, [normal])), toNearest),
      () => write(vector(cpu, 'i16x8.narrow_i32x4_u', low!, high)),
      () => write(cpu.compute(cpu.vectorLength === 256 ? 'VCVTPS2PH256' : 'VCVTPS2PH', [...parts, mode], [128])[0]!));
  },
});
