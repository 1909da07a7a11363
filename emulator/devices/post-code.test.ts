import { strict as assert } from 'node:assert';
import { PostCode } from './post-code.js';

describe('POST code', () => {
  it('shows and reads back', () => {
    const codes: number[] = [];
    const device = new PostCode((code) => codes.push(code));
    device.write(0, 1, 0x55);
    assert.deepEqual([codes, device.read()], [[0x55], 0x55]);
    const state = device.save();
    device.reset();
    device.restore(state);
    assert.equal(device.read(), 0x55);
  });
});
