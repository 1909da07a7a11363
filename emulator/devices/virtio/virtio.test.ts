import { strict as assert } from 'node:assert';
import type { DirectMemory } from '../../memory/direct-memory.js';
import { PCI } from '../pci/pci-function.js';
import { VirtioBlock } from './block.js';
import { Disk, SECTOR_BYTES } from './disk.js';
import { VirtioFunction } from './virtio-function.js';

const IMAGE = Uint8Array.from({ length: 16 * SECTOR_BYTES }, (_, at) => at >>> 9);
const WINDOW_OFFSET = 0x48, WINDOW_LENGTH = 0x4c, WINDOW_REGISTERS = 0x44, WINDOW_DATA = 0x50;

/** A driver that reaches the registers through configuration space, with memory of its own. */
function driver(disk: Disk) {
  const ram = new Uint8Array(0x10000), view = new DataView(ram.buffer);
  const memory: DirectMemory = { read: (address, bytes) => ram.slice(address, address + bytes), write: (address, bytes) => { ram.set(bytes, address); } };
  const pci = new VirtioFunction(new VirtioBlock('disk 0', disk), memory), raised: boolean[] = [];
  pci.wires = { interruptChanged: () => { raised.push(pci.interrupting); }, message: () => undefined, decodingChanged: () => undefined };
  pci.write(PCI.command, 2, 4);
  pci.write(WINDOW_REGISTERS, 1, 4);
  const window = (offset: number, bytes: number) => { pci.write(WINDOW_OFFSET, 4, offset); pci.write(WINDOW_LENGTH, 4, bytes); };
  const read = (offset: number, bytes: 1 | 2 | 4) => { window(offset, bytes); return pci.read(WINDOW_DATA, bytes); };
  const write = (offset: number, bytes: 1 | 2 | 4, value: number) => { window(offset, bytes); pci.write(WINDOW_DATA, bytes, value); };
  const start = (features = 0) => {
    write(20, 1, 3);
    [[0, features], [1, 1]].forEach(([half, bits]) => { write(8, 4, half!); write(12, 4, bits!); });
    write(20, 1, 11);
    if ((read(20, 1) & 8) === 0) return;
    [0x1000, 0x2000, 0x3000].forEach((address, n) => { write(32 + 8 * n, 4, address); });
    write(28, 2, 1);
    write(20, 1, 15);
  };
  let available = 0;
  const descriptor = (n: number, address: number, bytes: number, flags: number, next = 0) => {
    view.setBigUint64(0x1000 + 16 * n, BigInt(address), true);
    view.setUint32(0x1008 + 16 * n, bytes, true);
    view.setUint16(0x100c + 16 * n, flags, true);
    view.setUint16(0x100e + 16 * n, next, true);
  };
  const offer = (head: number) => {
    view.setUint16(0x2004 + 2 * (available % 128), head, true);
    view.setUint16(0x2002, ++available, true);
    write(0x3000, 2, 0);
  };
  /** Header at 4000h, data at 5000h, status at 6000h; gives the status. */
  const request = (type: number, sector: number, bytes: number, deviceWrites: boolean) => {
    view.setUint32(0x4000, type, true);
    view.setBigUint64(0x4008, BigInt(sector), true);
    ram[0x6000] = 0xff;
    descriptor(0, 0x4000, 16, 1, bytes > 0 ? 1 : 2);
    descriptor(1, 0x5000, bytes, 1 | (deviceWrites ? 2 : 0), 2);
    descriptor(2, 0x6000, 1, 2);
    offer(0);
    return ram[0x6000];
  };
  return { pci, ram, view, raised, read, write, start, request, descriptor, offer };
}

