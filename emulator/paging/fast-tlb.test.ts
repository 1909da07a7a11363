import assert from 'node:assert/strict';
import { fastIndex } from './fast-tlb.js';

describe('the index of the fast TLB', () => {
  it('differs between every page and the next, so that an access that crosses pages never hits', () => {
    for (let page = 0; page < 2 ** 20; page++) {
      const linear = page * 4096, next = (linear + 4096) % 2 ** 32;
      if (fastIndex(linear) === fastIndex(next)) assert.fail(`0x${linear.toString(16)} and 0x${next.toString(16)}`);
    }
  });
});
