import { strict as assert } from 'node:assert';
import { PcTestDevice, TEST_LINES } from './pc-test-device.js';

describe('PcTestDevice', () => {
  it('keeps 32 bits, in parts too, and drives lines', () => {
    const log: unknown[] = [], device = new PcTestDevice((line, raised) => { log.push([line, raised]); });
    device.write(0, 4, 0x87654321);
    device.write(2, 2, 0xabcd);
    assert.deepEqual([device.read(0, 4), device.read(1, 1), device.read(2, 2)], [0xabcd4321, 0x43, 0xabcd]);
    device.write(TEST_LINES + 20, 1, 1);
    device.write(TEST_LINES + 5, 4, 0);
    assert.deepEqual(log, [[20, true], [5, false]]);
  });
});
