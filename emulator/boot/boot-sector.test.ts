import { strict as assert } from 'node:assert';
import { loadBootSector } from './boot-sector.js';
import { MIB } from './memory-map.js';

function sector(size = 512) {
  const bytes = new Uint8Array(size).fill(0x90);
  bytes.set([0x55, 0xaa], 510);
  return { name: 'boot.bin', bytes, memoryBytes: 16 * MIB, args: '', modules: [] };
}

describe('boot sector', () => {
  it('starts at 0000:7C00 in real mode with the disk in DL', () => {
    const { entry, writes } = loadBootSector(sector());
    assert.deepEqual([entry.mode, entry.rip, entry.registers.rdx, entry.cr0], ['real', 0x7c00n, 0x80n, 0x10n]);
    assert.deepEqual(entry.segments.cs, { selector: 0, base: 0n, limit: 0xffff, attributes: 0x93 });
    assert.deepEqual([entry.idtr.base, entry.idtr.limit], [0n, 0x3ff]);
    assert.deepEqual(writes.map((write) => [write.address, write.bytes.length]), [[0x7c00, 512]]);
  });

  it('says that there is no firmware, and no disk behind the first sector', () => {
    assert.equal(loadBootSector(sector()).notes.length, 1);
    assert.match(loadBootSector(sector(1024)).notes[1]!, /not implemented: disks/);
  });
});
