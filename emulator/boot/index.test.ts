import { strict as assert } from 'node:assert';
import { BadImage, loadImage, type BootPlan, type ImageRequest } from './index.js';
import { memoryMap, MIB, usable } from './memory-map.js';
import { bytesOf, bzImage, elf, multiboot2Header, multibootHeader, note } from './test-images.js';

const CODE = Uint8Array.of(0xf4, 0xeb, 0xfd);

function load(bytes: Uint8Array, request: Partial<ImageRequest> = {}) {
  return loadImage({ name: 'kernel.elf', bytes, memoryBytes: 128 * MIB, args: '', modules: [], ...request });
}

const kernel32 = elf({ bits: 32, entry: 0x10000cn, segments: [{ virtual: 0x100000n, bytes: bytesOf(multibootHeader(3), CODE), memorySize: 0x5000n }] });
const kernel64 = elf({
  bits: 64,
  entry: 0xffffffff80100000n,
  segments: [
    { virtual: 0xffffffff80100000n, physical: 0x100000n, bytes: CODE, memorySize: 0x3000n },
    { virtual: 0x200000n, bytes: CODE },
  ],
});

/** A plan puts bytes only where there is memory, and no two writes touch. */
function checkPlan(plan: BootPlan, memoryBytes: number) {
  const ranges = usable(memoryMap(memoryBytes));
  const writes = [...plan.writes].sort((a, b) => a.address - b.address);
  for (const [number, { address, bytes }] of writes.entries()) {
    assert.ok(ranges.some((range) => range.base <= address && address + bytes.length <= range.base + range.length));
    assert.ok(address + bytes.length <= (writes[number + 1]?.address ?? Infinity));
  }
}

