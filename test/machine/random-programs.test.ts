import assert from 'node:assert/strict';
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import { Random } from '../fuzz/random.js';
import { listing, RandomPrograms } from '../fuzz/random-programs.js';

const SEED = 2026;

describe('random loops in the interpreter and in compiled code', function () {
  this.timeout(120_000);
  for (const [bits, count] of [[64, 200], [32, 100]] as const) {
    it(`are at the same state in ${count} programs of ${bits}-bit code`, () => {
      const source = new RandomPrograms(new Random(SEED), INSTRUCTIONS, bits), different: string[] = [];
      for (let i = 0; i < count; i++) {
        const program = source.next(), how = source.difference(program);
        if (how !== undefined) different.push(`${listing(program)}: ${how}`);
      }
      assert.deepEqual(different, []);
      assert.ok(source.compiled > count / 2, `${source.compiled} programs were compiled`);
    });
  }
});
