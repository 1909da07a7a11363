import { strict as assert } from 'node:assert';
import { Bus } from '../memory/bus.js';
import { POWER_OFF_PM1A_CONTROL, POWER_OFF_WORD, PowerOff } from './power-off.js';

describe('power off', () => {
  function machine() {
    let times = 0;
    const bus = new Bus('port');
    const device = new PowerOff(() => times++);
    bus.attach(0x8900, 1, device, POWER_OFF_WORD);
    bus.attach(0x604, 2, device, POWER_OFF_PM1A_CONTROL);
    bus.attach(0xb004, 2, device, POWER_OFF_PM1A_CONTROL);
    const spell = (word: string) => [...word].forEach((letter) => bus.write(0x8900, 1, letter.charCodeAt(0)));
    return { bus, spell, times: () => times };
  }

  it('obeys the word, wherever it begins', () => {
    const { spell, times } = machine();
    spell('shutdown Shut down ShutShutdow');
    assert.equal(times(), 0);
    spell('n');
    assert.equal(times(), 1);
  });

  it('obeys SLP_EN with sleep type 0 at both ports', () => {
    const { bus, times } = machine();
    bus.write(0x604, 2, 0x3400);
    bus.write(0x604, 1, 0x20);
    assert.equal(times(), 0);
    bus.write(0x604, 2, 0x2000);
    bus.write(0xb004, 2, 0x2000);
    assert.equal(times(), 2);
  });
});
