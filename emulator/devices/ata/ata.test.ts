import { strict as assert } from 'node:assert';
import { Disk, SECTOR_BYTES } from '../virtio/disk.js';
import { ATA_CONTROL, AtaChannel } from './ata-channel.js';
import { AtaDisk } from './ata-disk.js';
import { CD_SECTOR_BYTES, CdDrive } from './cd-drive.js';

const IMAGE = Uint8Array.from({ length: 64 * SECTOR_BYTES }, (_, at) => at >>> 9), DISC = Uint8Array.from({ length: 8 * CD_SECTOR_BYTES }, (_, at) => at >>> 11);

function cable() {
  const lines: boolean[] = [], disk = new Disk('disk', IMAGE);
  const channel = new AtaChannel('cable', [new AtaDisk(disk), new CdDrive(DISC)], (raised) => { lines.push(raised); });
  channel.reset();
  const command = (number: number, device: number, count = 0, low = 0, mid = 0, high = 0): number => {
    [[6, device], [2, count], [3, low], [4, mid], [5, high], [7, number]].forEach(([offset, value]) => { channel.write(offset!, 1, value!); });
    return channel.read(7, 1);
  };
  const words = (count: number): number[] => Array.from({ length: count }, () => channel.read(0, 2));
  /** Gives the status after the packet. */
  const packet = (...bytes: readonly number[]): number => {
    command(0xa0, 0x10, 0, 0, 0x00, 0x08);
    const whole = [...bytes, ...new Array<number>(12 - bytes.length).fill(0)];
    for (let n = 0; n < 12; n += 2) channel.write(0, 2, whole[n]! | (whole[n + 1]! << 8));
    return channel.read(7, 1);
  };
  return { channel, disk, lines, command, words, packet };
}

describe('ATA', () => {
  it('tells a disk from a packet device by their signatures', () => {
    const { channel } = cable();
    const signature = (device: number): number[] => {
      channel.write(6, 1, device);
      channel.write(ATA_CONTROL, 1, 4);
      channel.write(ATA_CONTROL, 1, 0);
      channel.write(6, 1, device);
      return [4, 5].map((offset) => channel.read(offset, 1));
    };
    assert.deepEqual(signature(0), [0, 0]);
    assert.equal(new AtaChannel('empty', [undefined, undefined], () => undefined).read(7, 1), 0xff);
  });

  it('identifies a disk by its sectors', () => {
    const { command, words } = cable();
    assert.equal(command(0xec, 0) & 0x09, 0x08);
    const identity = words(256);
    assert.deepEqual([identity[60], identity[61], identity[100]], [64, 0, 64]);
  });

  it('reads and writes sectors by 28 and 48 bits and by cylinder, head and sector, with an interrupt for each block', () => {
    const { channel, command, words, lines, disk } = cable();
    lines.length = 0;
    assert.equal(command(0x20, 0x40, 2, 5), 0x58);
    assert.deepEqual([...new Set(words(256))], [0x0505]);
    assert.equal(lines.filter((raised) => raised).length, 2);
    assert.deepEqual([...new Set(words(256))], [0x0606]);
    assert.equal(channel.read(7, 1) & 0x08, 0);
    command(0x20, 0x00, 1, 3);
    assert.equal(words(256)[0], 0x0202);
    command(0x30, 0x40, 1, 7);
    for (let n = 0; n < 256; n++) channel.write(0, 2, 0x1234);
    assert.deepEqual([...disk.read(7 * SECTOR_BYTES, 2)], [0x34, 0x12]);
    for (const [offset, high, low] of [[2, 0, 1], [3, 0, 9], [4, 0, 0], [5, 0, 0]] as const) for (const value of [high, low]) channel.write(offset, 1, value);
    channel.write(7, 1, 0x24);
    assert.equal(words(256)[0], 0x0909);
  });

  it('refuses what is beyond the disk, and commands that it does not know', () => {
    const { channel, command } = cable();
    assert.equal(command(0x20, 0x40, 2, 63) & 1, 1);
    assert.equal(channel.read(1, 1), 0x10);
    assert.equal(command(0x00, 0x40) & 1, 1);
    assert.equal(channel.read(1, 1), 4);
  });

  it('reads a disc by packets, in blocks as long as the host takes', () => {
    const { channel, packet, words } = cable();
    assert.equal(packet(0x28, 0, 0, 0, 0, 3, 0, 0, 2) & 0x09, 0x08);
    assert.deepEqual([channel.read(2, 1), channel.read(4, 1), channel.read(5, 1)], [2, 0x00, 0x08]);
    assert.deepEqual([...new Set(words(1024))], [0x0303]);
    assert.deepEqual([...new Set(words(1024))], [0x0404]);
    assert.deepEqual([channel.read(7, 1) & 0x09, channel.read(2, 1)], [0, 3]);
    assert.equal(packet(0x25) & 8, 8);
    assert.deepEqual(words(4), [0, 0x0700, 0, 0x0008]);
  });

  it('says by sense what was wrong with a packet', () => {
    const { channel, packet, words } = cable();
    assert.equal(packet(0x28, 0, 0, 0, 0, 8, 0, 0, 1) & 1, 1);
    assert.equal(channel.read(1, 1) >> 4, 5);
    packet(0x03, 0, 0, 0, 18);
    const sense = words(9);
    assert.deepEqual([sense[1]! & 15, sense[6]! & 0xff], [5, 0x21]);
    assert.equal(packet(0xff) & 1, 1);
  });

  it('comes back from a snapshot in the middle of a block', () => {
    const a = cable(), b = cable();
    a.command(0x20, 0x40, 2, 5);
    a.words(100);
    b.channel.restore(a.channel.save());
    assert.deepEqual(a.words(412), b.words(412));
  });
});
