import { strict as assert } from 'node:assert';
import { DebugConsole } from './debug-console.js';

describe('debug console', () => {
  it('prints bytes and says that it is there', () => {
    const printed: number[] = [];
    const device = new DebugConsole((byte) => printed.push(byte));
    device.write(0, 1, 0x41);
    assert.deepEqual([device.read(), printed], [0xe9, [0x41]]);
  });
});
