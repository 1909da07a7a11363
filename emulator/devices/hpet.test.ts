import { strict as assert } from 'node:assert';
import { VirtualClock } from '../machine/clock.js';
import { Hpet } from './hpet.js';

function board() {
  const clock = new VirtualClock(), log: string[] = [];
  const hpet = new Hpet(clock, {
    pin: (pin, raised) => { if (raised) log.push(`pin ${pin}@${clock.now()}`); },
    legacy: (timer, raised) => { if (raised) log.push(`legacy ${timer}@${clock.now()}`); },
  });
  hpet.reset();
  return { clock, log, hpet };
}

describe('Hpet', () => {
  it('has three timers of 64 bits at 100 MHz', () => {
    const { hpet } = board();
    assert.equal(hpet.read(0, 4), 0x8086a201);
    assert.equal(hpet.read(4, 4), 10_000_000);
    assert.equal(hpet.read(0x100, 4), 0x30);
    assert.equal(hpet.read(0x104, 4), 0x00f00000);
  });

  it('counts while it is enabled, and can be set while it is not', () => {
    const { clock, hpet } = board();
    clock.runDue(1000);
    assert.equal(hpet.read(0xf0, 4), 0);
    hpet.write(0xf0, 4, 0xffffffff);
    hpet.write(0x10, 4, 1);
    clock.runDue(1100);
    assert.deepEqual([hpet.read(0xf0, 4), hpet.read(0xf4, 4)], [9, 1]);
    hpet.write(0x10, 4, 0);
    clock.runDue(2000);
    assert.equal(hpet.read(0xf0, 4), 9);
  });

  it('fires once at its comparator', () => {
    const { clock, log, hpet } = board();
    hpet.write(0x10, 4, 1);
    hpet.write(0x128, 4, 50);
    hpet.write(0x12c, 4, 0);
    hpet.write(0x120, 4, 4 | (21 << 9));
    clock.runDue(10_000);
    assert.deepEqual(log, ['pin 21@500']);
  });

  it('fires on a beat in the place of the PIT', () => {
    const { clock, log, hpet } = board();
    hpet.write(0x10, 4, 3);
    hpet.write(0x100, 4, 4 | 8 | 0x40 | 0x100);
    hpet.write(0x108, 4, 100);
    hpet.write(0x108, 4, 30);
    clock.runDue(1700);
    assert.deepEqual(log, ['legacy 0@1000', 'legacy 0@1300', 'legacy 0@1600']);
  });

  it('keeps a level until its status is cleared', () => {
    const { clock, log, hpet } = board();
    hpet.write(0x10, 4, 1);
    hpet.write(0x148, 4, 10);
    hpet.write(0x14c, 4, 0);
    hpet.write(0x140, 4, 6 | (22 << 9));
    clock.runDue(200);
    assert.deepEqual([log, hpet.read(0x20, 4)], [['pin 22@100'], 4]);
    hpet.write(0x20, 4, 4);
    assert.equal(hpet.read(0x20, 4), 0);
  });
});
