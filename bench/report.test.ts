import assert from 'node:assert/strict';
import { GUESTS } from './guests.js';
import { geometricMean, median, outcomeOf, report } from './report.js';
import type { Run } from './report.js';

const guest = (name: string) => GUESTS.find((one) => one.name === name)!;

const RUNS: Run[] = [
  { guest: 'nop64', machine: 'Ringside', userSeconds: 1 },
  { guest: 'alu64', machine: 'Ringside', userSeconds: 3.0001 },
  { guest: 'alu64', machine: 'Ringside', userSeconds: 5.0001 },
  { guest: 'alu64', machine: 'Ringside', userSeconds: 4.0001 },
  { guest: 'nop64', machine: 'QEMU TCG', userSeconds: 0 },
  { guest: 'alu64', machine: 'QEMU TCG', userSeconds: 1 },
  { guest: 'vmcall64', machine: 'Ringside', userSeconds: 1.2 },
  { guest: 'sha64', machine: 'Ringside', userSeconds: 2, failure: 'BAD' },
  { guest: 'sha64', machine: 'QEMU TCG', userSeconds: 2 },
];

describe('the bench\'s report', () => {
  it('takes medians and geometric means', () => {
    assert.equal(median([5, 1, 3]), 3);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.ok(Math.abs(geometricMean([1, 4, 16]) - 4) < 1e-9);
  });

  it('takes off the time of the empty guest', () => {
    assert.equal(Math.round(outcomeOf(RUNS, guest('alu64'), 'Ringside')!.mips), 667);
  });

  it('compares with rivals only where both computed the right thing', () => {
    const text = report(RUNS, [guest('alu64'), guest('sha64'), guest('vmcall64')], [{ machine: 'Ringside' }, { machine: 'QEMU TCG' }, { machine: 'v86', absent: 'missing' }], []);
    assert.match(text, /\| alu64 \| 2000\.1 \| 667 \| 2000 \| missing \| 0\.33× \| {2}\| OK \|/);
    assert.match(text, /\| sha64 \| 1144\.4 \| BAD \| 572 \| missing \| {2}\| {2}\| BAD \|/);
    assert.match(text, /\| QEMU TCG, 64-bit \| 2 \| 1070 \| 0\.33× \|/);
    assert.match(text, /\| vmcall64 \| 1\.00 \|/);
  });
});
