import assert from 'node:assert/strict';
import { MemoryMap, NOWHERE } from './memory-map.js';

describe('the map of physical memory', () => {
  const map = new MemoryMap(0x400000, 0x500000);

  it('is memory by its number, and nothing behind it', () => {
    assert.deepEqual([0, 0xf0000, 0x3fffff, 0x400000, 0xffffffff].map((at) => map.place(at, 0)), [0, 0xf0000, 0x3fffff, NOWHERE, NOWHERE]);
  });

  it('has windows, whose reads, writes and fetches may go elsewhere', () => {
    map.set([
      { base: 0xf0000, end: 0x100000, places: [0x410000, 0xf0000, 0x410000] },
      { base: 0xa0000, end: 0xc0000, places: [NOWHERE, NOWHERE, NOWHERE] },
      { base: 0xffff0000, end: 0x100000000, places: [0x410000, NOWHERE, 0x410000] },
    ]);
    assert.deepEqual(([0, 1, 2] as const).map((kind) => map.place(0xf1234, kind)), [0x411234, 0xf1234, 0x411234]);
    assert.deepEqual([map.place(0xb8000, 1), map.place(0xc0000, 1), map.place(0xffffffff, 2), map.place(0xffffffff, 1)], [NOWHERE, 0xc0000, 0x41ffff, NOWHERE]);
  });
});
