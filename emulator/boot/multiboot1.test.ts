import { strict as assert } from 'node:assert';
import { loadImage } from './index.js';
import { MIB } from './memory-map.js';
import { findMultiboot1 } from './multiboot1.js';
import type { BootPlan, ImageRequest } from './plan.js';
import { bytesOf, elf, memoryOf, multibootHeader, textAt, words } from './test-images.js';

const MEMORY = 64 * MIB;
const CODE = [0xf4, 0xeb, 0xfd, 0x90];

function load(bytes: Uint8Array, request: Partial<ImageRequest> = {}) {
  return loadImage({ name: 'kernel', bytes, memoryBytes: MEMORY, args: '', modules: [], ...request });
}

function kernel(flags = 3, bits: 32 | 64 = 32) {
  return elf({ bits, entry: 0x10000cn, segments: [{ virtual: 0x100000n, bytes: bytesOf(multibootHeader(flags), CODE), memorySize: 0x2800n }] });
}

const memory = (plan: BootPlan) => memoryOf(plan, MEMORY);

describe('multiboot 1 header', () => {
  it('is found at any multiple of four in the first 8 KiB', () => {
    const at = (offset: number) => { const bytes = new Uint8Array(10000); bytes.set(multibootHeader(3), offset); return bytes; };
    assert.equal(findMultiboot1(at(0))?.offset, 0);
    assert.equal(findMultiboot1(at(8180))?.offset, 8180);
    assert.equal(findMultiboot1(at(8184)), undefined);
    assert.equal(findMultiboot1(at(6)), undefined);
  });

  it('must have a right checksum, and lie in the first 8 KiB with its addresses', () => {
    assert.equal(findMultiboot1(words(0x1badb002, 3, 5)), undefined);
    const late = new Uint8Array(9000);
    late.set(multibootHeader(0x10003, 1, 2, 3, 4, 5), 8164);
    assert.equal(findMultiboot1(late), undefined);
  });

  it('may demand only what is specified', () => {
    assert.throws(() => load(kernel(0x0a)), /demands 0x8, flags that the specification does not define/);
    assert.deepEqual(load(kernel(7)).notes, ['not implemented: video modes; the multiboot header asks for one and will find no framebuffer']);
    assert.deepEqual(load(kernel(0x50000 & ~0x10000)).notes, [], 'optional flags may be ignored');
  });
});

describe('multiboot 1 machine state', () => {
  it('is flat protected mode with the magic and the information', () => {
    const { entry } = load(kernel());
    assert.equal(entry.mode, 'protected32');
    assert.deepEqual([entry.rip, entry.registers.rax, entry.cr0, entry.rflags], [0x10000cn, 0x2badb002n, 0x11n, 2n]);
    for (const name of ['ds', 'es', 'fs', 'gs', 'ss'] as const) assert.deepEqual([entry.segments[name].base, entry.segments[name].limit], [0n, 0xffffffff]);
  });

  it('starts an ELF64 kernel at the physical address of its entry', () => {
    const bytes = elf({
      bits: 64,
      entry: 0xffffffff8010000cn,
      segments: [{ virtual: 0xffffffff80100000n, physical: 0x100000n, bytes: bytesOf(multibootHeader(0), CODE) }],
    });
    const { entry } = load(bytes);
    assert.deepEqual([entry.mode, entry.rip], ['protected32', 0x10000cn]);
  });
});

