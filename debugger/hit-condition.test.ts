import assert from 'node:assert/strict';
import { readHitCondition } from './hit-condition.js';

const stops = (text: string): number[] => {
  const condition = readHitCondition(text);
  return [1, 2, 3, 4, 5, 6, 7, 8].filter(condition);
};

describe('hit conditions', () => {
  it('count', () => {
    assert.deepEqual(stops('5'), [5, 6, 7, 8]);
    assert.deepEqual(stops('>5'), [6, 7, 8]);
    assert.deepEqual(stops('>= 5'), [5, 6, 7, 8]);
    assert.deepEqual(stops('==3'), [3]);
    assert.deepEqual(stops('= 3'), [3]);
    assert.deepEqual(stops('%4'), [4, 8]);
    assert.deepEqual(stops('<3'), [1, 2]);
    assert.deepEqual(stops('<=3'), [1, 2, 3]);
  });

  it('say what they may be', () => {
    assert.throws(() => readHitCondition('often'), /"often" is none of 5, >5/);
    assert.throws(() => readHitCondition('%0'), /never/);
  });
});
