/** SHL, SHR, SAR, ROL, ROR, RCL, RCR, SHLD, SHRD. SDM Vol. 2, "SAL/SAR/SHL/SHR—Shift", "RCL/RCR/ROL/ROR—Rotate". */
import type { Bits, Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Operand } from '../instruction.js';
import * as flags from '../flags.js';

const rows = (name: string, digit: number): string => `
    D0 /${digit} | ${name} r/m8, 1
    D2 /${digit} | ${name} r/m8, CL
    C0 /${digit} ib | ${name} r/m8, imm8
    D1 /${digit} | ${name} r/m16, 1
    D1 /${digit} | ${name} r/m32, 1
    REX.W + D1 /${digit} | ${name} r/m64, 1
    D3 /${digit} | ${name} r/m16, CL
    D3 /${digit} | ${name} r/m32, CL
    REX.W + D3 /${digit} | ${name} r/m64, CL
    C1 /${digit} ib | ${name} r/m16, imm8
    C1 /${digit} ib | ${name} r/m32, imm8
    REX.W + C1 /${digit} ib | ${name} r/m64, imm8`;

/** "The count is masked to 5 bits (or 6 bits with a 64-bit operand)." In 32 or 64 bits, in which the shift is then made. */
function maskedCount(count: Operand, bits: Bits): Value {
  const wide = bits === 64 ? 64 : 32;
  return count.read(8).zeroExtend(wide).and(bits === 64 ? 63 : 31);
}
const widened = (a: Value): Value => (a.bits === 64 ? a : a.zeroExtend(32));
const one = (v: Value): Value => v.and(1).truncate(1);

type Shift = (a: Value, count: Value, wide: Value) => { result: Value; CF: Value; OF: Value };

function shift(by: Shift) {
  return (cpu: Cpu, dest: Operand, countOperand: Operand): void => {
    const a = dest.readForUpdate(), count = maskedCount(countOperand, a.bits);
    const { result, CF, OF } = by(a, count, widened(a));
    dest.write(result);
    cpu.when(count.ne(0), () => flags.status(cpu, result, { CF, OF }));
  };
}
const SHIFT_FLAGS = 'The CF flag contains the last bit shifted out; the OF flag is affected only for 1-bit shifts; SF, ZF, and PF are set according to the result. With a count of 0 the flags are not affected.';

/** The bit that a left shift pushes out. */
function carryOfLeft(a: Value, count: Value): Value {
  if (a.bits === 64) return one(a.shr(count.neg.and(63)));
  return a.bits === 32 ? one(a.shr(count.neg.and(31))) : a.zeroExtend(32).zeroExtend(64).shl(count.zeroExtend(64)).bit(a.bits);
}
const shl: Shift = (a, count, wide) => {
  const result = wide.shl(count).truncate(a.bits), CF = carryOfLeft(a, count);
  return { result, CF, OF: result.msb.xor(CF) };
};
const shr: Shift = (a, count, wide) => ({ result: wide.shr(count).truncate(a.bits), CF: one(wide.shr(count.sub(1).and(wide.bits - 1))), OF: a.msb });
const sar: Shift = (a, count) => {
  const wide = a.bits === 64 ? a : a.signExtend(32);
  return { result: wide.sar(count).truncate(a.bits), CF: one(wide.sar(count.sub(1).and(wide.bits - 1))), OF: a.meaning.constant(0, 1) };
};

export const SHL = instruction('SHL', 'Shift Left', { encodings: rows('SHL', 4) + rows('SAL', 6), flags: SHIFT_FLAGS, undefinedFlags: 'AF OF', operation: shift(shl) });
export const SHR = instruction('SHR', 'Unsigned Divide by 2', { encodings: rows('SHR', 5), flags: SHIFT_FLAGS, undefinedFlags: 'AF OF CF', operation: shift(shr) });
export const SAR = instruction('SAR', 'Signed Divide by 2', { encodings: rows('SAR', 7), flags: SHIFT_FLAGS, undefinedFlags: 'AF OF', operation: shift(sar) });

const ROTATE_FLAGS = 'The CF flag contains the bit shifted into it; the OF flag is affected only for 1-bit rotates. SF, ZF, AF, and PF are always unaffected.';

function rotated(a: Value, count: Value, left: boolean): Value {
  if (a.bits >= 32) return left ? a.rotl(count) : a.rotr(count);
  const wide = a.zeroExtend(32), n = count.and(a.bits - 1), back = n.neg.and(a.bits - 1);
  return (left ? wide.shl(n).or(wide.shr(back)) : wide.shr(n).or(wide.shl(back))).truncate(a.bits);
}
function rotate(left: boolean) {
  return (cpu: Cpu, dest: Operand, countOperand: Operand): void => {
    const a = dest.readForUpdate(), count = maskedCount(countOperand, a.bits), result = rotated(a, count, left);
    dest.write(result);
    cpu.when(count.ne(0), () => {
      const CF = left ? one(result) : result.msb;
      cpu.setFlags({ CF, OF: left ? result.msb.xor(CF) : result.msb.xor(result.bit(a.bits - 2)) });
    });
  };
}
export const ROL = instruction('ROL', 'Rotate Left', { encodings: rows('ROL', 0), flags: ROTATE_FLAGS, undefinedFlags: 'OF', operation: rotate(true) });
export const ROR = instruction('ROR', 'Rotate Right', { encodings: rows('ROR', 1), flags: ROTATE_FLAGS, undefinedFlags: 'OF', operation: rotate(false) });

