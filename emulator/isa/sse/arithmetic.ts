/** ADD, SUB, MUL, DIV, SQRT, MIN, MAX, RCP and RSQRT of packed and scalar numbers. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';
import { fastOr, Lanes, type Shape } from './fast.js';
import { AVX, SCALAR, withVex } from './rows.js';
import { halves, scalarWriter, sse, withFirstSource } from './vector.js';

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

function define(name: string, what: string, opcode: string, variants: readonly Variant[], arity: 1 | 2, quick: Quick, exceptions: string): readonly Instruction[] {
  return variants.map((v) => {
    const scalar = widthOf(v.shape) !== 128;
    return instruction(`${name}${v.suffix}`, `${what} ${v.of}`, {
      encodings: withVex(`${v.prefix} 0F ${opcode} /r | ${name}${v.suffix} xmm1, ${v.source} ${v.mark}`, { lengths: scalar ? SCALAR : AVX, source: arity === 2 || scalar }),
      feature: v.feature, flags: 'None affected.', exceptions,
      operation(cpu, ...operands) {
        sse(cpu);
        compute(cpu, new Lanes(cpu, v.shape), `${name}${v.suffix}`, arity, quick, operands);
      },
    });
  });
}

/** The result that WebAssembly gives, and whether it is the processor's (see isa/sse/fast.ts); of approximations there is none. */
export type Quick = ((cpu: Cpu, l: Lanes, ...of: Value[]) => { readonly result: Value; readonly ok: Value }) | undefined;

/** Writes what `quick` gives or, where that is not the processor's result, the operation `exact`, to which `more` is handed too. */
export function compute(cpu: Cpu, l: Lanes, exact: string, arity: 1 | 2, quick: Quick, operands: readonly Operand[], more: readonly Value[] = []): void {
  const bits = widthOf(l.shape);
  if (bits !== 128) {
    const [dest, first, second] = withFirstSource(cpu, operands), b = second!.read(bits), of = arity === 1 ? [b] : [first!.read(bits), b];
    const write = scalarWriter(cpu, dest!, first!), slowly = () => write(cpu.compute(exact, [...of, ...more], [bits])[0]!), fast = quick?.(cpu, l, ...of);
    if (fast) fastOr(cpu, fast.ok, () => write(fast.result), slowly); else slowly();
    return;
  }
  const [dest, ...sources] = arity === 1 ? operands : withFirstSource(cpu, operands);
  computeParts(cpu, l, exact, quick, dest!, halves(cpu, ...sources), more);
}
/** The same of vectors, from what the sources hold in each 128 bits. */
export function computeParts(cpu: Cpu, l: Lanes, exact: string, quick: Quick, dest: Operand, parts: readonly (readonly Value[])[], more: readonly Value[] = []): void {
  const slowly = () => dest.write(...all(cpu.compute(parts.length === 2 ? `${exact}256` : exact, [...parts[0]!.flatMap((_, i) => parts.map((of) => of[i]!)), ...more], parts.map(() => 128))));
  if (!quick) { slowly(); return; }
  const fast = parts.map((of) => quick(cpu, l, ...of));
  fastOr(cpu, fast.map(({ ok }) => l.everywhere(ok)).reduce((a, b) => a.and(b)), () => dest.write(...all(fast.map(({ result }) => result))), slowly);
}
/** What a destination is written from: 128 bits or both halves. */
export const all = ([low, high]: readonly Value[]): [Value, Value?] => (high ? [low!, high] : [low!]);

export const quickly = (wasm: string, judge: Judge): Quick => (_cpu, l, a, b) => {
  const result = l.value(wasm, a!, b!);
  return { result, ok: judge(l, result, a!, b!) };
};
const ALL = 'Overflow, Underflow, Invalid, Precision, Denormal';
export const ADD = define('ADD', 'Add', '58', VARIANTS, 2, quickly('add', sum), ALL);
export const SUB = define('SUB', 'Subtract', '5C', VARIANTS, 2, quickly('sub', sum), ALL);
export const MUL = define('MUL', 'Multiply', '59', VARIANTS, 2, quickly('mul', product), ALL);
export const DIV = define('DIV', 'Divide', '5E', VARIANTS, 2, quickly('div', quotient), `${ALL}, Divide-by-Zero`);

export const SQRT = define('SQRT', 'Square Root of', '51', VARIANTS, 1, (_cpu, l, a) => {
  const result = l.value('sqrt', a!);
  return { result, ok: l.both(l.plain(a!), l.finite(result)) };
}, 'Invalid, Precision, Denormal');

/** "If the values being compared are both 0.0s … the value in the second operand (source operand) is returned." */
const extremum = (comparison: 'lt' | 'gt'): Quick => (cpu, l, a, b) => {
  const first = l.mask(comparison, a!, b!);
  return { result: l.isVector ? cpu.meaning.wasm('v128.bitselect', 128, [a!, b!, first]) : first.select(a!, b!), ok: l.comparable(a!, b!) };
};
export const MIN = define('MIN', 'Minimum of', '5D', VARIANTS, 2, extremum('lt'), 'Invalid (Including QNaN Source Operand), Denormal');
export const MAX = define('MAX', 'Maximum of', '5F', VARIANTS, 2, extremum('gt'), 'Invalid (Including QNaN Source Operand), Denormal');

const SINGLES = VARIANTS.filter((v) => v.feature === 'SSE');
export const RCP = define('RCP', 'Compute Reciprocals of', '53', SINGLES, 1, undefined, 'None');
export const RSQRT = define('RSQRT', 'Compute Reciprocals of Square Roots of', '52', SINGLES, 1, undefined, 'None');
