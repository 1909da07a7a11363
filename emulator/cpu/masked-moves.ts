/** Stores of VMASKMOV and VPMASKMOV, whose elements are accessed one by one or not at all. "No AC# reported for any mask bit combinations." SDM Vol. 2, by their names. */
import { probe, withoutAlignmentChecks, writeFrom } from '../paging/access.js';
import { WRITE } from '../paging/mmu.js';
import { S } from './layout.js';
import type { Operation, Operations } from './operations.js';
import { linearAddress, segmentNumber } from './references.js';

const MOST_BYTES = 32, STORED = S.args + 3 * 16;

/** Arguments: offset, place of the segment register in the state, a bit for each element, the elements. A store that faults has changed nothing. */
const store = (bytes: 4 | 8): Operation => (cpu) => {
  const offset = cpu.argument(0), segment = segmentNumber(cpu.argumentLow(1)), mask = cpu.argumentLow(2);
  const places = Array.from({ length: MOST_BYTES / bytes }, (_, n) => n * bytes).filter((_, n) => mask >>> n & 1);
  const elements = places.map((at) => ({ at, linear: linearAddress(cpu, segment, offset + at, bytes, true) }));
  withoutAlignmentChecks(cpu, () => {
    for (const { linear } of elements) probe(cpu, linear, bytes, WRITE);
    for (const { at, linear } of elements) writeFrom(cpu, linear, bytes, STORED + at);
  });
};

export const MASKED_MOVE_OPERATIONS: Operations = { 'masked store of 32': store(4), 'masked store of 64': store(8) };
