/** BT, BTS, BTR, BTC, BSF, BSR, POPCNT. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Operand } from '../instruction.js';
import * as flags from '../flags.js';

const rows = (name: string, opcode: string, digit: number): string => `
    0F ${opcode} /r | ${name} r/m16, r16
    0F ${opcode} /r | ${name} r/m32, r32
    REX.W + 0F ${opcode} /r | ${name} r/m64, r64
    0F BA /${digit} ib | ${name} r/m16, imm8
    0F BA /${digit} ib | ${name} r/m32, imm8
    REX.W + 0F BA /${digit} ib | ${name} r/m64, imm8`;
const BIT_FLAGS = 'The CF flag contains the value of the selected bit. The ZF flag is unaffected; OF, SF, AF, and PF are undefined.';

/** "The bit base operand's offset can address a bit string": a register's offset may leave the operand when that is memory. */
function bitTest(change: ((word: Value, mask: Value) => Value) | undefined) {
  return (cpu: Cpu, base: Operand, offset: Operand): void => {
    const bits = base.bits, number = offset.read(bits);
    const place = base.kind === 'memory' && offset.kind === 'register'
      ? base.at(number.signExtend(64).sar(Math.log2(bits)).shl(Math.log2(bits / 8)), bits) : base;
    const word = change ? place.readForUpdate() : place.read();
    const wide = bits === 64 ? 64 : 32, n = number.and(bits - 1).zeroExtend(wide), mask = cpu.constant(1, wide).shl(n).truncate(bits);
    if (change) place.write(change(word, mask));
    cpu.setFlags({ CF: word.zeroExtend(wide).shr(n).and(1).truncate(1) });
  };
}
export const BT = instruction('BT', 'Bit Test', { encodings: rows('BT', 'A3', 4), flags: BIT_FLAGS, undefinedFlags: 'OF SF AF PF', operation: bitTest(undefined) });
export const BTS = instruction('BTS', 'Bit Test and Set', { encodings: rows('BTS', 'AB', 5), lock: true, flags: BIT_FLAGS, undefinedFlags: 'OF SF AF PF', operation: bitTest((w, m) => w.or(m)) });
export const BTR = instruction('BTR', 'Bit Test and Reset', { encodings: rows('BTR', 'B3', 6), lock: true, flags: BIT_FLAGS, undefinedFlags: 'OF SF AF PF', operation: bitTest((w, m) => w.and(m.not)) });
export const BTC = instruction('BTC', 'Bit Test and Complement', { encodings: rows('BTC', 'BB', 7), lock: true, flags: BIT_FLAGS, undefinedFlags: 'OF SF AF PF', operation: bitTest((w, m) => w.xor(m)) });

const scanRows = (name: string, opcode: string): string => `
    0F ${opcode} /r | ${name} r16, r/m16
    0F ${opcode} /r | ${name} r32, r/m32
    REX.W + 0F ${opcode} /r | ${name} r64, r/m64`;
const SCAN_FLAGS = 'The ZF flag is set to 1 if the source operand is 0; CF, OF, SF, AF, and PF are undefined.';

/** UNDEFINED: the destination of a zero source; like processors, we leave all of it. */
function scan(find: (wide: Value) => Value) {
  return (cpu: Cpu, dest: Operand, src: Operand): void => {
    const a = src.read();
    cpu.when(a.ne(0), () => dest.write(find(a.bits === 64 ? a : a.zeroExtend(32)).truncate(a.bits)));
    flags.logical(cpu, a);
  };
}
export const BSF = instruction('BSF', 'Bit Scan Forward', { encodings: scanRows('BSF', 'BC'), flags: SCAN_FLAGS, undefinedFlags: 'CF OF SF AF PF', operation: scan((a) => a.ctz) });
export const BSR = instruction('BSR', 'Bit Scan Reverse', { encodings: scanRows('BSR', 'BD'), flags: SCAN_FLAGS, undefinedFlags: 'CF OF SF AF PF', operation: scan((a) => a.clz.xor(a.bits - 1)) });

export const POPCNT = instruction('POPCNT', 'Return the Count of Number of Bits Set to 1', {
  encodings: `
    F3 0F B8 /r | POPCNT r16, r/m16
    F3 0F B8 /r | POPCNT r32, r/m32
    F3 REX.W + 0F B8 /r | POPCNT r64, r/m64`,
  flags: 'OF, SF, ZF, AF, CF, PF are all cleared. ZF is set if SRC = 0, otherwise ZF is cleared.', feature: 'POPCNT',
  operation(cpu, dest, src) {
    const a = src.read(), word = a.isZero.zeroExtend(32).shl(6);
    dest.write(a.popcnt);
    cpu.meaning.flags('explicit', 32, word, word);
  },
});
