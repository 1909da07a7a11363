import { strict as assert } from 'node:assert';
import { loadImage, type ImageRequest } from './index.js';
import { MIB } from './memory-map.js';
import { bytesOf, elf, memoryOf, note, textAt } from './test-images.js';

const MEMORY = 64 * MIB;
const CODE = Uint8Array.of(0xf4, 0xeb, 0xfd);

const kernel = (entry: Uint8Array) => elf({
  bits: 64,
  entry: 0xffffffff81000000n,
  segments: [
    { virtual: 0xffffffff81000000n, physical: 0x1000000n, bytes: CODE, memorySize: 0x2000n },
    // The data of each processor is linked for address 0.
    { virtual: 0n, physical: 0x1002000n, bytes: CODE },
    { type: 4, virtual: 0n, bytes: bytesOf(note('Xen', 6, new TextEncoder().encode('linux\0')), note('Xen', 18, entry)) },
  ],
});
const ENTRY_64 = Uint8Array.of(2, 0, 0, 1, 0, 0, 0, 0), ENTRY_32 = ENTRY_64.subarray(0, 4);

const load = (bytes: Uint8Array, request: Partial<ImageRequest> = {}) => loadImage({ name: 'vmlinux', bytes, memoryBytes: MEMORY, args: '', modules: [], ...request });

describe('PVH', () => {
  for (const entry of [ENTRY_32, ENTRY_64]) {
    it(`enters in protected mode at the physical address of a note of ${entry.length} bytes`, () => {
      const plan = load(kernel(entry));
      assert.deepEqual([plan.kind, plan.entry.mode, plan.entry.rip, plan.entry.cr0, plan.entry.cr4], ['PVH', 'protected32', 0x1000002n, 0x11n, 0n]);
      const memory = memoryOf(plan, MEMORY);
      assert.equal(memory.getUint8(0x1000000), 0xf4);
      assert.equal(memory.getUint8(0x1002000), 0xf4);
    });
  }

  it('describes memory, command line and modules', () => {
    const modules = [{ name: 'initrd', bytes: Uint8Array.of(1, 2, 3), args: '' }, { name: 'other', bytes: Uint8Array.of(4), args: 'with words' }];
    const plan = load(kernel(ENTRY_64), { args: 'console=ttyS0', modules }), memory = memoryOf(plan, MEMORY), at = Number(plan.entry.registers.rbx);
    const u32 = (offset: number) => memory.getUint32(at + offset, true), u64 = (offset: number) => Number(memory.getBigUint64(at + offset, true));
    assert.deepEqual([u32(0), u32(4), u32(8), u32(12), u64(32)], [0x336ec578, 1, 0, 2, 0xe0000]);
    assert.equal(textAt(memory, u64(24)), 'console=ttyS0');
    const list = u64(16);
    const field = (number: number, offset: number) => Number(memory.getBigUint64(list + 32 * number + offset, true));
    assert.deepEqual([field(0, 8), field(1, 8)], [3, 1]);
    assert.ok(field(0, 0) >= 0x1002003 && field(0, 0) % 4096 === 0);
    assert.deepEqual([0, 1, 2].map((place) => memory.getUint8(field(0, 0) + place)), [1, 2, 3]);
    assert.equal(textAt(memory, field(1, 16)), 'with words');
    const map = u64(40);
    const entries = Array.from({ length: u32(48) }, (_, number) => [0, 8].map((offset) => Number(memory.getBigUint64(map + 24 * number + offset, true))).concat(memory.getUint32(map + 24 * number + 16, true)));
    assert.deepEqual(entries, [[0, 0xa0000, 1], [0xa0000, 0x60000, 2], [MIB, 63 * MIB, 1]]);
  });

  it('needs an entry in the image, and memory for it', () => {
    assert.throws(() => load(kernel(Uint8Array.of(0, 0, 0, 9))), /its PVH entry point 0x9000000 lies in no loadable segment/);
    assert.throws(() => load(kernel(ENTRY_64), { memoryBytes: 8 * MIB }), /segment 0 ends at 0x1002000, beyond the 8 MiB of guest memory; start with --memory 32M or more/);
  });
});
