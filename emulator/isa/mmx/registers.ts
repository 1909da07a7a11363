/** MMX registers are the significands of the x87 registers. SDM Vol. 1, "Effect of MMX Instructions on the x87 Floating-Point Tag Word", "The MMX State". */
import { TRAPS } from '../../cpu/float-mode.js';
import { S } from '../../cpu/layout.js';
import type { Value } from '../../meaning/meaning.js';
import type { Cpu, Operand } from '../instruction.js';

const ERROR_SUMMARY = 1 << 7, TOP = 7 << 11, ALL_VALID = 0xff, REGISTER_BYTES_LOG2 = 4, SIGN_AND_EXPONENT = 8;

/** #UD when CR0.EM is set, #NM when CR0.TS is set, #MF for a pending x87 exception: the start of every MMX instruction. */
export function mmx(cpu: Cpu): void {
  cpu.when(cpu.state(S.fpuTraps, 32).and(TRAPS.x87).or(cpu.state(S.fsw, 32).and(ERROR_SUMMARY)), () => cpu.perform('MMX unavailable'));
}

/** "TOS is set to 0" and all tags become valid: after everything that can fault. */
export function enterMmx(cpu: Cpu): void {
  cpu.setState(S.fsw, cpu.state(S.fsw, 32).and(~TOP));
  cpu.setState(S.ftw, cpu.constant(ALL_VALID, 32));
}

/** "When a value is written into an MMX register …, the exponent field … is set to all 1s." */
export function writeMm(cpu: Cpu, dest: Operand, value: Value): void {
  enterMmx(cpu);
  dest.write(value);
  cpu.meaning.set(dest.number.shl(REGISTER_BYTES_LOG2).add(S.x87 + SIGN_AND_EXPONENT), cpu.constant(0xffff, 16));
}
