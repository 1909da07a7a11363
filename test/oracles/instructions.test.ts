import assert from 'node:assert/strict';
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import { Random, RandomCases } from '../fuzz/random-cases.js';
import { difference, knownDifference } from './compare.js';
import { EmulatedOracle } from './emulated.js';
import { NativeOracle } from './native.js';

/** What ring 3 may run and the oracle can observe. */
const USER_MODE = INSTRUCTIONS.filter((i) => !i.privileged);
const SEED = 2026;

describe('instructions, compared with the native processor', () => {
  let native: NativeOracle, emulated: EmulatedOracle;
  before(async function () {
    this.timeout(30_000);
    native = await NativeOracle.start();
    emulated = new EmulatedOracle();
  });
  after(() => native.stop());

  for (const [bits, count] of [[64, 15_000], [32, 5_000]] as const) {
    it(`do the same in ${count} random cases of ${bits}-bit code`, async function () {
      this.timeout(120_000);
      const source = new RandomCases(new Random(SEED), USER_MODE, bits);
      const cases = Array.from({ length: count }, () => source.next());
      const expected = await native.run(cases), got = emulated.run(cases);
      assert.ok(expected.filter(({ outcome }) => outcome === 'completed').length > count / 2, 'most cases complete');
      assert.ok(expected.filter(({ outcome }) => outcome === 'exception').length > count / 50, 'some cases fault');
      const unexplained = cases.flatMap((c, i) => {
        const line = difference(c, expected[i]!, got[i]!);
        return line === undefined || knownDifference(c, expected[i]!, got[i]!, line) ? [] : [line];
      });
      assert.deepEqual(unexplained, []);
    });
  }

  it('would be seen to differ', async () => {
    const c = new RandomCases(new Random(SEED), INSTRUCTIONS.filter(({ name }) => name === 'ADD')).next();
    const [expected] = await native.run([c]), [got] = emulated.run([c]);
    got!.state.set('r15', got!.state.get('r15') + 1n);
    assert.match(difference(c, expected!, got!) ?? '', /^.* \| ADD .*: r15 expected [0-9a-f]+, got [0-9a-f]+$/);
  });
});
