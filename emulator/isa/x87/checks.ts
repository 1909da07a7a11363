/** What every x87 instruction asks first. SDM Vol. 3, "Device-Not-Available Exception", "x87 FPU Floating-Point Error". */
import { TRAPS } from '../../cpu/float-mode.js';
import { S } from '../../cpu/layout.js';
import type { Value } from '../../meaning/meaning.js';
import type { Cpu, Operand } from '../instruction.js';

const ERROR_SUMMARY = 1 << 7;

/** #NM when CR0.EM or CR0.TS is set. Non-waiting control instructions ask no more than this. */
export function available(cpu: Cpu): void {
  cpu.when(cpu.state(S.fpuTraps, 32).and(TRAPS.x87), () => cpu.perform('FPU unavailable'));
}
/** Also #MF for an exception that is pending. */
export function waiting(cpu: Cpu): void {
  cpu.when(cpu.state(S.fpuTraps, 32).and(TRAPS.x87).or(cpu.state(S.fsw, 32).and(ERROR_SUMMARY)), () => cpu.perform('FPU unavailable'));
}

/** Arguments of an operation with a memory operand: the data pointer follows the values. */
export const withPointer = (cpu: Cpu, memory: Operand, first: Value, second: Value = cpu.constant(0, 64)): Value[] => [first, second, memory.offset, memory.segment];
