/** From an offset in a segment to a linear address, with all checks: for operations that find their operands themselves. SDM Vol. 3, "Limit Checking", "Type Checking". */
import { TYPE_CODE, TYPE_READABLE, TYPE_WRITABLE } from './descriptors.js';
import { Exception, VECTORS } from './events.js';
import { FS, S, SEGMENT, SEGMENT_NAMES, SS } from './layout.js';
import { canonical } from './modes.js';
import { UNUSABLE, type Processor } from './processor.js';
import { withinLimit } from './segments.js';

/** The number of the segment register that an operand names by its place in the state. */
export const segmentNumber = (at: number): number => (at - S.segments) / SEGMENT.bytes;

/** The base alone: what INVLPG uses, which checks nothing. */
export function unchecked(cpu: Processor, index: number, offset: number): number {
  if (!cpu.code64) return (cpu.base(index) + offset) >>> 0;
  return index >= FS ? cpu.base(index) + offset : offset;
}

export function linearAddress(cpu: Processor, index: number, offset: number, bytes: number, writes: boolean): number {
  const vector = index === SS ? VECTORS['#SS'] : VECTORS['#GP'], name = SEGMENT_NAMES[index]!;
  const linear = unchecked(cpu, index, offset);
  if (cpu.code64) {
    if (!canonical(linear) || !canonical(linear + bytes - 1)) throw new Exception(vector, 0, 0, 'the address is not canonical');
    return linear;
  }
  const attributes = cpu.attributes(index);
  if (cpu.protectedMode && !cpu.virtual8086) {
    const isCode = (attributes & TYPE_CODE) !== 0;
    if (attributes & UNUSABLE) throw new Exception(vector, 0, 0, `${name} holds a null selector`);
    if (writes ? isCode || (attributes & TYPE_WRITABLE) === 0 : isCode && (attributes & TYPE_READABLE) === 0)
      throw new Exception(vector, 0, 0, `the segment in ${name} is not ${writes ? 'writable' : 'readable'}`);
  }
  if (!withinLimit(cpu.limit(index), attributes, offset, bytes))
    throw new Exception(vector, 0, 0, `offset 0x${offset.toString(16)} is beyond the limit of ${name}`);
  return linear;
}
