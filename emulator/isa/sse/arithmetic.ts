/** ADD, SUB, MUL, DIV, SQRT, MIN, MAX, RCP and RSQRT of packed and scalar numbers. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';
import { fastOr, Lanes, type Shape } from './fast.js';
import { sse } from './vector.js';

interface Variant { readonly suffix: string; readonly prefix: string; readonly source: string; readonly mark: string; readonly shape: Shape; readonly feature: string; readonly of: string }
export const VARIANTS: readonly Variant[] = [
  { suffix: 'PS', prefix: 'NP', source: 'xmm2/m128', mark: '| aligned', shape: 'f32x4', feature: 'SSE', of: 'Packed Single Precision Floating-Point Values' },
  { suffix: 'PD', prefix: '66', source: 'xmm2/m128', mark: '| aligned', shape: 'f64x2', feature: 'SSE2', of: 'Packed Double Precision Floating-Point Values' },
  { suffix: 'SS', prefix: 'F3', source: 'xmm2/m32', mark: '', shape: 'f32', feature: 'SSE', of: 'Scalar Single Precision Floating-Point Values' },
  { suffix: 'SD', prefix: 'F2', source: 'xmm2/m64', mark: '', shape: 'f64', feature: 'SSE2', of: 'Scalar Double Precision Floating-Point Values' },
];
export const widthOf = (shape: Shape): 32 | 64 | 128 => (shape === 'f32' ? 32 : shape === 'f64' ? 64 : 128);

/** The operands of the fast path are good, and so is its result: one mask. */
type Judge = (l: Lanes, result: Value, a: Value, b: Value) => Value;
/** A sum that is denormal is exact. */
export const sum: Judge = (l, result, a, b) => l.both(l.both(l.plain(a), l.plain(b)), l.finite(result));
export const product: Judge = (l, result, a, b) => l.both(l.both(l.plain(a), l.plain(b)), l.either(l.safe(result), l.both(l.isZero(result), l.either(l.isZero(a), l.isZero(b)))));
const quotient: Judge = (l, result, a, b) => l.both(l.both(l.plain(a), l.plain(b)), l.either(l.safe(result), l.both(l.isZero(result), l.isZero(a))));

function define(name: string, what: string, opcode: string, variants: readonly Variant[], operation: (cpu: Cpu, lanes: Lanes, exact: string, dest: Operand, src: Operand) => void, exceptions: string): readonly Instruction[] {
  return variants.map((v) => instruction(`${name}${v.suffix}`, `${what} ${v.of}`, {
    encodings: `${v.prefix} 0F ${opcode} /r | ${name}${v.suffix} xmm1, ${v.source} ${v.mark}`,
    feature: v.feature, flags: 'None affected.', exceptions,
    operation(cpu, dest, src) {
      sse(cpu);
      operation(cpu, new Lanes(cpu, v.shape), `${name}${v.suffix}`, dest!, src!);
    },
  }));
}

const binary = (wasm: string, judge: Judge) => (cpu: Cpu, l: Lanes, exact: string, dest: Operand, src: Operand): void => {
  const bits = widthOf(l.shape), b = src.read(bits), a = dest.read(bits), result = l.value(wasm, a, b);
  fastOr(cpu, l.everywhere(judge(l, result, a, b)), () => dest.write(result), () => dest.write(cpu.compute(exact, [a, b], [bits])[0]!));
};
const ALL = 'Overflow, Underflow, Invalid, Precision, Denormal';
export const ADD = define('ADD', 'Add', '58', VARIANTS, binary('add', sum), ALL);
export const SUB = define('SUB', 'Subtract', '5C', VARIANTS, binary('sub', sum), ALL);
export const MUL = define('MUL', 'Multiply', '59', VARIANTS, binary('mul', product), ALL);
export const DIV = define('DIV', 'Divide', '5E', VARIANTS, binary('div', quotient), `${ALL}, Divide-by-Zero`);

export const SQRT = define('SQRT', 'Square Root of', '51', VARIANTS, (cpu, l, exact, dest, src) => {
  const bits = widthOf(l.shape), a = src.read(bits), result = l.value('sqrt', a);
  fastOr(cpu, l.everywhere(l.both(l.plain(a), l.finite(result))), () => dest.write(result), () => dest.write(cpu.compute(exact, [a], [bits])[0]!));
}, 'Invalid, Precision, Denormal');

/** "If the values being compared are both 0.0s … the value in the second operand (source operand) is returned." */
const extremum = (comparison: 'lt' | 'gt') => (cpu: Cpu, l: Lanes, exact: string, dest: Operand, src: Operand): void => {
  const bits = widthOf(l.shape), b = src.read(bits), a = dest.read(bits), first = l.mask(comparison, a, b);
  const result = l.isVector ? cpu.meaning.wasm('v128.bitselect', 128, [a, b, first]) : first.select(a, b);
  fastOr(cpu, l.everywhere(l.comparable(a, b)), () => dest.write(result), () => dest.write(cpu.compute(exact, [a, b], [bits])[0]!));
};
export const MIN = define('MIN', 'Minimum of', '5D', VARIANTS, extremum('lt'), 'Invalid (Including QNaN Source Operand), Denormal');
export const MAX = define('MAX', 'Maximum of', '5F', VARIANTS, extremum('gt'), 'Invalid (Including QNaN Source Operand), Denormal');

const SINGLES = VARIANTS.filter((v) => v.feature === 'SSE');
const approximation = (cpu: Cpu, l: Lanes, exact: string, dest: Operand, src: Operand): void => {
  const bits = widthOf(l.shape);
  dest.write(cpu.compute(exact, [src.read(bits)], [bits])[0]!);
};
export const RCP = define('RCP', 'Compute Reciprocals of', '53', SINGLES, approximation, 'None');
export const RSQRT = define('RSQRT', 'Compute Reciprocals of Square Roots of', '52', SINGLES, approximation, 'None');
