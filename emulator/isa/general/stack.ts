/** PUSH, POP, PUSHA, POPA, ENTER, LEAVE. SDM Vol. 2, by their names. */
import { gpr } from '../../cpu/layout.js';
import { instruction } from '../instruction.js';

export const PUSH = instruction('PUSH', 'Push Word, Doubleword, or Quadword Onto the Stack', {
  encodings: `
    FF /6 | PUSH r/m16
    FF /6 | PUSH r/m32 | 32
    FF /6 | PUSH r/m64 | 64
    50+rw | PUSH r16
    50+rd | PUSH r32 | 32
    50+ro | PUSH r64 | 64
    6A ib | PUSH imm8 | 32 o16
    6A ib | PUSH imm8 | 32 o32
    6A ib | PUSH imm8 | 64 o16
    6A ib | PUSH imm8 | 64 o64
    68 iw | PUSH imm16 | o16
    68 id | PUSH imm32 | 32 o32
    68 id | PUSH imm32 | 64 o64`,
  flags: 'None affected.',
  operation(cpu, src) { cpu.push(src.read(src.kind === 'immediate' ? cpu.size : src.bits)); },
});

export const POP = instruction('POP', 'Pop a Value From the Stack', {
  encodings: `
    8F /0 | POP r/m16
    8F /0 | POP r/m32 | 32
    8F /0 | POP r/m64 | 64
    58+rw | POP r16
    58+rd | POP r32 | 32
    58+ro | POP r64 | 64`,
  flags: 'None affected.',
  operation(cpu, dest) {
    const sp = cpu.register(4, cpu.stackSize), value = cpu.memory(sp, dest.bits, 2, { stack: true }).read(), above = sp.add(dest.bits / 8);
    if (dest.kind !== 'memory') { cpu.setStackPointer(above); dest.write(value); return; }
    // "If the ESP register is used as a base register for addressing a destination operand in memory, the POP instruction computes the effective address of the operand after it increments the ESP register."
    const byStackPointer = cpu.meaning.record('base', 32).eq(gpr(4));
    dest.at(byStackPointer.select(cpu.constant(dest.bits / 8, 64), cpu.constant(0, 64)), dest.bits).write(value);
    cpu.setStackPointer(above);
  },
});

export const PUSHA = instruction('PUSHA', 'Push All General-Purpose Registers', {
  encodings: `
    60 | PUSHA | 32 o16
    60 | PUSHAD | 32 o32`,
  flags: 'None affected.',
  operation(cpu) {
    const sp = cpu.register(4, cpu.stackSize), bytes = cpu.size / 8;
    for (let i = 0; i < 8; i++) cpu.memory(sp.sub(bytes * (i + 1)), cpu.size, 2, { stack: true }).write(i === 4 ? cpu.register(4, cpu.size) : cpu.register(i, cpu.size));
    cpu.setStackPointer(sp.sub(8 * bytes));
  },
});

export const POPA = instruction('POPA', 'Pop All General-Purpose Registers', {
  encodings: `
    61 | POPA | 32 o16
    61 | POPAD | 32 o32`,
  flags: 'None affected.',
  operation(cpu) {
    const sp = cpu.register(4, cpu.stackSize), bytes = cpu.size / 8;
    const values = [0, 1, 2, 3, 5, 6, 7].map((register) => ({ register, value: cpu.memory(sp.add(bytes * (7 - register)), cpu.size, 2, { stack: true }).read() }));
    for (const { register, value } of values) cpu.setRegister(register, value);
    cpu.setStackPointer(sp.add(8 * bytes));
  },
});

export const ENTER = instruction('ENTER', 'Make Stack Frame for Procedure Parameters', {
  encodings: `
    C8 iw ib | ENTER imm16, imm8 | 32 o16
    C8 iw ib | ENTER imm16, imm8 | 32 o32
    C8 iw ib | ENTER imm16, imm8 | 64 o16
    C8 iw ib | ENTER imm16, imm8 | 64 o64`,
  flags: 'None affected.',
  operation(cpu, size, level) {
    cpu.perform('ENTER', size.read(16), level.read(16).and(31), cpu.constant(cpu.size, 64), cpu.constant(cpu.stackSize, 64));
  },
});

export const LEAVE = instruction('LEAVE', 'High Level Procedure Exit', {
  encodings: `
    C9 | LEAVE | o16
    C9 | LEAVE | 32 o32
    C9 | LEAVE | 64 o64`,
  flags: 'None affected.',
  operation(cpu) {
    const frame = cpu.register(5, cpu.stackSize);
    const value = cpu.memory(frame, cpu.size, 2, { stack: true }).read();
    cpu.setStackPointer(frame.add(cpu.size / 8));
    cpu.setRegister(5, value);
  },
});
