import assert from 'node:assert/strict';
import { MMX } from '../../emulator/isa/mmx/index.js';
import { SSE } from '../../emulator/isa/sse/index.js';
import { X87 } from '../../emulator/isa/x87/index.js';
import { FloatCases } from '../fuzz/float-cases.js';
import { Random } from '../fuzz/random-cases.js';
import { EmulatedOracle } from './emulated.js';
import { difference } from './float-compare.js';
import { NativeOracle } from './native.js';

const SEED = 754;
const FAMILIES = { SSE, MMX, X87 } as const;

describe('floating-point and vector instructions, compared with the native processor', () => {
  let native: NativeOracle, emulated: EmulatedOracle;
  before(async function () {
    this.timeout(30_000);
    native = await NativeOracle.start();
    emulated = new EmulatedOracle();
  });
  after(() => native.stop());

  for (const [family, bits, count] of [['SSE', 64, 8000], ['X87', 64, 8000], ['MMX', 64, 2000], ['SSE', 32, 1000], ['X87', 32, 1000]] as const) {
    it(`${family}: the same in ${count} random cases of ${bits}-bit code`, async function () {
      this.timeout(120_000);
      const source = new FloatCases(new Random(SEED), FAMILIES[family], bits);
      const cases = Array.from({ length: count }, () => source.next());
      const expected = await native.run(cases), got = emulated.run(cases);
      assert.ok(expected.filter(({ outcome }) => outcome === 'completed').length > count / 2, 'most cases complete');
      assert.ok(expected.some(({ outcome }) => outcome === 'exception'), 'some fault');
      assert.deepEqual(cases.flatMap((c, i) => difference(c, expected[i]!, got[i]!) ?? []), []);
    });
  }

  it('would be seen to differ in the last bit of a register, and in a flag', async () => {
    const c = new FloatCases(new Random(SEED), X87.filter(({ name }) => name === 'FMUL')).next();
    const [expected] = await native.run([c]), [got] = emulated.run([c]);
    got!.state.fxsave.setUint8(32 + 16 * 3, got!.state.fxsave.getUint8(32 + 16 * 3) ^ 1);
    assert.match(difference(c, expected!, got!) ?? '', /FMUL .*; st3 expected/);
    const [again] = emulated.run([c]);
    again!.state.mxcsr ^= 0x20;
    assert.match(difference(c, expected!, again!) ?? '', /mxcsr expected/);
  });
});