describe('loadImage', () => {
  it('recognizes what it is given', () => {
    const sector = new Uint8Array(512);
    sector.set([0x55, 0xaa], 510);
    assert.equal(load(kernel32).kind, 'multiboot 1');
    assert.equal(load(kernel64).kind, 'ELF64');
    assert.equal(load(elf({ bits: 32, entry: 0x100000n, segments: [{ virtual: 0x100000n, bytes: CODE }] })).kind, 'ELF32');
    assert.equal(load(sector).kind, 'boot sector');
    assert.equal(load(elf({ bits: 64, entry: 0x100000n, segments: [{ virtual: 0x100000n, bytes: bytesOf(multiboot2Header(), CODE) }] })).kind, 'multiboot 2');
    const pvh = { type: 4, virtual: 0n, bytes: note('Xen', 18, Uint8Array.of(0, 0, 0x10, 0)) };
    assert.equal(load(elf({ bits: 64, entry: 0x100000n, segments: [{ virtual: 0x100000n, bytes: CODE }, pvh] })).kind, 'PVH');
    assert.equal(load(bzImage()).kind, 'Linux bzImage, 64-bit');
    assert.equal(load(sector, { flat: { address: 0x1000, mode: 'real' } }).kind, 'flat, real');
  });

  it('names file, fault and remedy for what it cannot start', () => {
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(0), /^kernel\.elf: the file is empty; build it again\.$/],
      [new Uint8Array(600), /neither ELF, nor multiboot, nor a boot sector .*, nor a Linux kernel/],
      [Uint8Array.of(0x1f, 0x8b, 8), /compressed by gzip; decompress it first/],
    ];
    for (const [bytes, message] of cases) assert.throws(() => load(bytes), (error) => error instanceof BadImage && message.test(error.message));
  });

  it('starts an image by the protocol that is asked for, if the image has it', () => {
    const both = elf({ bits: 32, entry: 0x100000n, segments: [{ virtual: 0x100000n, bytes: bytesOf(multibootHeader(3), multiboot2Header()) }] });
    assert.equal(load(both).kind, 'multiboot 1');
    assert.equal(load(both, { protocol: 'multiboot2' }).kind, 'multiboot 2');
    assert.equal(load(bzImage(), { protocol: 'bzimage32' }).kind, 'Linux bzImage, 32-bit');
    assert.throws(() => load(kernel32, { protocol: 'pvh' }), /it has no PVH entry point; leave the protocol to be found, or give another image\./);
  });

  it('refuses modules and arguments that nobody would see', () => {
    const module = { name: 'initrd', bytes: CODE, args: '' };
    assert.throws(() => load(kernel64, { modules: [module] }), /speaks no boot protocol, so nobody could tell it of module initrd/);
    const sector = new Uint8Array(512);
    sector.set([0x55, 0xaa], 510);
    assert.throws(() => load(sector, { args: 'quiet' }), /takes no command line/);
  });

  it('says how much memory a large image needs', () => {
    const large = elf({
      bits: 32,
      entry: 0x100000n,
      segments: [0, 1, 2].map((number) => ({ virtual: BigInt(0x100000 + number * 0x1000000), bytes: CODE, ...(number === 2 ? { memorySize: 0x6f00000n } : {}) })),
    });
    assert.throws(() => load(large), {
      message: 'kernel.elf: segment 2 ends at 0x9000000, beyond the 128 MiB of guest memory; start with --memory 160M or more.',
    });
    assert.equal(load(large, { memoryBytes: 160 * MIB }).kind, 'ELF32');
    const never = elf({ bits: 32, entry: 0xf0000000n, segments: [{ virtual: 0xf0000000n, bytes: CODE }] });
    assert.throws(() => load(never), /not implemented: memory above 4 GiB.*link it lower/);
  });

  it('leaves the bytes it was given alone', () => {
    const before = Uint8Array.from(kernel64);
    load(kernel64, { args: 'some' });
    assert.deepEqual(kernel64, before);
  });

  it('takes every truncation for what it is', () => {
    for (const whole of [kernel32, kernel64]) {
      for (let length = 0; length < whole.length; length++) {
        assert.throws(() => load(whole.slice(0, length)), BadImage, `${length} bytes`);
      }
    }
  });

  it('survives a thousand corruptions: a plan within memory, or a BadImage', () => {
    let seed = 1;
    const random = (below: number) => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % below;
    const memoryBytes = 128 * MIB;
    let refused = 0;
    for (let round = 0; round < 1000; round++) {
      const bytes = Uint8Array.from(round % 2 ? kernel32 : kernel64);
      for (let hit = random(6); hit >= 0; hit--) bytes[random(bytes.length)] = random(4) ? random(256) : 0xff;
      try {
        checkPlan(load(bytes, { memoryBytes, args: 'x' }), memoryBytes);
      } catch (error) {
        if (!(error instanceof BadImage)) throw error;
        refused++;
      }
    }
    assert.ok(refused > 100 && refused < 1000, `${refused} refused`);
  });

  it('says no to hostile sizes at once', () => {
    const field = (bytes: Uint8Array, at: number, value: bigint) => {
      const copy = Uint8Array.from(bytes);
      new DataView(copy.buffer).setBigUint64(at, value, true);
      return copy;
    };
    const program = 64;
    const all = 2n ** 64n - 1n;
    for (const at of [32, program + 8, program + 16, program + 24, program + 32, program + 40]) {
      for (const value of [all, 2n ** 63n, 2n ** 53n, 2n ** 47n]) assert.throws(() => load(field(kernel64, at, value)), BadImage);
    }
    const many = elf({ bits: 64, entry: 0x100000n, segments: Array.from({ length: 60000 }, (_, i) => ({ virtual: 0x100000n + BigInt(i) * 16n, bytes: CODE })) });
    assert.throws(() => load(many), /more than 128 loadable segments/);
    const twice = elf({ bits: 64, entry: 0x100000n, segments: [0, 1].map(() => ({ virtual: 0x100000n, bytes: CODE })) });
    assert.throws(() => load(twice), /segment 1, 0x100000–0x100003, overlaps segment 0/);
  });

  it('can be kept as JSON', () => {
    const { entry } = load(kernel64);
    const text = JSON.stringify(entry, (_key, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
    assert.match(text, /"rip":"0xffffffff80100000"/);
  });
});

describe('memory map', () => {
  it('has conventional memory, the hole and extended memory', () => {
    assert.deepEqual(memoryMap(16 * MIB), [
      { base: 0, length: 0xa0000, type: 'usable' },
      { base: 0xa0000, length: 0x60000, type: 'reserved' },
      { base: MIB, length: 15 * MIB, type: 'usable' },
    ]);
  });

  it('refuses what no guest can have', () => {
    assert.throws(() => memoryMap(4096 * MIB), /4096 MiB of guest memory: not implemented: memory above 4 GiB; ask for 3072 MiB or less/);
    for (const bytes of [0, MIB, 16 * MIB + 1, NaN, -5]) assert.throws(() => memoryMap(bytes), RangeError);
    assert.equal(memoryMap(3072 * MIB).length, 3);
  });
});
