/** System behaviour, case by case, as Bochs has it too (npm run oracle:bochs compares again). */
import assert from 'node:assert/strict';
import { expectedLines, onRingside, PROGRAMS, withoutAddresses } from './program.js';

describe('system behaviour', function () {
  this.timeout(60_000);
  for (const program of PROGRAMS) {
    it(`of ${program} is as expected in every case`, () => {
      assert.deepEqual(onRingside(program).map(withoutAddresses), expectedLines(program));
    });
  }
});
