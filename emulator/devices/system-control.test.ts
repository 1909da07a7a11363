import { strict as assert } from 'node:assert';
import { RESET_CONTROL, SYSTEM_CONTROL_PORT_A, SystemControl } from './system-control.js';

describe('system control', () => {
  function machine() {
    const log: string[] = [];
    const device = new SystemControl({ a20: (enabled) => log.push(`A20 ${enabled}`), reset: (kind) => log.push(kind) });
    return { device, log };
  }

  it('gates A20 by bit 1 of port 92h', () => {
    const { device, log } = machine();
    device.write(SYSTEM_CONTROL_PORT_A, 1, 0x02);
    assert.equal(device.read(SYSTEM_CONTROL_PORT_A), 0x02);
    device.write(SYSTEM_CONTROL_PORT_A, 1, 0x00);
    assert.deepEqual(log, ['A20 true', 'A20 false']);
  });

  it('resets on the rise of bit 0 only', () => {
    const { device, log } = machine();
    device.write(SYSTEM_CONTROL_PORT_A, 1, 0x03);
    device.write(SYSTEM_CONTROL_PORT_A, 1, 0x03);
    assert.deepEqual(log.filter((entry) => entry === 'INIT'), ['INIT']);
  });

  it('resets by CF9h, hard or the processor alone, on the rise of RCPU', () => {
    const { device, log } = machine();
    device.write(RESET_CONTROL, 1, 0x02);
    assert.deepEqual(log, []);
    device.write(RESET_CONTROL, 1, 0x06);
    device.write(RESET_CONTROL, 1, 0x00);
    device.write(RESET_CONTROL, 1, 0x04);
    assert.deepEqual(log, ['hard', 'INIT']);
  });

  it('gives its state back', () => {
    const { device } = machine();
    device.write(SYSTEM_CONTROL_PORT_A, 1, 0xc2);
    const state = device.save();
    device.reset();
    assert.equal(device.a20, false);
    device.restore(state);
    assert.deepEqual([device.a20, device.save()], [true, state]);
  });
});
