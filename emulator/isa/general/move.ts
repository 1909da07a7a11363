/** MOV and its relatives: MOVZX, MOVSX, LEA, XCHG, CMOVcc, SETcc, BSWAP, XLAT, CBW … SDM Vol. 2, by their names. */
import { CONDITIONS } from '../../meaning/emit-condition.js';
import { instruction, type Instruction } from '../instruction.js';

const hex = (n: number): string => n.toString(16).toUpperCase().padStart(2, '0');

export const MOV = instruction('MOV', 'Move', {
  encodings: `
    88 /r | MOV r/m8, r8
    89 /r | MOV r/m16, r16
    89 /r | MOV r/m32, r32
    REX.W + 89 /r | MOV r/m64, r64
    8A /r | MOV r8, r/m8
    8B /r | MOV r16, r/m16
    8B /r | MOV r32, r/m32
    REX.W + 8B /r | MOV r64, r/m64
    A0 | MOV AL, moffs8
    A1 | MOV AX, moffs16
    A1 | MOV EAX, moffs32
    REX.W + A1 | MOV RAX, moffs64
    A2 | MOV moffs8, AL
    A3 | MOV moffs16, AX
    A3 | MOV moffs32, EAX
    REX.W + A3 | MOV moffs64, RAX
    B0+rb ib | MOV r8, imm8
    B8+rw iw | MOV r16, imm16
    B8+rd id | MOV r32, imm32
    REX.W + B8+rd io | MOV r64, imm64
    C6 /0 ib | MOV r/m8, imm8
    C7 /0 iw | MOV r/m16, imm16
    C7 /0 id | MOV r/m32, imm32
    REX.W + C7 /0 id | MOV r/m64, imm32`,
  flags: 'None affected.',
  operation(_cpu, dest, src) { dest.write(src.read(dest.bits)); },
});

export const MOVZX = instruction('MOVZX', 'Move With Zero-Extend', {
  encodings: `
    0F B6 /r | MOVZX r16, r/m8
    0F B6 /r | MOVZX r32, r/m8
    REX.W + 0F B6 /r | MOVZX r64, r/m8
    0F B7 /r | MOVZX r16, r/m16
    0F B7 /r | MOVZX r32, r/m16
    REX.W + 0F B7 /r | MOVZX r64, r/m16`,
  flags: 'None affected.',
  operation(_cpu, dest, src) { dest.write(src.read().zeroExtend(dest.bits)); },
});

export const MOVSX = instruction('MOVSX', 'Move With Sign-Extension', {
  encodings: `
    0F BE /r | MOVSX r16, r/m8
    0F BE /r | MOVSX r32, r/m8
    REX.W + 0F BE /r | MOVSX r64, r/m8
    0F BF /r | MOVSX r16, r/m16
    0F BF /r | MOVSX r32, r/m16
    REX.W + 0F BF /r | MOVSX r64, r/m16
    63 /r | MOVSXD r16, r/m16 | 64
    63 /r | MOVSXD r32, r/m32 | 64
    REX.W + 63 /r | MOVSXD r64, r/m32 | 64`,
  flags: 'None affected.',
  operation(_cpu, dest, src) { dest.write(src.read().signExtend(dest.bits)); },
});

export const LEA = instruction('LEA', 'Load Effective Address', {
  encodings: `
    8D /r | LEA r16, m
    8D /r | LEA r32, m
    REX.W + 8D /r | LEA r64, m`,
  flags: 'None affected.',
  operation(_cpu, dest, src) { dest.write(src.offset.truncate(dest.bits)); },
});

export const XCHG = instruction('XCHG', 'Exchange Register/Memory With Register', {
  encodings: `
    90+rw | XCHG AX, r16
    90+rd | XCHG EAX, r32
    REX.W + 90+rd | XCHG RAX, r64
    86 /r | XCHG r/m8, r8
    87 /r | XCHG r/m16, r16
    87 /r | XCHG r/m32, r32
    REX.W + 87 /r | XCHG r/m64, r64`,
  lock: true, flags: 'None affected.',
  operation(_cpu, first, second) {
    const a = first.readForUpdate(), b = second.read();
    first.write(b);
    second.write(a);
  },
});

