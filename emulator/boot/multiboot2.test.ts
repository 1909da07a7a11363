import { strict as assert } from 'node:assert';
import { loadImage, type ImageRequest } from './index.js';
import { MIB } from './memory-map.js';
import { findMultiboot2 } from './multiboot2.js';
import { bytesOf, elf, memoryOf, multiboot2Header, multiboot2Tag, textAt } from './test-images.js';

const MEMORY = 64 * MIB;
const CODE = [0xf4, 0xeb, 0xfd, 0x90];
const load = (bytes: Uint8Array, request: Partial<ImageRequest> = {}) => loadImage({ name: 'kernel', bytes, memoryBytes: MEMORY, args: '', modules: [], ...request });
const kernel = (...tags: Uint8Array[]) => elf({ bits: 64, entry: 0x100010n, segments: [{ virtual: 0x100000n, bytes: bytesOf(CODE, [0, 0, 0, 0], multiboot2Header(...tags)), memorySize: 0x2800n }] });

function tagsOf(bytes: Uint8Array, request: Partial<ImageRequest> = {}) {
  const plan = load(bytes, request), memory = memoryOf(plan, MEMORY), at = Number(plan.entry.registers.rbx), end = at + memory.getUint32(at, true);
  const tags: { type: number; at: number; size: number }[] = [];
  for (let tag = at + 8; tag < end; tag += Math.ceil(memory.getUint32(tag + 4, true) / 8) * 8) tags.push({ type: memory.getUint32(tag, true), at: tag + 8, size: memory.getUint32(tag + 4, true) });
  return { memory, tags, at, end, u32: (type: number, place: number) => memory.getUint32(tags.find((tag) => tag.type === type)!.at + 4 * place, true), plan };
}

/** Gives the file a section table of three: null, one that is loaded, and one that is not. */
function withSections(file: Uint8Array): Uint8Array {
  const symbols = new TextEncoder().encode('symbols!'), at = Math.ceil(file.length / 8) * 8, bytes = new Uint8Array(at + symbols.length + 3 * 64), view = new DataView(bytes.buffer);
  bytes.set(file);
  bytes.set(symbols, at);
  const section = (number: number, type: number, address: bigint, offset: number, size: number) => {
    const header = at + symbols.length + 64 * number;
    view.setUint32(header + 4, type, true);
    [address, BigInt(offset), BigInt(size)].forEach((value, place) => view.setBigUint64(header + 16 + 8 * place, value, true));
  };
  section(1, 1, 0x100000n, 0x78, 4);
  section(2, 3, 0n, at, symbols.length);
  view.setBigUint64(40, BigInt(at + symbols.length), true);
  [64, 3, 2].forEach((value, place) => view.setUint16(58 + 2 * place, value, true));
  return bytes;
}

describe('multiboot 2', () => {
  it('has its header at a multiple of eight in the first 32 KiB, with a right checksum', () => {
    const at = (offset: number) => { const bytes = new Uint8Array(40000); bytes.set(multiboot2Header(), offset); return bytes; };
    assert.equal(findMultiboot2(at(32744))?.offset, 32744);
    assert.equal(findMultiboot2(at(32752)), undefined);
    assert.equal(findMultiboot2(at(4)), undefined);
    const wrong = at(0);
    wrong[12]! ^= 1;
    assert.equal(findMultiboot2(wrong), undefined);
  });

  it('enters in flat protected mode with the magic and the information', () => {
    const { plan, at } = tagsOf(kernel());
    assert.deepEqual([plan.kind, plan.entry.mode, plan.entry.rip, plan.entry.registers.rax, at % 8], ['multiboot 2', 'protected32', 0x100010n, 0x36d76289n, 0]);
  });

  it('gives command line, loader, modules, memory and the end', () => {
    const modules = ['one', 'two'].map((args, number) => ({ name: `m${number}`, bytes: Uint8Array.of(number, 9), args }));
    const { tags, memory, u32, end } = tagsOf(kernel(), { args: 'verbose', modules });
    assert.deepEqual(tags.map(({ type }) => type), [1, 2, 3, 3, 4, 6, 14, 15, 0]);
    assert.equal(tags.at(-1)!.at, end);
    assert.equal(textAt(memory, tags[0]!.at), 'verbose');
    assert.equal(textAt(memory, tags[3]!.at + 8), 'two');
    assert.deepEqual([u32(3, 1) - u32(3, 0), memory.getUint8(u32(3, 0) + 1), u32(3, 0) % 4096], [2, 9, 0]);
    assert.deepEqual([u32(4, 0), u32(4, 1)], [640, 63 * 1024]);
    assert.deepEqual([u32(6, 0), u32(6, 1), tags.find(({ type }) => type === 6)!.size], [24, 0, 16 + 3 * 24]);
    assert.deepEqual([14, 16, 18].map((place) => u32(6, place)), [MIB, 63 * MIB, 1]);
  });

  it('gives ELF sections, those that no segment loads as well', () => {
    const file = Buffer.concat([Buffer.alloc(5), withSections(kernel())]).subarray(5), before = Uint8Array.from(file);
    const { u32, tags, memory } = tagsOf(file);
    assert.deepEqual(Uint8Array.from(file), before);
    assert.deepEqual([u32(9, 0), u32(9, 1), u32(9, 2)], [3, 64, 2]);
    const section = (number: number, offset: number) => Number(memory.getBigUint64(tags.find(({ type }) => type === 9)!.at + 12 + 64 * number + offset, true));
    assert.equal(section(1, 16), 0x100000);
    assert.ok(section(2, 16) >= 0x102800);
    assert.equal(textAt(memory, section(2, 16)), 'symbols!');
    assert.throws(() => load(withSections(kernel()).slice(0, -1)), /the section header table at 0x[0-9a-f]+ \(3 entries\) reaches beyond/);
  });

  it('obeys the address tags, and says where a relocatable image is', () => {
    const raw = bytesOf(CODE, [0, 0, 0, 0], multiboot2Header(multiboot2Tag(2, 0, 0x200008, 0x200000, 0, 0x201000), multiboot2Tag(3, 0, 0x200004), multiboot2Tag(10, 0, 0, 0xffffffff, 4096, 0)));
    const { plan, memory, u32 } = tagsOf(raw);
    assert.deepEqual([plan.entry.rip, memory.getUint8(0x200000), u32(21, 0)], [0x200004n, 0xf4, 0x200000]);
    const noEntry = bytesOf(CODE, [0, 0, 0, 0], multiboot2Header(multiboot2Tag(2, 0, 0x200008, 0xffffffff, 0, 0)));
    assert.throws(() => load(noEntry), /gives load addresses but no entry address/);
    assert.throws(() => load(bytesOf(CODE, [0, 0, 0, 0], multiboot2Header())), /not ELF and its multiboot 2 header gives no load addresses/);
  });

  it('refuses what is demanded and not specified, and says what is wished for and missing', () => {
    assert.throws(() => load(kernel(multiboot2Tag(11, 0))), /demands tag 11, which the specification does not define; make the tag optional/);
    assert.throws(() => load(kernel(multiboot2Tag(1, 0, 6, 22))), /demands information of type 22/);
    assert.deepEqual(load(kernel(multiboot2Tag(11, 1), multiboot2Tag(4, 0, 3), multiboot2Tag(6, 0), multiboot2Tag(1, 1, 6, 8), multiboot2Tag(5, 0, 0, 0, 32))).notes, [
      'the multiboot 2 header asks for tag 11, which the specification does not define',
      'there is no information of type 8, which the multiboot 2 header asks for',
      'not implemented: framebuffers; the multiboot 2 header asks for one',
    ]);
  });
});
