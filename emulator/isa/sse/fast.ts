/**
 * Floating-point arithmetic by WebAssembly's own operations where they give the processor's result and no flag but PE can
 * arise, which S.sseFast says is set already; otherwise by the soft float of cpu/sse-operations.ts.
 */
import { S } from '../../cpu/layout.js';
import type { Value } from '../../meaning/meaning.js';
import type { Cpu } from '../instruction.js';
import { every } from './vector.js';

export type Shape = 'f32' | 'f64' | 'f32x4' | 'f64x2';
const SINGLE = { bits: 32, minNormal: 0x00800000n, twiceMinNormal: 0x01000000n, maxFinite: 0x7f7fffffn } as const;
const DOUBLE = { bits: 64, minNormal: 0x0010000000000000n, twiceMinNormal: 0x0020000000000000n, maxFinite: 0x7fefffffffffffffn } as const;

/** Values of one shape, and masks over them: one bit for scalars, all bits of an element for vectors. */
export class Lanes {
  readonly isVector: boolean;
  readonly element: typeof SINGLE | typeof DOUBLE;
  constructor(private readonly cpu: Cpu, readonly shape: Shape) {
    this.isVector = shape.includes('x');
    this.element = shape.startsWith('f32') ? SINGLE : DOUBLE;
  }

  value(name: string, ...of: Value[]): Value { return this.cpu.meaning.wasm(`${this.shape}.${name}`, this.isVector ? 128 : this.element.bits, of); }
  mask(name: string, ...of: Value[]): Value { return this.cpu.meaning.wasm(`${this.shape}.${name}`, this.isVector ? 128 : 1, of); }
  constant(encoded: bigint): Value { return this.isVector ? every(this.cpu, encoded, this.element.bits) : this.cpu.constant(encoded, this.element.bits); }
  both(a: Value, b: Value): Value { return this.isVector ? this.cpu.meaning.wasm('v128.and', 128, [a, b]) : a.and(b); }
  either(a: Value, b: Value): Value { return this.isVector ? this.cpu.meaning.wasm('v128.or', 128, [a, b]) : a.or(b); }
  everywhere(mask: Value): Value { return this.isVector ? this.cpu.meaning.wasm(this.element === SINGLE ? 'i32x4.all_true' : 'i64x2.all_true', 1, [mask]) : mask; }

  isZero(a: Value): Value { return this.isVector ? this.mask('eq', a, this.constant(0n)) : this.twice(a).isZero; }
  /** Zero, normal or infinite; of a scalar perhaps a NaN. */
  plain(a: Value): Value {
    if (this.isVector) return this.either(this.mask('ge', this.value('abs', a), this.constant(this.element.minNormal)), this.isZero(a));
    // A denormal number without its sign, less one, is what is smallest; zero becomes what is largest.
    return this.constant(2n * this.element.minNormal - 1n).ule(this.twice(a).sub(1));
  }
  finite(a: Value): Value {
    if (this.isVector) return this.mask('le', this.value('abs', a), this.constant(this.element.maxFinite));
    return this.twice(a).ule(this.constant(2n * this.element.maxFinite));
  }
  /** Finite, and so far from the smallest normal number that rounding has not hidden an underflow. */
  safe(a: Value): Value {
    const least = this.element.twiceMinNormal, most = this.element.maxFinite;
    if (!this.isVector) return this.twice(a).sub(this.constant(2n * least)).ule(this.constant(2n * (most - least)));
    const magnitude = this.value('abs', a);
    return this.both(this.mask('ge', magnitude, this.constant(least)), this.mask('le', magnitude, this.constant(most)));
  }
  /** Neither is a NaN or denormal. */
  comparable(a: Value, b: Value): Value { return this.both(this.both(this.plain(a), this.plain(b)), this.either(this.mask('le', a, b), this.mask('ge', a, b))); }
  /** The encoding without its sign, one bit higher: integer comparisons of it are cheaper than those of numbers. */
  private twice(a: Value): Value { return a.shl(1); }
}

/** Runs `quick` when arithmetic may be fast and `ok` (one bit) holds, else `exact`. */
export function fastOr(cpu: Cpu, ok: Value, quick: () => void, exact: () => void): void {
  cpu.when(cpu.state(S.sseFast, 32).ne(0).and(ok), quick, exact);
}
