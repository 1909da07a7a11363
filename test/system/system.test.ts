/** System behaviour, case by case, as Bochs has it too (npm run oracle:bochs compares again). */
import assert from 'node:assert/strict';
import { expectedLines, onRingside, withoutAddresses } from './program.js';

describe('system behaviour', function () {
  this.timeout(60_000);
  for (const bits of [32, 64] as const) {
    it(`of ${bits}-bit mode is as expected in every case`, () => {
      assert.deepEqual(onRingside(bits).map(withoutAddresses), expectedLines(bits));
    });
  }
});
