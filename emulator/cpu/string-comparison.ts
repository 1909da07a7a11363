/** PCMPxSTRx: comparison of strings of bytes or words in vectors. SDM Vol. 1, "Packed Comparison SSE4.2 Instructions"; Vol. 2, "Imm8 Control Byte Operation for PCMPESTRI / PCMPESTRM / PCMPISTRI / PCMPISTRM". */
import { FLAG_BITS } from '../meaning/flags.js';
import { S } from './layout.js';
import type { Operation, Operations } from './operations.js';
import type { Processor } from './processor.js';

const VECTOR_BYTES = 16;
const EQUAL_ANY = 0, RANGES = 1, EQUAL_EACH = 2;

/** Elements of the vector in an argument slot, as imm8[1:0] says: unsigned or signed, bytes or words. */
function elements(cpu: Processor, slot: number, control: number): Int8Array | Int16Array | Uint8Array | Uint16Array {
  const { buffer } = cpu.u8, at = S.args + 16 * slot, words = (control & 1) !== 0;
  if (control & 2) return words ? new Int16Array(buffer, at, VECTOR_BYTES / 2) : new Int8Array(buffer, at, VECTOR_BYTES);
  return words ? new Uint16Array(buffer, at, VECTOR_BYTES / 2) : new Uint8Array(buffer, at, VECTOR_BYTES);
}
type Elements = ReturnType<typeof elements>;

/** "The absolute value of EAX (RAX)", saturated to the number of elements. */
function explicitLength(cpu: Processor, slot: number, most: number): number {
  const length = Math.abs((cpu.argumentHigh(slot) | 0) * 2 ** 32 + cpu.argumentLow(slot));
  return Math.min(length, most);
}
function implicitLength(of: Elements): number {
  const end = of.indexOf(0);
  return end < 0 ? of.length : end;
}

/** IntRes1: what becomes of comparisons with an invalid element is in the manual's table "Comparison Result for Each Element Pair". */
function aggregate(a: Elements, b: Elements, lengthA: number, lengthB: number, aggregation: number): number {
  const count = a.length;
  let result = 0;
  for (let j = 0; j < count; j++) {
    const valid = j < lengthB;
    let holds: boolean;
    switch (aggregation) {
      case EQUAL_ANY: holds = valid && a.subarray(0, lengthA).includes(b[j]!); break;
      case RANGES:
        holds = false;
        for (let i = 0; i + 1 < lengthA; i += 2) holds ||= valid && b[j]! >= a[i]! && b[j]! <= a[i + 1]!;
        break;
      case EQUAL_EACH: holds = j < lengthA && valid ? a[j] === b[j] : j >= lengthA && !valid; break;
      default:
        // Equal ordered: the whole of the first string from here on; what lies beyond the vector counts as equal.
        holds = true;
        for (let i = 0; i < lengthA && i + j < count; i++) holds &&= i + j < lengthB && a[i] === b[i + j];
    }
    if (holds) result |= 1 << j;
  }
  return result;
}

/** Arguments: both vectors, the control byte, both lengths if they are explicit. Results: index or mask, and the status flags. */
const comparison = (explicit: boolean, toMask: boolean): Operation => (cpu) => {
  const control = cpu.argumentLow(2), a = elements(cpu, 0, control), b = elements(cpu, 1, control), count = a.length, all = (1 << count) - 1;
  const lengthA = explicit ? explicitLength(cpu, 3, count) : implicitLength(a), lengthB = explicit ? explicitLength(cpu, 4, count) : implicitLength(b);
  let result = aggregate(a, b, lengthA, lengthB, (control >> 2) & 3);
  // Polarity: negative, or negative where the second operand is valid.
  if (control & 0x10) result ^= control & 0x20 ? (1 << lengthB) - 1 : all;
  const most = (control & 0x40) !== 0;
  if (toMask) {
    const width = most ? VECTOR_BYTES / count : 0;
    cpu.u8.fill(0, S.args, S.args + VECTOR_BYTES);
    if (most) for (let i = 0; i < count; i++) cpu.u8.fill(result & (1 << i) ? 0xff : 0, S.args + width * i, S.args + width * (i + 1));
    else cpu.u32[S.args >> 2] = result;
  } else cpu.result(0, result === 0 ? count : most ? 31 - Math.clz32(result) : 31 - Math.clz32(result & -result));
  cpu.result(1, (result !== 0 ? FLAG_BITS.CF : 0) | (lengthB < count ? FLAG_BITS.ZF : 0) | (lengthA < count ? FLAG_BITS.SF : 0) | (result & 1 ? FLAG_BITS.OF : 0));
};

export const STRING_COMPARISON_OPERATIONS: Operations = {
  PCMPESTRI: comparison(true, false), PCMPESTRM: comparison(true, true), PCMPISTRI: comparison(false, false), PCMPISTRM: comparison(false, true),
};
