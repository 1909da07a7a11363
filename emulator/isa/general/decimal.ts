/** AAA, AAS, AAM, AAD, DAA, DAS, BOUND, INTO's relatives outside 64-bit mode. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu } from '../instruction.js';
import * as flags from '../flags.js';

function adjust(cpu: Cpu, change: (ax: Value) => Value): void {
  const al = cpu.register(0, 8), ax = cpu.register(0, 16);
  const needed = cpu.constant(9, 8).ult(al.and(15)).or(cpu.flag('AF'));
  const result = needed.select(change(ax), ax).and(0xff0f);
  cpu.setRegister(0, result);
  cpu.setFlags({ AF: needed, CF: needed });
}
export const AAA = instruction('AAA', 'ASCII Adjust After Addition', { encodings: '37 | AAA | 32', flags: 'AF and CF are set if the adjustment results in a decimal carry.', undefinedFlags: 'OF SF ZF PF', operation: (cpu) => adjust(cpu, (ax) => ax.add(0x106)) });
export const AAS = instruction('AAS', 'ASCII Adjust AL After Subtraction', { encodings: '3F | AAS | 32', flags: 'AF and CF are set if there is a decimal borrow.', undefinedFlags: 'OF SF ZF PF', operation: (cpu) => adjust(cpu, (ax) => ax.sub(6).sub(0x100)) });

export const AAM = instruction('AAM', 'ASCII Adjust AX After Multiply', {
  encodings: 'D4 ib | AAM imm8 | 32', flags: 'SF, ZF, and PF are set according to the resulting binary value in AL.', undefinedFlags: 'OF AF CF', exceptions: '#DE if the immediate is 0.',
  operation(cpu, base) {
    const by = base.read(8).zeroExtend(32), al = cpu.register(0, 8).zeroExtend(32);
    cpu.when(by.isZero, () => cpu.raise('#DE'));
    const rest = al.urem(by).truncate(8);
    cpu.setRegister(0, al.udiv(by).shl(8).truncate(16).or(rest.zeroExtend(16)));
    flags.logical(cpu, rest);
  },
});
export const AAD = instruction('AAD', 'ASCII Adjust AX Before Division', {
  encodings: 'D5 ib | AAD imm8 | 32', flags: 'SF, ZF, and PF are set according to the resulting binary value in AL.', undefinedFlags: 'OF AF CF',
  operation(cpu, base) {
    const ax = cpu.register(0, 16), al = ax.shr(8).truncate(8).mul(base.read(8)).add(ax.truncate(8));
    cpu.setRegister(0, al.zeroExtend(16));
    flags.logical(cpu, al);
  },
});

function decimal(cpu: Cpu, adding: boolean): void {
  const al = cpu.register(0, 8), carry = cpu.flag('CF');
  const low = cpu.constant(9, 8).ult(al.and(15)).or(cpu.flag('AF')), high = cpu.constant(0x99, 8).ult(al).or(carry);
  const by = (n: number, when: Value) => when.select(cpu.constant(n, 8), cpu.constant(0, 8));
  const correction = by(6, low).add(by(0x60, high)), result = adding ? al.add(correction) : al.sub(correction);
  cpu.setRegister(0, result);
  const borrow = adding ? high : high.or(low.and(al.ult(6)));
  flags.status(cpu, result, { CF: borrow, OF: cpu.constant(0, 1), AF: low });
}
export const DAA = instruction('DAA', 'Decimal Adjust AL After Addition', { encodings: '27 | DAA | 32', flags: 'CF and AF are set by a decimal carry; SF, ZF, and PF according to the result.', undefinedFlags: 'OF', operation: (cpu) => decimal(cpu, true) });
export const DAS = instruction('DAS', 'Decimal Adjust AL After Subtraction', { encodings: '2F | DAS | 32', flags: 'CF and AF are set by a decimal borrow; SF, ZF, and PF according to the result.', undefinedFlags: 'OF', operation: (cpu) => decimal(cpu, false) });

export const BOUND = instruction('BOUND', 'Check Array Index Against Bounds', {
  encodings: `
    62 /r | BOUND r16, m16&16 | 32
    62 /r | BOUND r32, m32&32 | 32`,
  flags: 'None affected.', exceptions: '#BR if the bounds test fails.', vmExit: 'If the bounds test fails and bit 5 of the exception bitmap is 1.',
  operation(cpu, index, bounds) {
    const i = index.read(), lower = bounds.at(0, i.bits).read(), upper = bounds.at(i.bits / 8, i.bits).read();
    cpu.when(i.slt(lower).or(upper.slt(i)), () => cpu.raise('#BR'));
  },
});
export const SALC = instruction('SALC', 'Set AL From Carry', {
  encodings: 'D6 | SALC | 32', flags: 'None affected.',
  operation(cpu) { cpu.setRegister(0, cpu.flag('CF').signExtend(8)); },
});
