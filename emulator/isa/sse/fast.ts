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

  isZero(a: Value): Value { return this.mask('eq', a, this.constant(0n)); }
  /** Zero, normal or infinite. */
  plain(a: Value): Value { return this.either(this.mask('ge', this.value('abs', a), this.constant(this.element.minNormal)), this.isZero(a)); }
  finite(a: Value): Value { return this.mask('le', this.value('abs', a), this.constant(this.element.maxFinite)); }
  /** Finite, and so far from the smallest normal number that rounding has not hidden an underflow. */
  safe(a: Value): Value {
    const magnitude = this.value('abs', a);
    return this.both(this.mask('ge', magnitude, this.constant(this.element.twiceMinNormal)), this.mask('le', magnitude, this.constant(this.element.maxFinite)));
  }
  /** Neither is a NaN or denormal. */
  comparable(a: Value, b: Value): Value { return this.both(this.both(this.plain(a), this.plain(b)), this.either(this.mask('le', a, b), this.mask('ge', a, b))); }
}

/** Runs `quick` when arithmetic may be fast and `ok` (one bit) holds, else `exact`. */
export function fastOr(cpu: Cpu, ok: Value, quick: () => void, exact: () => void): void {
  cpu.when(cpu.state(S.sseFast, 32).ne(0).and(ok), quick, exact);
}
