import { strict as assert } from 'node:assert';
import { loadFlat } from './flat.js';
import { MIB } from './memory-map.js';
import type { EntryMode } from './plan.js';

const load = (address: number, mode: EntryMode, args = '') =>
  loadFlat({ name: 'code.bin', bytes: Uint8Array.of(0xf4), memoryBytes: 16 * MIB, args, modules: [] }, { address, mode });

describe('flat image', () => {
  it('starts in the mode it is given', () => {
    for (const mode of ['protected32', 'long64'] as const) {
      const { entry, writes } = load(0x100000, mode);
      assert.deepEqual([entry.mode, entry.rip, writes[0]!.address], [mode, 0x100000n, 0x100000]);
    }
  });

  it('splits a real-mode address above 64 KiB into segment and offset', () => {
    assert.deepEqual([load(0x7c00, 'real').entry.segments.cs.selector, load(0x7c00, 'real').entry.rip], [0, 0x7c00n]);
    const { entry } = load(0x12345, 'real');
    assert.deepEqual([entry.segments.cs.selector, entry.segments.cs.base, entry.rip], [0x1234, 0x12340n, 5n]);
  });

  it('refuses what cannot be', () => {
    assert.throws(() => load(0x200000, 'real'), /real mode cannot begin at 0x200000/);
    assert.throws(() => load(-1, 'long64'), /-1 is no physical address/);
    assert.throws(() => load(0x10000000, 'long64'), /beyond the 16 MiB of guest memory/);
    assert.throws(() => load(0x7c00, 'real', 'x'), /takes no command line/);
  });
});
