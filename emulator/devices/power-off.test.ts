import { strict as assert } from 'node:assert';
import { Bus } from '../memory/bus.js';
import { PowerOff } from './power-off.js';

describe('power off', () => {
  it('obeys SLP_EN with sleep type 0 at both ports', () => {
    let times = 0;
    const bus = new Bus('port'), device = new PowerOff(() => times++);
    bus.attach(0x604, 2, device);
    bus.attach(0xb004, 2, device);
    bus.write(0x604, 2, 0x3400);
    bus.write(0x604, 1, 0x20);
    assert.equal(times, 0);
    bus.write(0x604, 2, 0x2000);
    bus.write(0xb004, 2, 0x2000);
    assert.equal(times, 2);
  });
});
