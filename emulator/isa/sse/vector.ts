/** What the SSE and MMX definitions share: availability, and 128-bit values. SDM Vol. 3, "Checking for SSE Support", "Emulation of the MMX Instruction Set". */
import { TRAPS } from '../../cpu/float-mode.js';
import { S } from '../../cpu/layout.js';
import type { Value } from '../../meaning/meaning.js';
import type { Cpu, Operand } from '../instruction.js';

/**
 * The start of every SSE and AVX instruction. #UD when CR0.EM is set or CR4.OSFXSR clear, or with VEX when CR4.OSXSAVE is clear
 * or XCR0 does not enable the state; #NM when CR0.TS is set.
 */
export function sse(cpu: Cpu): void {
  const [trap, name] = cpu.vectorLength === undefined ? [TRAPS.sse, 'SSE unavailable'] as const : [TRAPS.avx, 'AVX unavailable'] as const;
  cpu.when(cpu.state(S.fpuTraps, 32).and(trap), () => cpu.perform(name));
}

/** Operands as the VEX form has them: the legacy form's destination is its first source too. */
export const withFirstSource = (cpu: Cpu, operands: readonly Operand[]): Operand[] => (cpu.vectorLength === undefined ? [operands[0]!, ...operands] : [...operands]);
/** The parts of 128 bits that the instruction works on. */
export const halvesOf = (cpu: Cpu): readonly (0 | 1)[] => (cpu.vectorLength === 256 ? [0, 1] : [0]);
/** What the sources hold in each part; the last may be memory, and is read first. */
export const halves = (cpu: Cpu, ...sources: readonly Operand[]): Value[][] => {
  const read = sources.map((): Value[] => []);
  for (let i = sources.length - 1; i >= 0; i--) for (const n of halvesOf(cpu)) read[i]!.push(sources[i]!.half(n));
  return halvesOf(cpu).map((n) => read.map((values) => values[n]!));
};
/** Computes each 128 bits of the destination from those of a source. */
export function mapped(cpu: Cpu, dest: Operand, source: Operand, compute: (a: Value, n: 0 | 1) => Value): void {
  const [low, high] = halves(cpu, source).map(([a], n) => compute(a!, n as 0 | 1));
  dest.write(low!, high);
}
/** The same from two sources, of which the legacy form's first is the destination. */
export function combined(cpu: Cpu, operands: readonly Operand[], compute: (a: Value, b: Value, n: 0 | 1) => Value): void {
  const [dest, first, second] = withFirstSource(cpu, operands);
  const [low, high] = halves(cpu, first!, second!).map(([a, b], n) => compute(a!, b!, n as 0 | 1));
  dest!.write(low!, high);
}

export const constant = (cpu: Cpu, bytes: readonly number[]): Value =>
  cpu.constant(bytes.reduceRight((word, byte) => (word << 8n) | BigInt(byte & 0xff), 0n), 128);
/** The same element in all places. */
export function every(cpu: Cpu, element: bigint, bits: 8 | 16 | 32 | 64): Value {
  let word = 0n;
  for (let at = 0; at < 128; at += bits) word |= BigInt.asUintN(bits, element) << BigInt(at);
  return cpu.constant(word, 128);
}
export const zero = (cpu: Cpu): Value => cpu.constant(0, 128);

/** A WebAssembly SIMD operation on 128-bit values. */
export const vector = (cpu: Cpu, name: string, ...of: Value[]): Value => cpu.meaning.wasm(name, 128, of);
/** Bytes chosen from the 32 of two vectors. */
export const shuffle = (cpu: Cpu, a: Value, b: Value, lanes: readonly number[]): Value => cpu.meaning.wasm('i8x16.shuffle', 128, [a, b], lanes);
export const lane = (cpu: Cpu, value: Value, n: 0 | 1): Value => cpu.meaning.wasm('i64x2.extract_lane', 64, [value], n);
export const withLane = (cpu: Cpu, value: Value, n: 0 | 1, element: Value): Value => cpu.meaning.wasm('i64x2.replace_lane', 128, [value, element], n);
/** The vector with another lowest element of 32 or 64 bits. */
export const withLow = (cpu: Cpu, value: Value, element: Value): Value => cpu.meaning.wasm(element.bits === 64 ? 'i64x2.replace_lane' : 'i32x4.replace_lane', 128, [value, element], 0);
/** Writes a scalar: the VEX form takes what is above it from its first source. */
export function scalarWriter(cpu: Cpu, dest: Operand, first: Operand): (value: Value) => void {
  const rest = cpu.vectorLength === undefined ? undefined : first.half(0);
  return (value) => dest.write(rest ? withLow(cpu, rest, value) : value);
}
export const pair = (cpu: Cpu, low: Value, high: Value): Value => withLane(cpu, low.zeroExtend(128), 1, high);

/** The high quadword of an XMM register. */
const highAt = (operand: Operand): Value => operand.number.shl(5).add(S.ymm + 8);
export const readHigh = (cpu: Cpu, operand: Operand): Value => cpu.meaning.get(highAt(operand), 64);
export const writeHigh = (cpu: Cpu, operand: Operand, value: Value): void => cpu.meaning.set(highAt(operand), value);
