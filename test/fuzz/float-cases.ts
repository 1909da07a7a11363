/** Random floating-point state for random instructions: numbers near every edge, every rounding mode, masks and stacks. */
import type { Instruction } from '../../emulator/isa/instruction.js';
import { type Random, type RandomCase, RandomCases } from './random-cases.js';

const FCW = 0, FSW = 2, FTW = 4, ST = 32, TOP_SHIFT = 11;

interface Encoding { readonly exponentBits: number; readonly fractionBits: number }
const SINGLE: Encoding = { exponentBits: 8, fractionBits: 23 }, DOUBLE: Encoding = { exponentBits: 11, fractionBits: 52 };

export class FloatCases {
  private readonly cases: RandomCases;
  constructor(private readonly random: Random, instructions: readonly Instruction[], bits: 64 | 32 = 64) { this.cases = new RandomCases(random, instructions, bits); }

  next(): RandomCase {
    const { random: r } = this, made = this.cases.next(), { state } = made, { fxsave } = state;
    for (let i = 0; i < 16; i++) this.fill(state.xmm(i));
    state.mxcsr = this.mxcsr();
    const top = r.below(8);
    fxsave.setUint16(FCW, this.fcw(), true);
    fxsave.setUint16(FSW, (top << TOP_SHIFT) | (r.chance(2) ? r.u32() & 0x4700 : 0), true);
    fxsave.setUint8(FTW, r.chance(3) ? r.below(256) : 0xff);
    for (let i = 0; i < 8; i++) this.extended(fxsave, ST + 16 * i);
    for (const { bytes } of made.data ?? []) if (!r.chance(8)) this.fill(bytes);
    if (made.data && r.chance(3)) for (const { bytes } of made.data) if (bytes.length >= 64) for (let at = 0; at + 10 <= bytes.length; at += 16) this.extended(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at);
    return made;
  }

  private mxcsr(): number {
    const { random: r } = this;
    const masks = r.chance(4) ? r.below(64) : 63, flags = r.chance(2) ? 0x20 : r.chance(2) ? 0 : r.below(64);
    return (masks << 7) | flags | (r.chance(2) ? 0 : r.below(4) << 13) | (r.chance(6) ? 0x40 : 0) | (r.chance(6) ? 0x8000 : 0);
  }
  private fcw(): number {
    const { random: r } = this;
    return 0x40 | (r.chance(4) ? r.below(64) : 63) | (r.chance(2) ? 0x300 : r.pick([0, 2, 3]) << 8) | (r.chance(2) ? 0 : r.below(4) << 10);
  }

  private fraction(bits: number): bigint {
    const { random: r } = this, all = (1n << BigInt(bits)) - 1n;
    switch (r.below(7)) {
      case 0: return 0n;
      case 1: return all;
      case 2: return 1n;
      case 3: return BigInt(r.below(4)) << BigInt(bits - 2);
      case 4: return all - (r.u64() & 3n);
      case 5: return (r.u64() & all) >> BigInt(r.below(bits));
      default: return r.u64() & all;
    }
  }
  private exponent(bits: number): number {
    const { random: r } = this, most = 2 ** bits - 1, bias = most >> 1;
    switch (r.below(8)) {
      case 0: return r.below(3);
      case 1: return most - r.below(3);
      case 2: return r.below(most + 1);
      case 3: return (bias >> 1) + r.below(4);
      case 4: return Math.min(most, bias + r.below(70));
      default: return bias + r.below(5) - 2;
    }
  }
  private encoded({ exponentBits, fractionBits }: Encoding): bigint {
    const { random: r } = this;
    if (r.chance(12)) return BigInt(r.below(2)) << BigInt(exponentBits + fractionBits);
    return (BigInt(r.below(2)) << BigInt(exponentBits + fractionBits)) | (BigInt(this.exponent(exponentBits)) << BigInt(fractionBits)) | this.fraction(fractionBits);
  }

  /** Doubles, singles or integers, eight bytes at a time. */
  private fill(bytes: Uint8Array): void {
    const { random: r } = this, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const kind = r.below(5);
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      if (kind <= 1) view.setBigUint64(at, this.encoded(DOUBLE), true);
      else if (kind <= 3) for (const half of [0, 4]) view.setUint32(at + half, Number(this.encoded(SINGLE)), true);
      else view.setBigUint64(at, r.value(), true);
    }
  }
  private extended(view: DataView, at: number): void {
    const { random: r } = this;
    const zero = r.chance(10);
    const exponent = zero ? 0 : this.exponent(15), integer = exponent !== 0 ? !r.chance(40) : r.chance(8);
    const fraction = zero ? 0n : r.chance(3) ? this.fraction(52) << 11n : r.chance(3) ? this.fraction(23) << 40n : this.fraction(63);
    view.setBigUint64(at, (integer && !zero ? 1n << 63n : 0n) | fraction, true);
    view.setUint16(at + 8, (r.below(2) << 15) | exponent, true);
  }
}
