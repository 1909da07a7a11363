import assert from 'node:assert/strict';
import { S } from './layout.js';
import { SSE_CONVERSION_OPERATIONS } from './sse-conversions.js';
import { TestProcessor } from './test-processor.js';

const cpu = new TestProcessor();
function scalar(name: string, x: number): number {
  cpu.view.setFloat32(S.args, x, true);
  SSE_CONVERSION_OPERATIONS[name]!(cpu);
  return cpu.view.getFloat32(S.args, true);
}
/** "Relative Error ≤ 1.5 ∗ 2^-12". */
const ALLOWED = 1.5 * 2 ** -12;

describe('RCPSS and RSQRTSS', () => {
  it('stay within the error that the manual allows', () => {
    for (let i = 1; i < 20_000; i++) {
      const x = Math.fround(i * 1.37 ** (i % 80 - 40));
      for (const [name, exact] of [['RCPSS', 1 / x], ['RSQRTSS', 1 / Math.sqrt(x)]] as const) {
        const got = scalar(name, x);
        assert.ok(Math.abs(got / exact - 1) <= ALLOWED, `${name} of ${x}: ${got}, not near ${exact}`);
      }
    }
  });
  it('treat denormals as zeros, and do not signal', () => {
    cpu.u32[S.mxcsr >> 2] = 0;
    assert.equal(scalar('RCPSS', 1e-40), Infinity);
    assert.equal(scalar('RCPSS', -1e-40), -Infinity);
    assert.ok(Object.is(scalar('RCPSS', -Infinity), -0));
    assert.equal(scalar('RCPSS', 3e38), 0, 'a tiny result becomes zero');
    assert.ok(Number.isNaN(scalar('RSQRTSS', -1)));
    assert.equal(scalar('RSQRTSS', Infinity), 0);
    assert.equal(cpu.low(S.mxcsr), 0);
  });
});
