/** LZCNT, TZCNT, and BMI1 and BMI2: ANDN, BEXTR, BLSI, BLSMSK, BLSR, BZHI, MULX, PDEP, PEXT, RORX, SARX, SHLX, SHRX. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import * as flags from '../flags.js';
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';

const counted = (name: string, summary: string, opcode: string, feature: string, count: (a: Value) => Value): Instruction => instruction(name, summary, {
  encodings: `
    F3 0F ${opcode} /r | ${name} r16, r/m16
    F3 0F ${opcode} /r | ${name} r32, r/m32
    F3 REX.W + 0F ${opcode} /r | ${name} r64, r/m64`,
  flags: 'ZF flag is set to 1 in case of zero output (most significant bit of the source is set), and to 0 otherwise, CF flag is set to 1 if input was zero and cleared otherwise. OF, SF, PF, and AF flags are undefined.',
  undefinedFlags: 'OF SF PF AF', feature,
  operation(cpu, dest, src) {
    const a = src.read(), result = count(a), zero = cpu.constant(0, 1);
    dest.write(result);
    flags.status(cpu, result, { CF: a.isZero, OF: zero });
  },
});
/** Words are counted in 32 bits: above a word 16 zeros lead, below one a bit stops the count. */
export const LZCNT = counted('LZCNT', 'Count the Number of Leading Zero Bits', 'BD', 'LZCNT', (a) => (a.bits === 16 ? a.zeroExtend(32).clz.sub(16).truncate(16) : a.clz));
export const TZCNT = counted('TZCNT', 'Count the Number of Trailing Zero Bits', 'BC', 'BMI1', (a) => (a.bits === 16 ? a.zeroExtend(32).or(0x10000).ctz.truncate(16) : a.ctz));

const SIZES = [['W0', 32], ['W1', 64]] as const;
const rows = (prefix: string, opcode: string, name: string, syntax: (r: string, rm: string) => string): string =>
  SIZES.map(([w, bits]) => `${prefix}.${w} ${opcode} | ${name} ${syntax(`r${bits}`, `r/m${bits}`)}`).join('\n');

const LOGICAL = 'SF and ZF are updated based on result. OF and CF flags are cleared. AF and PF flags are undefined.';
export const ANDN = instruction('ANDN', 'Logical AND NOT', {
  encodings: rows('VEX.LZ.0F38', 'F2 /r', 'ANDN', (r, rm) => `${r}a, ${r}b, ${rm}`), flags: LOGICAL, undefinedFlags: 'AF PF', feature: 'BMI1',
  operation(cpu, dest, first, second) {
    const result = first.read().not.and(second.read());
    dest.write(result);
    flags.logical(cpu, result);
  },
});

/** The lowest bits, as many as `count` says; all from the operand's width on. */
function lowest(cpu: Cpu, a: Value, count: Value): Value {
  const mask = cpu.constant(1, a.bits).shl(count.and(a.bits - 1)).sub(1);
  return count.ult(a.bits).select(a.and(mask), a);
}

export const BEXTR = instruction('BEXTR', 'Bit Field Extract', {
  encodings: rows('VEX.LZ.0F38', 'F7 /r', 'BEXTR', (r, rm) => `${r}a, ${rm}, ${r}b`),
  flags: 'ZF is updated based on the result. AF, SF, and PF are undefined. All other flags are cleared.', undefinedFlags: 'AF SF PF', feature: 'BMI1',
  operation(cpu, dest, src, control) {
    const a = src.read(), field = control.read(), start = field.and(0xff), length = field.shr(8).and(0xff);
    const shifted = start.ult(a.bits).select(a.shr(start.and(a.bits - 1)), cpu.constant(0, a.bits)), result = lowest(cpu, shifted, length);
    dest.write(result);
    flags.logical(cpu, result);
  },
});

