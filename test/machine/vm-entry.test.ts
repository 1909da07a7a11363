import assert from 'node:assert/strict';
import { RandomEntries } from '../fuzz/random-entries.js';

const SEED = 2026, ENTRIES = 2000;

describe('VM entry', () => {
  it(`succeeds or fails by the rule that comes first, for ${ENTRIES} random VMCSs`, function () {
    this.timeout(120_000);
    const source = new RandomEntries(), rules = new Set<string>(), faults: string[] = [];
    let entered = 0;
    for (let n = 0; n < ENTRIES; n++) {
      const { rule, fault } = source.enter(SEED, n);
      if (rule === undefined) entered++; else rules.add(rule);
      if (fault !== undefined) faults.push(`entry ${n}: ${fault}`);
    }
    assert.deepEqual(faults, []);
    assert.ok(entered > ENTRIES / 5, `${entered} entries succeed`);
    assert.ok(rules.size > 100, `${rules.size} rules are met`);
  });
});
