import { strict as assert } from 'node:assert';
import { loadElfImage } from './elf-image.js';
import { MIB } from './memory-map.js';
import type { BootPlan } from './plan.js';
import { elf, type TestSegment } from './test-images.js';

const CODE = Uint8Array.of(0xf4, 0xeb, 0xfd);
const HIGH = 0xffffffff80000000n;

function load64(segments: TestSegment[], { entry = segments[0]!.virtual, args = '' } = {}) {
  return loadElfImage({ name: 'k', bytes: elf({ bits: 64, entry, segments }), memoryBytes: 64 * MIB, args, modules: [] });
}

/** Guest memory as the plan leaves it. */
function memory(plan: BootPlan) {
  const bytes = new Uint8Array(64 * MIB);
  for (const write of plan.writes) bytes.set(write.bytes, write.address);
  return bytes;
}

/** An independent walk. SDM Vol. 3, "4-Level Paging and 5-Level Paging". */
function translate(plan: BootPlan, virtual: bigint): bigint | undefined {
  const view = new DataView(memory(plan).buffer);
  let table = plan.entry.cr3;
  for (const shift of [39n, 30n, 21n, 12n]) {
    const entry = view.getBigUint64(Number(table + ((virtual >> shift) & 0x1ffn) * 8n), true);
    if ((entry & 3n) !== 3n) return undefined;
    const base = entry & 0xffffffffff000n;
    const offset = (1n << shift) - 1n;
    if (shift === 12n || (entry & 0x80n) !== 0n) return (base & ~offset) | (virtual & offset);
    table = base;
  }
  return undefined;
}

const text = (bytes: Uint8Array, at: number) => String.fromCharCode(...bytes.subarray(at, bytes.indexOf(0, at)));

describe('plain ELF64', () => {
  it('starts in 64-bit mode at its virtual entry, called with its command line', () => {
    const plan = load64([{ virtual: 0x100000n, bytes: CODE }], { entry: 0x100001n, args: 'one two' });
    const { entry } = plan;
    assert.equal(entry.mode, 'long64');
    assert.equal(entry.rip, 0x100001n);
    assert.deepEqual([entry.cr0, entry.cr4, entry.efer, entry.rflags], [0x80000033n, 0x620n, 0x500n, 2n]);
    assert.deepEqual(entry.segments.cs, { selector: 8, base: 0n, limit: 0xffffffff, attributes: 0xa09b });
    assert.equal(entry.registers.rsp % 16n, 8n, 'as after a call');
    assert.equal(text(memory(plan), Number(entry.registers.rdi)), 'one two');
  });

  it('has a GDT that agrees with the segment registers', () => {
    const plan = load64([{ virtual: 0x100000n, bytes: CODE }]);
    const gdt = new DataView(memory(plan).buffer, Number(plan.entry.gdtr.base), plan.entry.gdtr.limit + 1);
    assert.deepEqual([0, 8, 16].map((at) => gdt.getBigUint64(at, true)), [0n, 0x00af9b000000ffffn, 0x00cf93000000ffffn]);
  });

  it('maps the first 4 GiB one to one', () => {
    const plan = load64([{ virtual: 0x100000n, bytes: CODE }]);
    for (const address of [0n, 0x100000n, 0xfee00000n, 0xffffffffn]) assert.equal(translate(plan, address), address);
    assert.equal(translate(plan, 0x100000000n), undefined);
  });

  it('maps a higher half to where its bytes are', () => {
    const plan = load64([
      { virtual: HIGH + 0x100000n, physical: 0x100000n, bytes: CODE, memorySize: 0x300000n },
      { virtual: 0x800000n, bytes: CODE },
    ]);
    assert.equal(plan.entry.rip, HIGH + 0x100000n);
    for (const offset of [0n, 0x1234n, 0x2fffffn]) assert.equal(translate(plan, HIGH + 0x100000n + offset), 0x100000n + offset);
    assert.equal(translate(plan, HIGH + 0x600000n), undefined);
    assert.deepEqual([...memory(plan).subarray(0x100000, 0x100003)], [...CODE]);
  });

  it('uses small pages where large ones cannot agree with the load addresses', () => {
    const plan = load64([
      { virtual: HIGH, physical: 0x101000n, bytes: CODE, memorySize: 0x2000n },
      { virtual: HIGH + 0x2000n, physical: 0x205000n, bytes: CODE },
    ]);
    assert.equal(translate(plan, HIGH + 0x1fffn), 0x102fffn);
    assert.equal(translate(plan, HIGH + 0x2001n), 0x205001n);
    assert.equal(translate(plan, HIGH + 0x3000n), undefined);
  });

  it('refuses what cannot be mapped', () => {
    const cases: [TestSegment[], RegExp][] = [
      [[{ virtual: HIGH + 4n, physical: 0x100000n, bytes: CODE }], /segment 0 wants virtual address 0xffffffff80000004 at physical 0x100000/],
      [[{ virtual: HIGH, physical: 0x100000n, bytes: CODE }, { virtual: HIGH + 0x800n, physical: 0x200800n, bytes: CODE }], /segment 1 wants virtual address/],
      [[{ virtual: 0x800000000000n, physical: 0x100000n, bytes: CODE }], /not canonical/],
      [[{ virtual: 0x7ffffffff000n, physical: 0x100000n, bytes: CODE, memorySize: 0x2000n }], /not canonical/],
      [[{ virtual: 0xfffffffffffff000n, physical: 0x100000n, bytes: CODE, memorySize: 0x2000n }], /not canonical/],
      [[{ virtual: 0x400000n, physical: 0x100000n, bytes: CODE }], /segment 0 is linked for 0x400000 but loads at 0x100000/],
      [[{ virtual: 0x9f000n, bytes: CODE, memorySize: 0x2000n }], /segment 0, 0x9f000–0xa1000, lies in 0xa0000–0xfffff, where a PC has no memory/],
    ];
    for (const [segments, message] of cases) assert.throws(() => load64(segments), message);
  });

  it('keeps its own things out of the way of a low image', () => {
    const plan = load64([{ virtual: 0x8000n, bytes: CODE, memorySize: 0x90000n }]);
    assert.ok(plan.entry.cr3 >= 0x98000n);
    assert.equal(translate(plan, 0x8000n), 0x8000n);
  });
});

describe('plain ELF32', () => {
  it('starts in flat protected mode, called with its command line', () => {
    const bytes = elf({ bits: 32, entry: 0xc0100001n, segments: [{ virtual: 0xc0100000n, physical: 0x100000n, bytes: CODE }] });
    const plan = loadElfImage({ name: 'k', bytes, memoryBytes: 64 * MIB, args: 'a=1', modules: [] });
    const { entry } = plan;
    assert.deepEqual([entry.mode, entry.rip, entry.cr0, entry.efer], ['protected32', 0x100001n, 0x11n, 0n]);
    assert.equal(entry.segments.cs.attributes, 0xc09b);
    const esp = Number(entry.registers.rsp);
    assert.equal((esp + 4) % 16, 0);
    const view = new DataView(memory(plan).buffer);
    assert.equal(view.getUint32(esp, true), 0);
    assert.equal(text(memory(plan), view.getUint32(esp + 4, true)), 'a=1');
    assert.equal(view.getBigUint64(Number(entry.gdtr.base) + 8, true), 0x00cf9b000000ffffn);
  });
});
