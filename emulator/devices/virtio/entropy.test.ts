import { strict as assert } from 'node:assert';
import { VirtioEntropy } from './entropy.js';

/** Numbers that say where they come from. */
const COUNTING = { next: (state: bigint): bigint => state + 1n, number: (state: bigint): bigint => state };

describe('virtio entropy', () => {
  it('fills a buffer, and goes on with the next one', () => {
    const device = new VirtioEntropy(5, COUNTING), none = new Uint8Array(0);
    assert.deepEqual([...device.request(0, none, 10)], [6, 0, 0, 0, 0, 0, 0, 0, 7, 0]);
    assert.deepEqual([...device.request(0, none, 3)], [8, 0, 0]);
    assert.equal(device.request(0, none, 0).length, 0);
    assert.equal(device.request(0, none, 2 ** 31).length, 4096);
  });

  it('begins anew at reset, and gives its state back', () => {
    const one = new VirtioEntropy(5, COUNTING), two = new VirtioEntropy(9, COUNTING), none = new Uint8Array(0);
    const first = one.request(0, none, 16);
    two.restore(one.save());
    assert.deepEqual(two.request(0, none, 16), one.request(0, none, 16));
    one.reset();
    assert.deepEqual(one.request(0, none, 16), first);
  });
});