export const NOP = instruction('NOP', 'No Operation', {
  encodings: `
    !REX.B 90 | NOP
    0F 1F /r | NOP r/m16, r16
    0F 1F /r | NOP r/m32, r32
    REX.W + 0F 1F /r | NOP r/m64, r64
    0F 1E /r | NOP r/m16, r16
    0F 1E /r | NOP r/m32, r32
    REX.W + 0F 1E /r | NOP r/m64, r64
    0F 19 /r | NOP r/m16, r16
    0F 19 /r | NOP r/m32, r32
    REX.W + 0F 19 /r | NOP r/m64, r64
    0F 1A /r | NOP r/m16, r16
    0F 1A /r | NOP r/m32, r32
    REX.W + 0F 1A /r | NOP r/m64, r64
    0F 1B /r | NOP r/m16, r16
    0F 1B /r | NOP r/m32, r32
    REX.W + 0F 1B /r | NOP r/m64, r64
    0F 1C /r | NOP r/m16, r16
    0F 1C /r | NOP r/m32, r32
    REX.W + 0F 1C /r | NOP r/m64, r64
    0F 1D /r | NOP r/m16, r16
    0F 1D /r | NOP r/m32, r32
    REX.W + 0F 1D /r | NOP r/m64, r64`,
  flags: 'None affected.',
  operation() { /* nothing */ },
});

const prefetch = (name: string, summary: string, encodings: string): Instruction =>
  instruction(name, summary, { encodings, flags: 'None affected.', operation() { /* a hint */ } });
export const PREFETCHW = prefetch('PREFETCHW', 'Prefetch Data Into Caches in Anticipation of a Write', `
    0F 0D /r | PREFETCHW r/m16, r16
    0F 0D /r | PREFETCHW r/m32, r32
    REX.W + 0F 0D /r | PREFETCHW r/m64, r64`);
export const PREFETCH = prefetch('PREFETCHh', 'Prefetch Data Into Caches', `
    0F 18 /r | PREFETCHh r/m16, r16
    0F 18 /r | PREFETCHh r/m32, r32
    REX.W + 0F 18 /r | PREFETCHh r/m64, r64`);

export const PAUSE = instruction('PAUSE', 'Spin Loop Hint', {
  encodings: 'F3 90 | PAUSE', flags: 'None affected.',
  vmExit: 'If the "PAUSE exiting" VM-execution control is 1; at CPL 0 also by "PAUSE-loop exiting".',
  operation(cpu) { cpu.perform('PAUSE'); },
});

/** "The processor ignores the r/m field of the ModR/M byte": eight bytes for each, written as the x87 instructions are. */
const fence = (name: string, summary: string, encoding: string, feature: string): Instruction =>
  instruction(name, summary, { encodings: `${encoding} | ${name}`, flags: 'None affected.', feature, operation() { /* memory is always in order */ } });
export const LFENCE = fence('LFENCE', 'Load Fence', 'NP 0F AE E8+i', 'SSE2');
export const MFENCE = fence('MFENCE', 'Memory Fence', 'NP 0F AE F0+i', 'SSE2');
export const SFENCE = fence('SFENCE', 'Store Fence', 'NP 0F AE F8+i', 'SSE');
/** A line is read, since it must be accessible; there are no caches to write back. */
const flush = (name: string, summary: string, encoding: string, feature: string): Instruction =>
  instruction(name, summary, { encodings: `${encoding} | ${name} m8`, flags: 'None affected.', feature, operation(_cpu, line) { line.read(8); } });
