/** CMPXCHG, CMPXCHG8B, CMPXCHG16B, XADD. SDM Vol. 2, by their names. */
import type { Value } from '../../meaning/meaning.js';
import { instruction } from '../instruction.js';
import * as flags from '../flags.js';

const rows = (name: string, opcode: string, byte: string): string => `
    0F ${byte} /r | ${name} r/m8, r8
    0F ${opcode} /r | ${name} r/m16, r16
    0F ${opcode} /r | ${name} r/m32, r32
    REX.W + 0F ${opcode} /r | ${name} r/m64, r64`;

export const CMPXCHG = instruction('CMPXCHG', 'Compare and Exchange', {
  encodings: rows('CMPXCHG', 'B1', 'B0'), lock: true,
  flags: 'The ZF flag is set if the values in the destination operand and register AL, AX, or EAX are equal; otherwise it is cleared. The CF, PF, AF, SF, and OF flags are set according to the results of the comparison operation.',
  operation(cpu, dest, src) {
    const current = dest.readForUpdate(), accumulator = cpu.register(0, current.bits), equal = accumulator.eq(current);
    const replacement = src.read();
    if (dest.kind === 'memory') dest.write(equal.select(replacement, current));
    else cpu.when(equal, () => dest.write(replacement));
    cpu.when(equal.not, () => cpu.setRegister(0, current));
    flags.subtraction(cpu, accumulator, accumulator.sub(current));
  },
});

export const CMPXCHG8B = instruction('CMPXCHG8B', 'Compare and Exchange Bytes', {
  encodings: '0F C7 /1 | CMPXCHG8B m64', lock: true, flags: 'The ZF flag is set if the destination operand and EDX:EAX are equal; otherwise it is cleared.',
  operation(cpu, dest) {
    const found = dest.readForUpdate(), wide = (low: number, high: number): Value => cpu.register(low, 32).zeroExtend(64).or(cpu.register(high, 32).zeroExtend(64).shl(32));
    const equal = found.eq(wide(0, 2));
    dest.write(equal.select(wide(3, 1), found));
    cpu.when(equal.not, () => { cpu.setRegister(0, found.truncate(32)); cpu.setRegister(2, found.shr(32).truncate(32)); });
    cpu.setFlags({ ZF: equal });
  },
});
export const CMPXCHG16B = instruction('CMPXCHG16B', 'Compare and Exchange Bytes', {
  encodings: 'REX.W + 0F C7 /1 | CMPXCHG16B m128 | 64', lock: true, feature: 'CX16', flags: 'The ZF flag is set if the destination operand and RDX:RAX are equal; otherwise it is cleared.',
  exceptions: '#GP(0) if the memory operand is not aligned on a 16-byte boundary.',
  operation(cpu, dest) {
    const linear = dest.flat ? dest.offset : dest.offset.add(cpu.meaning.get(dest.segment, 64));
    cpu.when(linear.and(15).ne(0), () => cpu.raise('#GP', 0));
    const low = dest.at(0, 64), high = dest.at(8, 64), x = low.readForUpdate(), y = high.readForUpdate();
    const equal = x.eq(cpu.register(0, 64)).and(y.eq(cpu.register(2, 64)));
    low.write(equal.select(cpu.register(3, 64), x));
    high.write(equal.select(cpu.register(1, 64), y));
    cpu.when(equal.not, () => { cpu.setRegister(0, x); cpu.setRegister(2, y); });
    cpu.setFlags({ ZF: equal });
  },
});

export const XADD = instruction('XADD', 'Exchange and Add', {
  encodings: rows('XADD', 'C1', 'C0'), lock: true, flags: 'The CF, PF, AF, SF, ZF, and OF flags are set according to the result of the addition.',
  operation(cpu, dest, src) {
    const a = dest.readForUpdate(), sum = a.add(src.read());
    src.write(a);
    dest.write(sum);
    flags.addition(cpu, a, sum);
  },
});