describe('virtio over PCI', () => {
  it('is a modern block device with its capabilities', () => {
    const { pci, read } = driver(new Disk('d', IMAGE));
    assert.deepEqual([pci.read(0, 2), pci.read(2, 2), pci.read(8, 1)], [0x1af4, 0x1042, 1]);
    const types: number[] = [];
    for (let at = pci.read(PCI.capabilities, 1); at !== 0; at = pci.read(at + 1, 1)) types.push(pci.read(at, 1) === 9 ? pci.read(at + 3, 1) : 0x100 | pci.read(at, 1));
    assert.deepEqual(types, [5, 1, 3, 4, 2, 0x111]);
    assert.deepEqual([read(0x2000, 4), read(0x2004, 4), read(0x2014, 4), read(18, 2)], [16, 0, 512, 1]);
  });

  it('accepts only features that it offers, and only drivers of version 1', () => {
    const one = driver(new Disk('d', IMAGE));
    one.start(1 << 3);
    assert.equal(one.read(20, 1), 3);
    one.write(20, 1, 0);
    one.start(1 << 9);
    assert.equal(one.read(20, 1), 15);
  });

  it('reads, writes, flushes and says its name, and interrupts', () => {
    const disk = new Disk('d', IMAGE), { start, request, ram, view, raised, read } = driver(disk);
    start();
    assert.equal(request(0, 3, 1024, true), 0);
    assert.deepEqual([ram[0x5000], ram[0x51ff], ram[0x5200]], [3, 3, 4]);
    assert.deepEqual([view.getUint16(0x3002, true), view.getUint32(0x3004, true), view.getUint32(0x3008, true)], [1, 0, 1025]);
    assert.ok(raised.at(-1));
    assert.deepEqual([read(0x1000, 1), read(0x1000, 1), raised.at(-1)], [1, 0, false]);
    ram.fill(0xaa, 0x5000, 0x5200);
    assert.equal(request(1, 5, 512, false), 0);
    assert.equal(request(4, 0, 0, false), 0);
    assert.deepEqual([IMAGE[5 * 512], disk.read(5 * 512, 1)[0], disk.read(6 * 512, 1)[0]], [5, 0xaa, 6]);
    assert.equal(request(8, 0, 20, true), 0);
    assert.equal(new TextDecoder().decode(ram.subarray(0x5000, 0x5006)), 'disk 0');
  });

  it('refuses what lies beyond the disk, writes to one that is read-only, and what it does not know', () => {
    const whole = driver(new Disk('d', IMAGE)), fixed = driver(new Disk('d', IMAGE, true));
    for (const each of [whole, fixed]) each.start();
    assert.deepEqual([whole.request(0, 16, 512, true), whole.request(1, 15, 1024, false), whole.request(0, 0, 100, true), whole.request(77, 0, 0, false)], [1, 1, 1, 2]);
    assert.deepEqual([fixed.request(0, 1, 512, true), fixed.request(1, 1, 512, false)], [0, 1]);
  });

  it('needs a reset after a chain that claims more than there can be', () => {
    const { view, read, start, request } = driver(new Disk('d', IMAGE));
    start();
    assert.equal(request(0, 0, 0xffffffff, true), 0xff);
    assert.deepEqual([read(20, 1) & 64, view.getUint16(0x3002, true)], [64, 0]);
  });

  it('needs a reset after a chain that does not end', () => {
    const { start, descriptor, offer, read, request } = driver(new Disk('d', IMAGE));
    start();
    descriptor(0, 0x4000, 16, 1, 0);
    offer(0);
    assert.equal(read(20, 1), 15 | 64);
    assert.equal(request(0, 0, 512, true), 0xff);
  });

  it('follows indirect tables', () => {
    const { start, view, ram, descriptor, offer } = driver(new Disk('d', IMAGE));
    start(1 << 28);
    [[0x4000, 16, 1, 1], [0x5000, 512, 3, 2], [0x6000, 1, 2, 0]].forEach(([address, bytes, flags, next], n) => {
      view.setBigUint64(0x7000 + 16 * n, BigInt(address!), true);
      view.setUint32(0x7008 + 16 * n, bytes!, true);
      view.setUint16(0x700c + 16 * n, flags!, true);
      view.setUint16(0x700e + 16 * n, next!, true);
    });
    view.setBigUint64(0x4008, 7n, true);
    descriptor(9, 0x7000, 48, 4);
    offer(9);
    assert.deepEqual([ram[0x5000], ram[0x6000]], [7, 0]);
  });

  it('gives its state back', () => {
    const one = driver(new Disk('d', IMAGE)), two = driver(new Disk('d', IMAGE));
    one.start();
    one.ram.fill(1, 0x5000, 0x5200);
    one.request(1, 2, 512, false);
    two.pci.restore(one.pci.save());
    assert.deepEqual(two.pci.save(), one.pci.save());
  });
});

describe('disks', () => {
  it('keep the image as it is, and what was written over it', () => {
    const disk = new Disk('d', IMAGE), before = Uint8Array.from(IMAGE);
    disk.write(4090, Uint8Array.from({ length: 12 }, (_, n) => 100 + n));
    assert.deepEqual([...disk.read(4088, 16)], [7, 7, ...Array.from({ length: 12 }, (_, n) => 100 + n), 8, 8]);
    assert.deepEqual(IMAGE, before);
    assert.deepEqual(disk.changes.map(({ address, bytes }) => [address, bytes.length]), [[0, 4096], [4096, 4096]]);
    assert.deepEqual([disk.takeUnsaved().map(({ address }) => address), disk.takeUnsaved()], [[0, 4096], []]);
    disk.write(5000, Uint8Array.of(9));
    assert.deepEqual(disk.takeUnsaved().map(({ address, bytes }) => [address, bytes[5000 - 4096]]), [[4096, 9]]);
    disk.reset();
    assert.deepEqual(disk.read(0, IMAGE.length), IMAGE);
  });

  it('have whole sectors', () => {
    assert.throws(() => new Disk('d', new Uint8Array(513)), /d: a disk has whole sectors of 512 bytes, and this image 513 bytes/);
  });
});
