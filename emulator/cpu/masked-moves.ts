/** VMASKMOV and VPMASKMOV: elements that are accessed one by one, or not at all. "No AC# reported for any mask bit combinations." SDM Vol. 2, by their names. */
import { probe, readTo, withoutAlignmentChecks, writeFrom } from '../paging/access.js';
import { WRITE } from '../paging/mmu.js';
import { S } from './layout.js';
import type { Operation, Operations } from './operations.js';
import type { Processor } from './processor.js';
import { linearAddress, segmentNumber } from './references.js';

const MOST_BYTES = 32, STORED = S.args + 3 * 16;

/** Linear addresses of the chosen elements, each with its offset. Arguments: offset, place of the segment register in the state, a bit for each element. */
function chosen(cpu: Processor, bytes: number, writes: boolean): { readonly linear: number; readonly at: number }[] {
  const offset = cpu.argument(0), segment = segmentNumber(cpu.argumentLow(1)), mask = cpu.argumentLow(2), elements = [];
  for (let at = 0, n = 0; at < MOST_BYTES; at += bytes, n++) if (mask >>> n & 1) elements.push({ linear: linearAddress(cpu, segment, offset + at, bytes, writes), at });
  return elements;
}
const load = (bytes: 4 | 8): Operation => (cpu) => {
  const elements = chosen(cpu, bytes, false);
  cpu.u8.fill(0, S.args, S.args + MOST_BYTES);
  withoutAlignmentChecks(cpu, () => { for (const { linear, at } of elements) readTo(cpu, linear, bytes, S.args + at); });
};
/** A store that faults has changed nothing. */
const store = (bytes: 4 | 8): Operation => (cpu) => {
  const elements = chosen(cpu, bytes, true);
  withoutAlignmentChecks(cpu, () => {
    for (const { linear } of elements) probe(cpu, linear, bytes, WRITE);
    for (const { linear, at } of elements) writeFrom(cpu, linear, bytes, STORED + at);
  });
};

export const MASKED_MOVE_OPERATIONS: Operations = {
  'masked load of 32': load(4), 'masked load of 64': load(8), 'masked store of 32': store(4), 'masked store of 64': store(8),
};
