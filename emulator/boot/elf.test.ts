import { strict as assert } from 'node:assert';
import { BadImage } from './bad-image.js';
import { entrySegment, isElf, parseElf } from './elf.js';
import { bytesOf, elf, note } from './test-images.js';

const DATA = Uint8Array.of(1, 2, 3, 4);
const good = { entry: 0x100001n, segments: [{ virtual: 0x100000n, physical: 0x200000n, bytes: DATA, memorySize: 0x10n }] };

describe('parseElf', () => {
  for (const bits of [32, 64] as const) {
    it(`reads the loadable segments of ELF${bits}`, () => {
      const notes = { type: 4, virtual: 0n, bytes: bytesOf(note('Xen', 6, new TextEncoder().encode('linux\0')), note('GNU', 3, Uint8Array.of(1, 2, 3)), [9]) };
      const empty = { virtual: 0x300000n, bytes: new Uint8Array(0) };
      const bytes = elf({ ...good, bits, segments: [notes, empty, ...good.segments] });
      assert.ok(isElf(bytes));
      assert.deepEqual(parseElf('k', bytes), {
        bits,
        entry: 0x100001n,
        segments: [{ index: 2, virtualAddress: 0x100000n, physicalAddress: 0x200000n, bytes: DATA, memorySize: 0x10n }],
        notes: [{ owner: 'Xen', type: 6, descriptor: new TextEncoder().encode('linux\0') }, { owner: 'GNU', type: 3, descriptor: Uint8Array.of(1, 2, 3) }],
      });
    });
  }

  it('reads from the middle of a larger buffer', () => {
    const bytes = elf({ ...good, bits: 64 });
    const buffer = new Uint8Array(bytes.length + 100);
    buffer.set(bytes, 33);
    assert.deepEqual(parseElf('k', buffer.subarray(33, 33 + bytes.length)).segments[0]!.bytes, DATA);
  });

  it('says what is wrong with other files', () => {
    const patched = (at: number, value: number) => {
      const bytes = elf({ ...good, bits: 64 });
      bytes[at] = value;
      return bytes;
    };
    const cases: [Uint8Array, RegExp][] = [
      [elf({ ...good, bits: 64, type: 1 }), /an object file.*link it first/],
      [elf({ ...good, bits: 64, type: 3 }), /position-independent.*-no-pie/],
      [elf({ ...good, bits: 64, type: 77 }), /ELF type 77/],
      [elf({ ...good, bits: 64, machine: 183 }), /machine 183, not x86/],
      [elf({ ...good, bits: 32, machine: 62 }), /32-bit but for machine 62.*x32/],
      [elf({ ...good, bits: 64, segments: [] }), /no program headers/],
      [elf({ ...good, bits: 64, segments: [{ ...good.segments[0]!, type: 4 }] }), /no loadable segment/],
      [elf({ ...good, bits: 64, segments: [{ ...good.segments[0]!, memorySize: 2n }] }), /segment 0 has 0x4 bytes in the file but only 0x2 in memory/],
      [patched(4, 7), /ELF class 7/],
      [patched(5, 2), /not little-endian/],
      [patched(54, 55), /program headers of 55 bytes instead of 56/],
      [patched(33, 0x50), /program header table at 0x5040 \(1 entries\) reaches beyond/],
      [patched(64 + 9, 0x50), /segment 0 ends at byte 0x507c of the file, which has only 0x7c/],
    ];
    for (const [bytes, message] of cases) assert.throws(() => parseElf('kernel.elf', bytes), (error) => error instanceof BadImage && message.test(error.message), String(message));
  });

  it('wants the entry point inside a segment', () => {
    const image = parseElf('k', elf({ ...good, bits: 32, entry: 0x100010n }));
    assert.throws(() => entrySegment('k', image), /entry point 0x100010 lies in no loadable segment/);
  });
});
