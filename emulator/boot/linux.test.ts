import { strict as assert } from 'node:assert';
import { loadImage, type ImageRequest } from './index.js';
import { MIB } from './memory-map.js';
import { bzImage, memoryOf, textAt } from './test-images.js';

const MEMORY = 64 * MIB;
const load = (bytes: Uint8Array, request: Partial<ImageRequest> = {}) => loadImage({ name: 'vmlinuz', bytes, memoryBytes: MEMORY, args: '', modules: [], ...request });

describe('the Linux boot protocol', () => {
  it('enters 64-bit kernels 200h behind their start, with the selectors of the protocol', () => {
    const { entry } = load(bzImage());
    assert.deepEqual([entry.mode, entry.rip, entry.segments.cs.selector, entry.segments.ds.selector, entry.gdtr.limit], ['long64', 0x1000200n, 0x10, 0x18, 31]);
    assert.notEqual(entry.cr3, 0n);
  });

  it('enters at the start in protected mode when there is no 64-bit entry, or when asked to', () => {
    for (const plan of [load(bzImage({ has64: false })), load(bzImage(), { protocol: 'bzimage32' })]) {
      const { entry, kind } = plan, gdt = Number(entry.gdtr.base), memory = memoryOf(plan, MEMORY);
      assert.deepEqual([kind, entry.mode, entry.rip, entry.segments.cs.selector, entry.rflags], ['Linux bzImage, 32-bit', 'protected32', 0x1000000n, 0x10, 2n]);
      assert.deepEqual([0x10, 0x18].map((selector) => memory.getBigUint64(gdt + selector, true)), [0xcf9b000000ffffn, 0xcf93000000ffffn]);
    }
  });

  it('takes a kernel whose last paragraph is not whole', () => {
    const unpacked = bzImage();
    unpacked.fill(0, 0x248, 0x250);
    assert.equal(load(unpacked.slice(0, -8)).kind, load(unpacked).kind);
  });

  it('gives setup header, memory map, command line and initrd', () => {
    const plan = load(bzImage(), { args: 'console=ttyS0', modules: [{ name: 'initrd.gz', bytes: Uint8Array.of(1, 2, 3), args: '' }] });
    const memory = memoryOf(plan, MEMORY), at = Number(plan.entry.registers.rsi), u32 = (offset: number) => memory.getUint32(at + offset, true);
    assert.deepEqual([u32(0x202), memory.getUint8(at + 0x210), u32(0x214), u32(0x260)], [0x53726448, 0xff, 0x1000000, 0x100000]);
    assert.equal(textAt(memory, u32(0x228)), 'console=ttyS0');
    assert.deepEqual([u32(0x21c), memory.getUint8(u32(0x218) + 2)], [3, 3]);
    assert.ok(u32(0x218) >= 0x1100000, 'above what the kernel unpacks itself into');
    const entries = Array.from({ length: memory.getUint8(at + 0x1e8) }, (_, number) => [0, 8].map((offset) => Number(memory.getBigUint64(at + 0x2d0 + 20 * number + offset, true))).concat(u32(0x2d0 + 20 * number + 16)));
    assert.deepEqual(entries, [[0, 0xa0000, 1], [0xa0000, 0x60000, 2], [MIB, 63 * MIB, 1]]);
    assert.equal(memory.getUint8(at + 0x1ef), 0, 'the sentinel');
  });

  it('says what is wrong', () => {
    const whole = bzImage({ payload: new Uint8Array(1000) }), later = Uint8Array.from(whole);
    new DataView(later.buffer).setUint32(0x24c, 5000, true);
    const low = Uint8Array.from(whole);
    low[0x211] = 0;
    const initrd = { name: 'a', bytes: Uint8Array.of(1), args: '' };
    const cases: [Uint8Array, Partial<ImageRequest>, RegExp][] = [
      [whole.slice(0, 0x300), {}, /the setup code of this Linux kernel has 0x600 bytes, and the file only 0x300; the file is truncated/],
      [whole.slice(0, -16), {}, /this Linux kernel ends at byte 0x[0-9a-f]+ of the file, which has only/],
      [later, {}, /the compressed kernel ends at 0x1588 of 0x5f0 bytes/],
      [bzImage({ version: 0x203 }), {}, /not implemented: version 2\.3 of the Linux boot protocol/],
      [low, {}, /not implemented: Linux zImage/],
      [whole, { memoryBytes: 16 * MIB }, /the kernel ends at 0x1100000, beyond the 16 MiB of guest memory; start with --memory 32M or more/],
      [whole, { args: 'x'.repeat(2048) }, /more than the 2047 bytes that this kernel takes/],
      [whole, { modules: [initrd, { ...initrd, name: 'b' }] }, /takes one initrd, but b comes after it; join the archives/],
    ];
    for (const [bytes, request, message] of cases) assert.throws(() => load(bytes, request), message);
  });
});
