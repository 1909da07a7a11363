/** CMPXCHG, CMPXCHG8B, CMPXCHG16B, XADD. SDM Vol. 2, by their names. */
import { instruction, type Cpu, type Operand } from '../instruction.js';
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

function pair(bits: 32 | 64) {
  return (cpu: Cpu, dest: Operand): void => {
    const low = dest.at(0, bits), high = dest.at(bits / 8, bits);
    const x = low.readForUpdate(), y = high.readForUpdate();
    const equal = x.eq(cpu.register(0, bits)).and(y.eq(cpu.register(2, bits)));
    low.write(equal.select(cpu.register(3, bits), x));
    high.write(equal.select(cpu.register(1, bits), y));
    cpu.when(equal.not, () => { cpu.setRegister(0, x); cpu.setRegister(2, y); });
    cpu.setFlags({ ZF: equal });
  };
}
export const CMPXCHG8B = instruction('CMPXCHG8B', 'Compare and Exchange Bytes', {
  encodings: '0F C7 /1 | CMPXCHG8B m64', lock: true, flags: 'The ZF flag is set if the destination operand and EDX:EAX are equal; otherwise it is cleared.', operation: pair(32),
});
export const CMPXCHG16B = instruction('CMPXCHG16B', 'Compare and Exchange Bytes', {
  encodings: 'REX.W + 0F C7 /1 | CMPXCHG16B m128 | 64', lock: true, feature: 'CX16', flags: 'The ZF flag is set if the destination operand and RDX:RAX are equal; otherwise it is cleared.',
  exceptions: '#GP(0) if the memory operand is not aligned on a 16-byte boundary.',
  operation(cpu, dest) {
    const linear = dest.flat ? dest.offset : dest.offset.add(cpu.meaning.get(dest.segment, 64));
    cpu.when(linear.and(15).ne(0), () => cpu.raise('#GP', 0));
    pair(64)(cpu, dest);
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