export const CLFLUSH = flush('CLFLUSH', 'Flush Cache Line', 'NP 0F AE /7', 'CLFSH');
export const CLFLUSHOPT = flush('CLFLUSHOPT', 'Flush Cache Line Optimized', '66 0F AE /7', 'CLFLUSHOPT');
export const CLWB = flush('CLWB', 'Cache Line Write Back', '66 0F AE /6', 'CLWB');

export const CMOV: readonly Instruction[] = CONDITIONS.map((condition, i) => instruction(`CMOV${condition}`, 'Conditional Move', {
  encodings: `
    0F ${hex(0x40 + i)} /r | CMOV${condition} r16, r/m16
    0F ${hex(0x40 + i)} /r | CMOV${condition} r32, r/m32
    REX.W + 0F ${hex(0x40 + i)} /r | CMOV${condition} r64, r/m64`,
  flags: 'None affected.', feature: 'CMOV',
  operation(cpu, dest, src) {
    const value = src.read();
    dest.write(cpu.condition(condition).select(value, dest.read()));
  },
}));

export const SETCC: readonly Instruction[] = CONDITIONS.map((condition, i) => instruction(`SET${condition}`, 'Set Byte on Condition', {
  encodings: `0F ${hex(0x90 + i)} /r | SET${condition} r/m8`, flags: 'None affected.',
  operation(cpu, dest) { dest.write(cpu.condition(condition).zeroExtend(8)); },
}));

export const BSWAP = instruction('BSWAP', 'Byte Swap', {
  encodings: `
    0F C8+rw | BSWAP r16
    0F C8+rd | BSWAP r32
    REX.W + 0F C8+rd | BSWAP r64`,
  flags: 'None affected.',
  // UNDEFINED: "When the BSWAP instruction references a 16-bit register, the result is undefined"; processors clear it.
  operation(cpu, dest) { dest.write(dest.bits === 16 ? cpu.constant(0, 16) : dest.read().bswap); },
});

export const CBW = instruction('CBW', 'Convert Byte to Word/Convert Word to Doubleword/Convert Doubleword to Quadword', {
  encodings: `
    98 | CBW | o16
    98 | CWDE | o32
    REX.W + 98 | CDQE | o64`,
  flags: 'None affected.',
  operation(cpu) { cpu.setRegister(0, cpu.register(0, (cpu.size / 2) as 8).signExtend(cpu.size)); },
});

export const CWD = instruction('CWD', 'Convert Word to Doubleword/Convert Doubleword to Quadword', {
  encodings: `
    99 | CWD | o16
    99 | CDQ | o32
    REX.W + 99 | CQO | o64`,
  flags: 'None affected.',
  operation(cpu) { cpu.setRegister(2, cpu.register(0, cpu.size).sar(cpu.size - 1)); },
});

export const XLAT = instruction('XLAT', 'Table Look-up Translation', {
  encodings: 'D7 | XLATB', flags: 'None affected.',
  operation(cpu) {
    const address = cpu.register(3, cpu.addressSize).add(cpu.register(0, 8).zeroExtend(cpu.addressSize));
    cpu.setRegister(0, cpu.memory(address, 8, 3, { overridable: true }).read());
  },
});

export const MOVBE = instruction('MOVBE', 'Move Data After Swapping Bytes', {
  encodings: `
    !REP 0F 38 F0 /r | MOVBE r16, m16
    !REP 0F 38 F0 /r | MOVBE r32, m32
    !REP REX.W + 0F 38 F0 /r | MOVBE r64, m64
    !REP 0F 38 F1 /r | MOVBE m16, r16
    !REP 0F 38 F1 /r | MOVBE m32, r32
    !REP REX.W + 0F 38 F1 /r | MOVBE m64, r64`,
  flags: 'None affected.', feature: 'MOVBE',
  operation(_cpu, dest, src) {
    const a = src.read();
    dest.write(a.bits === 16 ? a.zeroExtend(32).bswap.shr(16).truncate(16) : a.bswap);
  },
});
