/** From what generated code hands to TypeScript to the linear address of a reference. SDM Vol. 1, "Memory Operand Addressing". */
import { exception } from '../cpu/events.js';
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { linearAddress, segmentNumber } from '../cpu/references.js';
import { INFO } from '../meaning/emit.js';

const HIGH = 2 ** 32;

/** Of the reference whose offset is in S.args[7], checked as the segment demands. `info`: see meaning/emit.ts; `at`: the state offset of the segment register, 0 for none. */
export function linearOf(cpu: Processor, info: number, at: number): number {
  const slot = S.args + 7 * 16, bytes = info & 0xff, stack = (info & INFO.stack) !== 0;
  if (at !== 0 && (info & INFO.baseOnly) === 0) return linearAddress(cpu, segmentNumber(at), cpu.low(slot), bytes, ((info >> INFO.accessShift) & 3) !== 0);
  let low = cpu.low(slot), high = cpu.i32[(slot >> 2) + 1]!;
  if (!cpu.code64) {
    if (low + bytes > HIGH) throw exception(stack ? '#SS' : '#GP', 0, `${bytes} bytes at 0x${low.toString(16)} pass the end of the segment`);
    return low;
  }
  if (at !== 0) {
    const sum = low + cpu.low(at);
    high = (high + cpu.i32[(at >> 2) + 1]! + (sum >= HIGH ? 1 : 0)) | 0;
    low = sum >>> 0;
  }
  const top = high >> 15, acrossHole = high === 0x7fff && low + bytes > HIGH;
  if ((top !== 0 && top !== -1) || acrossHole) throw exception(stack ? '#SS' : '#GP', 0, `address 0x${((BigInt(high >>> 0) << 32n) | BigInt(low)).toString(16)} is not canonical`);
  return high * HIGH + low;
}
