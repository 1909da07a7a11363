import { strict as assert } from 'node:assert';
import { Bus, type AccessBytes, type Device } from './bus.js';

class Recorder implements Device {
  readonly log: string[] = [];
  constructor(readonly name: string, readonly portBytes: AccessBytes = 1) {}
  read(offset: number, bytes: AccessBytes) {
    this.log.push(`r${bytes}@${offset}`);
    return bytes === 1 ? 0x10 + offset : bytes === 2 ? 0x2000 + offset : 0x80000000 + offset;
  }
  write(offset: number, bytes: AccessBytes, value: number) {
    this.log.push(`w${bytes}@${offset}=${value.toString(16)}`);
  }
  reset() {}
  save() { return null; }
  restore() {}
}

describe('Bus', () => {
  it('answers all ones where nobody sits', () => {
    for (const kind of ['port', 'memory'] as const) {
      const bus = new Bus(kind);
      assert.deepEqual([bus.read(0x80, 1), bus.read(0x80, 2), bus.read(0x80, 4)], [0xff, 0xffff, 0xffffffff]);
      bus.write(0x80, 4, 0x12345678);
    }
  });

  it('hands a device its own offsets', () => {
    const bus = new Bus('port');
    const device = new Recorder('chip');
    bus.attach(0x3f8, 8, device);
    bus.attach(0x2f8, 2, device, 0x40);
    assert.equal(bus.read(0x3fd, 1), 0x15);
    bus.write(0x2f9, 1, 0xab);
    assert.deepEqual(device.log, ['r1@5', 'w1@65=ab']);
  });

  it('splits wide accesses over 8-bit ports, low byte first, as ISA does', () => {
    const bus = new Bus('port');
    const device = new Recorder('chip');
    bus.attach(0x40, 3, device);
    assert.equal(bus.read(0x40, 4), 0xff121110);
    bus.write(0x40, 4, 0xddccbbaa);
    assert.deepEqual(device.log, ['r1@0', 'r1@1', 'r1@2', 'w1@0=aa', 'w1@1=bb', 'w1@2=cc']);
  });

  it('splits an access that spans two devices', () => {
    const bus = new Bus('port');
    const [low, high] = [new Recorder('low'), new Recorder('high')];
    bus.attach(0x60, 1, low);
    bus.attach(0x61, 1, high, 4);
    assert.equal(bus.read(0x60, 2), 0x1410);
    assert.equal(bus.read(0x5f, 2), 0x10ff);
  });

  it('gives wide ports whole accesses when aligned, halves when not', () => {
    const bus = new Bus('port');
    const wide = new Recorder('wide', 4);
    bus.attach(0xcf8, 8, wide);
    assert.equal(bus.read(0xcf8, 4), 0x80000000);
    bus.read(0xcf9, 2);
    bus.read(0xcfe, 4);
    assert.deepEqual(wide.log, ['r4@0', 'r1@1', 'r1@2', 'r2@6']);
  });

  it('never reaches past the last port', () => {
    const bus = new Bus('port');
    bus.attach(0xffff, 1, new Recorder('last'));
    assert.equal(bus.read(0xffff, 2), 0xff10);
    assert.equal(bus.read(0x12345, 1), 0xff);
  });

  it('finds memory ranges at any physical address', () => {
    const bus = new Bus('memory');
    const bases = [0xfee00000, 0xfec00000, 2 ** 40, 0xa0000];
    for (const base of bases) bus.attach(base, 0x1000, new Recorder(`at ${base}`, 4));
    for (const base of bases) {
      assert.equal(bus.deviceAt(base + 0xfff)?.name, `at ${base}`);
      assert.equal(bus.deviceAt(base + 0x1000), undefined);
      assert.equal(bus.read(base + 4, 4), 0x80000004);
    }
    assert.deepEqual(bus.ranges.map((r) => [r.base, r.size]), [[0xa0000, 0x1000], [0xfec00000, 0x1000], [0xfee00000, 0x1000], [2 ** 40, 0x1000]]);
  });

  it('refuses overlaps and names both devices', () => {
    for (const kind of ['port', 'memory'] as const) {
      const bus = new Bus(kind);
      bus.attach(0x20, 2, new Recorder('first'));
      assert.throws(() => bus.attach(0x21, 1, new Recorder('second')), /second at \w+ 0x21–0x21 overlaps first at 0x20–0x21/);
      bus.attach(0x22, 1, new Recorder('third'));
    }
  });

  it('refuses ranges that do not exist', () => {
    assert.throws(() => new Bus('port').attach(0xffff, 2, new Recorder('chip')), /chip cannot sit at port 0xffff/);
    assert.throws(() => new Bus('memory').attach(-1, 2, new Recorder('chip')), /chip cannot sit/);
  });
});
