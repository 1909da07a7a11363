import assert from 'node:assert/strict';
import { RandomCases } from '../fuzz/random-cases.js';
import { differences, explanation, told } from './compare.js';
import { EmulatedOracle } from './emulated.js';
import { comparable } from './features.js';
import { NativeOracle } from './native.js';

const SEED = 2026, BATCH = 5000;

describe('instructions, compared with the native processor', () => {
  let native: NativeOracle, emulated: EmulatedOracle;
  before(async function () {
    this.timeout(30_000);
    native = await NativeOracle.start();
    emulated = new EmulatedOracle();
  });
  after(() => native.stop());

  for (const [bits, count] of [[64, 30_000], [32, 10_000]] as const) {
    it(`do the same in ${count} random cases of ${bits}-bit code`, async function () {
      this.timeout(180_000);
      const source = new RandomCases(comparable(native.features)), unexplained: string[] = [];
      let completed = 0, faulted = 0;
      for (let first = 0; first < count; first += BATCH) {
        const cases = Array.from({ length: BATCH }, (_, i) => source.make(SEED, first + i, bits));
        const expected = await native.run(cases), got = emulated.run(cases);
        cases.forEach((c, i) => {
          if (expected[i]!.outcome === 'completed') completed++;
          if (expected[i]!.outcome === 'exception') faulted++;
          const found = differences(c, expected[i]!, got[i]!);
          if (found.length > 0 && !explanation(c, expected[i]!, got[i]!, found)) unexplained.push(`case ${first + i}: ${told(c, found)}`);
        });
      }
      assert.deepEqual(unexplained, []);
      assert.ok(completed > count / 2, 'most cases complete');
      assert.ok(faulted > count / 50, 'some cases fault');
      assert.ok(completed + faulted > 0.999 * count, 'hardly any is lost');
    });
  }

  it('would be seen to differ in a bit of every part of the state', async () => {
    const c = new RandomCases(comparable(native.features).filter(({ name }) => name === 'ADD')).make(SEED, 0, 64);
    const [expected] = await native.run([c]);
    const wrong = (change: (state: NonNullable<typeof expected>['state']) => void) => {
      const [got] = emulated.run([c]);
      change(got!.state);
      const found = differences(c, expected!, got!);
      assert.equal(explanation(c, expected!, got!, found), undefined);
      return found.map(({ what }) => what).join();
    };
    assert.equal(wrong((s) => { s.set('r15', s.get('r15') ^ 1n); }), 'r15');
    assert.equal(wrong((s) => { s.rflags ^= 1n; }), 'rflags');
    assert.equal(wrong((s) => { s.xmm(3).fill(0xff); }), 'xmm3');
    assert.equal(wrong((s) => { s.ymmHigh(4).fill(0xff); }), 'high ymm4');
    assert.equal(wrong((s) => { s.st(3).fill(0xff); }), 'st3');
    assert.equal(wrong((s) => { s.mxcsr ^= 0x20; }), 'mxcsr');
    assert.equal(wrong((s) => { s.setSelector(4, 0x33); }), 'fs');
    assert.equal(wrong((s) => { s.gsBase ^= 1n << 63n; }), 'GS base');
  });
});