/** `carry`: CF, of the source. The destination is in VEX.vvvv. */
const lowestSetBit = (name: string, summary: string, digit: number, carry: (a: Value) => Value, compute: (a: Value) => Value): Instruction => instruction(name, summary, {
  encodings: rows('VEX.LZ.0F38', `F3 /${digit}`, name, (r, rm) => `${r}, ${rm}`),
  flags: 'ZF and SF are updated based on the result. CF tells whether the source is zero. OF flag is cleared. AF and PF flags are undefined.', undefinedFlags: 'AF PF', feature: 'BMI1',
  operation(cpu, dest, src) {
    const a = src.read(), result = compute(a);
    dest.write(result);
    flags.status(cpu, result, { CF: carry(a), OF: cpu.constant(0, 1) });
  },
});
export const BLSI = lowestSetBit('BLSI', 'Extract Lowest Set Isolated Bit', 3, (a) => a.ne(0), (a) => a.neg.and(a));
export const BLSMSK = lowestSetBit('BLSMSK', 'Get Mask Up to Lowest Set Bit', 2, (a) => a.isZero, (a) => a.sub(1).xor(a));
export const BLSR = lowestSetBit('BLSR', 'Reset Lowest Set Bit', 1, (a) => a.isZero, (a) => a.sub(1).and(a));

export const BZHI = instruction('BZHI', 'Zero High Bits Starting with Specified Bit Position', {
  encodings: rows('VEX.LZ.0F38', 'F5 /r', 'BZHI', (r, rm) => `${r}a, ${rm}, ${r}b`),
  flags: 'ZF and SF flags are updated based on the result. CF flag is set as specified in the Operation section. OF flag is cleared. AF and PF flags are undefined.', undefinedFlags: 'AF PF', feature: 'BMI2',
  operation(cpu, dest, src, index) {
    const a = src.read(), n = index.read().and(0xff), result = lowest(cpu, a, n);
    dest.write(result);
    flags.status(cpu, result, { CF: n.ult(a.bits).not, OF: cpu.constant(0, 1) });
  },
});

const RDX = 2;
/** "If the first and second operand are identical, it will contain the high half of the multiplication result." */
export const MULX = instruction('MULX', 'Unsigned Multiply Without Affecting Flags', {
  encodings: rows('VEX.LZ.F2.0F38', 'F6 /r', 'MULX', (r, rm) => `${r}a, ${r}b, ${rm}`), flags: 'None affected.', feature: 'BMI2',
  operation(cpu, high, low, src) {
    const b = src.read(), a = cpu.register(RDX, b.bits);
    if (b.bits === 64) {
      const upper = a.mulhu(b);
      low.write(a.mul(b));
      high.write(upper);
      return;
    }
    const product = a.zeroExtend(64).mul(b.zeroExtend(64));
    low.write(product.truncate(32));
    high.write(product.shr(32).truncate(32));
  },
});

const parallel = (name: string, summary: string, prefix: string): Instruction => instruction(name, summary, {
  encodings: rows(`VEX.LZ.${prefix}.0F38`, 'F5 /r', name, (r, rm) => `${r}a, ${r}b, ${rm}`), flags: 'None affected.', feature: 'BMI2',
  operation(cpu, dest, src, mask) {
    const m = mask.read(), [result] = cpu.compute(name, [src.read().zeroExtend(64), m.zeroExtend(64)], [64]);
    dest.write(result!.truncate(m.bits));
  },
});
export const PDEP = parallel('PDEP', 'Parallel Bits Deposit', 'F2');
export const PEXT = parallel('PEXT', 'Parallel Bits Extract', 'F3');

export const RORX = instruction('RORX', 'Rotate Right Logical Without Affecting Flags', {
  encodings: rows('VEX.LZ.F2.0F3A', 'F0 /r ib', 'RORX', (r, rm) => `${r}, ${rm}, imm8`), flags: 'None affected.', feature: 'BMI2',
  operation(cpu, dest, src, count) {
    const a = src.read();
    dest.write(a.rotr(count.read(a.bits).and(a.bits - 1)));
  },
});

const shift = (name: string, prefix: string, how: (a: Value, count: Value) => Value): Instruction => instruction(name, 'Shift Without Affecting Flags', {
  encodings: rows(`VEX.LZ.${prefix}.0F38`, 'F7 /r', name, (r, rm) => `${r}a, ${rm}, ${r}b`), flags: 'None affected.', feature: 'BMI2',
  operation(cpu: Cpu, dest: Operand, src: Operand, count: Operand) {
    const a = src.read();
    dest.write(how(a, count.read().and(a.bits - 1)));
  },
});
export const SARX = shift('SARX', 'F3', (a, count) => a.sar(count));
export const SHLX = shift('SHLX', '66', (a, count) => a.shl(count));
export const SHRX = shift('SHRX', 'F2', (a, count) => a.shr(count));
