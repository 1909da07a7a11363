import assert from 'node:assert/strict';
import { tally } from './tally.mjs';

describe('the sum of all suites', () => {
  const known = [{ test: 'a b', reason: 'the manual is silent' }];
  it('counts', () => {
    const { passed, failed, leftOut } = tally([{ title: 'x', outcome: 'passed' }, { title: 'y', outcome: 'failed', error: 'no' }, { title: 'z', outcome: 'left out' }], []);
    assert.deepEqual([passed, failed.length, leftOut.length], [1, 1, 1]);
  });
  it('takes a known failure as expected', () => {
    const { passed, failed } = tally([{ title: 'a b', outcome: 'failed', error: 'no' }], known);
    assert.deepEqual([passed, failed.length], [1, 0]);
  });
  it('fails when a known failure passes', () => {
    const { passed, failed } = tally([{ title: 'a b', outcome: 'passed' }], known);
    assert.deepEqual([passed, failed.length], [0, 1]);
    assert.match(failed[0]!.error!, /remove it from the list/);
  });
  it('fails when a known failure is gone', () => {
    const { failed } = tally([], known);
    assert.match(failed[0]!.error!, /no such test/);
  });
});