describe('multiboot 1 information', () => {
  it('tells memory, command line, modules and who loaded', () => {
    const module = { name: 'initrd.img', bytes: Uint8Array.of(7, 8, 9), args: 'root=ram' };
    const plan = load(kernel(), { args: 'console=ttyS0 größe=1', modules: [module, { ...module, name: 'second', args: '' }] });
    const view = memory(plan);
    const base = Number(plan.entry.registers.rbx);
    const u32 = (offset: number) => view.getUint32(base + offset, true);
    assert.equal(u32(0), 0x24d);
    assert.deepEqual([u32(4), u32(8)], [640, 63 * 1024]);
    assert.equal(textAt(view, u32(16)), 'kernel console=ttyS0 größe=1');
    assert.equal(textAt(view, u32(64)), 'Ringside');
    assert.equal(u32(20), 2);
    const modules = [0, 1].map((number) => [0, 4, 8].map((field) => view.getUint32(u32(24) + 16 * number + field, true)) as [number, number, number]);
    for (const [start, end] of modules) {
      assert.equal(start % 4096, 0);
      assert.equal(end - start, 3);
      assert.deepEqual([view.getUint8(start), view.getUint8(end - 1)], [7, 9]);
    }
    assert.ok(modules[0]![0] >= 0x102800, 'behind the kernel and its bss');
    assert.deepEqual(modules.map(([, , text]) => textAt(view, text)), ['initrd.img root=ram', 'second']);
  });

  it('has the memory map, each entry 20 bytes after its size', () => {
    const plan = load(kernel());
    const view = memory(plan);
    const base = Number(plan.entry.registers.rbx);
    const length = view.getUint32(base + 44, true);
    const start = view.getUint32(base + 48, true);
    const entries: bigint[][] = [];
    for (let at = start; at < start + length; at += view.getUint32(at, true) + 4) {
      assert.equal(view.getUint32(at, true), 20);
      entries.push([view.getBigUint64(at + 4, true), view.getBigUint64(at + 12, true), BigInt(view.getUint32(at + 20, true))]);
    }
    assert.deepEqual(entries, [[0n, 0xa0000n, 1n], [0xa0000n, 0x60000n, 2n], [0x100000n, BigInt(63 * MIB), 1n]]);
  });

  it('avoids a kernel that lies low', () => {
    const bytes = elf({ bits: 32, entry: 0x1000cn, segments: [{ virtual: 0x10000n, bytes: bytesOf(multibootHeader(0), CODE), memorySize: 0x20000n }] });
    const information = load(bytes).entry.registers.rbx;
    assert.ok(information >= 0x30000n);
  });

  it('says when modules do not fit', () => {
    const module = { name: 'big', bytes: new Uint8Array(70 * MIB), args: '' };
    assert.throws(() => load(kernel(), { modules: [module] }), /no room is left for module big of \d+ bytes, beyond the 64 MiB.*--memory 96M or more/);
  });
});

describe('multiboot 1 address fields', () => {
  const at = (addresses: number[], size = 0x100) => {
    const bytes = new Uint8Array(size);
    bytes.set(multibootHeader(0x10000, ...addresses), 0x40);
    bytes.set(CODE, 0x80);
    return bytes;
  };

  it('load a raw file', () => {
    const plan = load(at([0x100040, 0x100000, 0, 0, 0x100080]));
    assert.equal(plan.entry.rip, 0x100080n);
    assert.deepEqual(plan.writes.slice(0, 1).map((write) => [write.address, write.bytes.length]), [[0x100000, 0x100]]);
  });

  it('may leave out the beginning and the end of the file, and add bss', () => {
    const plan = load(at([0x200010, 0x200000, 0x200060, 0x203000, 0x200050]), { modules: [{ name: 'm', bytes: Uint8Array.of(1), args: '' }] });
    const [image] = plan.writes;
    assert.deepEqual([image!.address, image!.bytes.length, [...image!.bytes.subarray(0x50, 0x54)]], [0x200000, 0x60, CODE]);
    assert.equal(memory(plan).getUint8(0x203000), 1, 'the module comes after the bss');
  });

  it('win over ELF', () => {
    const inElf = elf({ bits: 32, entry: 0x100020n, segments: [{ virtual: 0x100000n, bytes: bytesOf(multibootHeader(0x10000, 0x300054, 0x300054, 0, 0, 0x300074), CODE) }] });
    assert.equal(load(inElf).entry.rip, 0x300074n);
  });

  it('must agree with the file', () => {
    const cases: [number[], RegExp][] = [
      [[0x100040, 0x100041, 0, 0, 0x100080], /puts itself at 0x100040 but the load address at 0x100041/],
      [[0x100041, 0x100000, 0, 0, 0x100080], /which the file does not reach/],
      [[0x100040, 0x100000, 0x100101, 0, 0x100080], /load_end_addr 0x100101/],
      [[0x100040, 0x100000, 0xfffff, 0, 0x100080], /load_end_addr 0xfffff/],
      [[0x100040, 0x100000, 0, 0x1000ff, 0x100080], /bss_end_addr 0x1000ff/],
      [[0x100040, 0x100000, 0, 0, 0x100100], /entry_addr 0x100100/],
      [[0x40, 0, 0, 0x200000, 0x80], /the image, 0x0–0x200000, lies in 0xa0000/],
      [[0xf0000040, 0xf0000000, 0, 0, 0xf0000080], /beyond the 3072 MiB/],
    ];
    for (const [addresses, message] of cases) assert.throws(() => load(at(addresses)), message);
  });

  it('are needed when the file is not ELF', () => {
    assert.throws(() => load(bytesOf(multibootHeader(0), CODE)), /not ELF and its multiboot header gives no load addresses/);
  });
});
