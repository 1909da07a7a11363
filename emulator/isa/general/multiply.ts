/** MUL, IMUL, DIV, IDIV. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Operand } from '../instruction.js';
import * as flags from '../flags.js';

const rows = (name: string, digit: number): string => `
    F6 /${digit} | ${name} r/m8
    F7 /${digit} | ${name} r/m16
    F7 /${digit} | ${name} r/m32
    REX.W + F7 /${digit} | ${name} r/m64`;
const MULTIPLY_FLAGS = 'OF and CF say whether the upper half holds significant bits; SF, ZF, AF, and PF are undefined.';

/** The accumulator pair: AX for bytes, else rDX:rAX. */
function writePair(cpu: Cpu, low: Value, high: Value): void {
  if (low.bits === 8) { cpu.setRegister(0, high.zeroExtend(16).shl(8).or(low.zeroExtend(16))); return; }
  cpu.setRegister(0, low);
  cpu.setRegister(2, high);
}
function product(a: Value, b: Value, signed: boolean): { low: Value; high: Value } {
  if (a.bits === 64) return { low: a.mul(b), high: signed ? a.mulhs(b) : a.mulhu(b) };
  const wide = (v: Value) => (signed ? v.signExtend(64) : v.zeroExtend(64));
  const whole = wide(a).mul(wide(b));
  return { low: whole.truncate(a.bits), high: whole.shr(a.bits).truncate(a.bits) };
}
function multiply(signed: boolean) {
  return (cpu: Cpu, src: Operand): void => {
    const b = src.read(), { low, high } = product(cpu.register(0, b.bits), b, signed);
    writePair(cpu, low, high);
    const significant = signed ? high.ne(low.sar(b.bits - 1)) : high.ne(0);
    flags.status(cpu, low, { CF: significant, OF: significant });
  };
}
export const MUL = instruction('MUL', 'Unsigned Multiply', { encodings: rows('MUL', 4), flags: MULTIPLY_FLAGS, undefinedFlags: 'SF ZF AF PF', operation: multiply(false) });
export const IMUL_WIDE = instruction('IMUL', 'Signed Multiply', { encodings: rows('IMUL', 5), flags: MULTIPLY_FLAGS, undefinedFlags: 'SF ZF AF PF', operation: multiply(true) });

export const IMUL = instruction('IMUL', 'Signed Multiply', {
  encodings: `
    0F AF /r | IMUL r16, r/m16
    0F AF /r | IMUL r32, r/m32
    REX.W + 0F AF /r | IMUL r64, r/m64
    6B /r ib | IMUL r16, r/m16, imm8
    6B /r ib | IMUL r32, r/m32, imm8
    REX.W + 6B /r ib | IMUL r64, r/m64, imm8
    69 /r iw | IMUL r16, r/m16, imm16
    69 /r id | IMUL r32, r/m32, imm32
    REX.W + 69 /r id | IMUL r64, r/m64, imm32`,
  flags: MULTIPLY_FLAGS, undefinedFlags: 'SF ZF AF PF',
  operation(cpu, dest, src, immediate) {
    const a = src.read(), { low, high } = product(a, immediate ? immediate.read(a.bits) : dest.read(), true);
    dest.write(low);
    const significant = high.ne(low.sar(a.bits - 1));
    flags.status(cpu, low, { CF: significant, OF: significant });
  },
});

const DIVIDE_FLAGS = 'The CF, OF, SF, ZF, AF, and PF flags are undefined.';

/** "If the quotient is too large for the designated register" the fault is #DE, as for a divisor of 0. */
function divide(signed: boolean) {
  return (cpu: Cpu, src: Operand): void => {
    const divisor = src.read(), bits = divisor.bits;
    cpu.when(divisor.isZero, () => cpu.raise('#DE'));
    if (bits === 64) {
      const [quotient, remainder] = cpu.compute(signed ? 'IDIV r/m64' : 'DIV r/m64', [cpu.register(2, 64), cpu.register(0, 64), divisor], [64, 64]);
      cpu.setRegister(0, quotient!);
      cpu.setRegister(2, remainder!);
      return;
    }
    const dividend = bits === 8 ? (signed ? cpu.register(0, 16).signExtend(64) : cpu.register(0, 16).zeroExtend(64))
      : bits === 16 && signed ? cpu.register(2, 16).zeroExtend(32).shl(16).or(cpu.register(0, 16).zeroExtend(32)).signExtend(64)
      : cpu.register(2, bits).zeroExtend(64).shl(bits).or(cpu.register(0, bits).zeroExtend(64));
    const by = signed ? divisor.signExtend(64) : divisor.zeroExtend(64);
    // The one quotient that 64 bits cannot hold: -2^63 / -1.
    if (signed && bits === 32) cpu.when(dividend.eq(1n << 63n).and(by.eq(-1n)), () => cpu.raise('#DE'));
    const quotient = signed ? dividend.sdiv(by) : dividend.udiv(by), remainder = signed ? dividend.srem(by) : dividend.urem(by);
    const low = quotient.truncate(bits);
    cpu.when((signed ? low.signExtend(64) : low.zeroExtend(64)).ne(quotient), () => cpu.raise('#DE'));
    writePair(cpu, low, remainder.truncate(bits));
  };
}
export const DIV = instruction('DIV', 'Unsigned Divide', { encodings: rows('DIV', 6), flags: DIVIDE_FLAGS, undefinedFlags: 'CF OF SF ZF AF PF', exceptions: '#DE', operation: divide(false) });
export const IDIV = instruction('IDIV', 'Signed Divide', { encodings: rows('IDIV', 7), flags: DIVIDE_FLAGS, undefinedFlags: 'CF OF SF ZF AF PF', exceptions: '#DE', operation: divide(true) });