/** Rotation through CF: of bits + 1 bits. */
function rotateThroughCarry(left: boolean) {
  return (cpu: Cpu, dest: Operand, countOperand: Operand): void => {
    const a = dest.readForUpdate(), masked = maskedCount(countOperand, a.bits), wide = 64 as const;
    const modulus = a.bits < 32 ? cpu.constant(a.bits + 1, 32) : undefined;
    const n = (modulus ? masked.urem(modulus) : masked).zeroExtend(wide), x = a.zeroExtend(wide), carry = cpu.flag('CF').zeroExtend(wide);
    // n >= 1 below: shifts by bits - n, and by bits + 1 - n as 1 and bits - n.
    const rest = cpu.constant(a.bits, wide).sub(n).and(63), less = n.sub(1).and(63);
    const high = x.shl(n.and(63)).or(carry.shl(less)).or(x.shr(1).shr(rest));
    const low = x.shr(n.and(63)).or(carry.shl(rest)).or(x.shl(1).shl(rest));
    const turned = n.isZero.select(a, (left ? high : low).truncate(a.bits));
    dest.write(turned);
    cpu.when(n.ne(0), () => {
      const CF = one(left ? x.shr(rest) : x.shr(less));
      cpu.setFlags({ CF, OF: left ? turned.msb.xor(CF) : turned.msb.xor(turned.bit(a.bits - 2)) });
    });
  };
}
export const RCL = instruction('RCL', 'Rotate Through Carry Left', { encodings: rows('RCL', 2), flags: ROTATE_FLAGS, undefinedFlags: 'OF', operation: rotateThroughCarry(true) });
export const RCR = instruction('RCR', 'Rotate Through Carry Right', { encodings: rows('RCR', 3), flags: ROTATE_FLAGS, undefinedFlags: 'OF', operation: rotateThroughCarry(false) });

const doubleRows = (name: string, opcode: string, byCl: string): string => `
    0F ${opcode} /r ib | ${name} r/m16, r16, imm8
    0F ${opcode} /r ib | ${name} r/m32, r32, imm8
    REX.W + 0F ${opcode} /r ib | ${name} r/m64, r64, imm8
    0F ${byCl} /r | ${name} r/m16, r16, CL
    0F ${byCl} /r | ${name} r/m32, r32, CL
    REX.W + 0F ${byCl} /r | ${name} r/m64, r64, CL`;

/**
 * UNDEFINED: a 16-bit operand with a count above 16 gives undefined results; ours shifts the 48 bits dest:src:dest (SHLD)
 * or dest:src:dest (SHRD), as processors do.
 */
function doubleShift(left: boolean) {
  return (cpu: Cpu, dest: Operand, src: Operand, countOperand: Operand): void => {
    const a = dest.readForUpdate(), b = src.read(), count = maskedCount(countOperand, a.bits);
    let result: Value, CF: Value;
    if (a.bits === 16) {
      const x = a.zeroExtend(64), y = b.zeroExtend(64), n = count.zeroExtend(64);
      if (left) {
        const all = x.shl(32).or(y.shl(16)).or(x), turned = all.shl(n);
        result = turned.shr(32).truncate(16);
        CF = turned.bit(48);
      } else {
        const all = x.or(y.shl(16)).or(x.shl(32));
        result = all.shr(n).truncate(16);
        CF = one(all.shr(n.sub(1).and(63)));
      }
    } else {
      const rest = count.neg.and(a.bits - 1);
      result = count.isZero.select(a, left ? a.shl(count).or(b.shr(rest)) : a.shr(count).or(b.shl(rest)));
      CF = left ? one(a.shr(rest)) : one(a.shr(count.sub(1).and(a.bits - 1)));
    }
    dest.write(result);
    cpu.when(count.ne(0), () => flags.status(cpu, result, { CF, OF: result.msb.xor(a.msb) }));
  };
}
export const SHLD = instruction('SHLD', 'Double Precision Shift Left', { encodings: doubleRows('SHLD', 'A4', 'A5'), flags: SHIFT_FLAGS, undefinedFlags: 'AF OF', operation: doubleShift(true) });
export const SHRD = instruction('SHRD', 'Double Precision Shift Right', { encodings: doubleRows('SHRD', 'AC', 'AD'), flags: SHIFT_FLAGS, undefinedFlags: 'AF OF', operation: doubleShift(false) });
