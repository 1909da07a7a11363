/** Events that generated code performs and records by itself: the machine and its ledger are what TypeScript makes of them. */
import assert from 'node:assert/strict';
import type { PersonalComputer } from '../../emulator/machine/machine.js';
import { benchGuest, start } from './guests.js';

/** Past the guest's start, into its loop of page faults. */
const START = 110_000, MORE = 60_000, STEPS = 400;

function events(machine: PersonalComputer): unknown[] {
  return machine.ledger.page(0, 300).rows.map(({ number, event: { says, ...event } }) => ({ number, ...event, says: says() }));
}
/** Whoever waits for events keeps them in TypeScript. */
function inTypeScript(machine: PersonalComputer): void {
  for (const kind of ['exception', 'TLB flush'] as const) machine.conditions.add({ kind, test: () => false });
}

describe('plain cases', function () {
  this.timeout(120_000);
  for (const tier of ['interpreter', 'compiled'] as const) {
    it(`of page faults and INVLPG are recorded as TypeScript records them (${tier})`, () => {
      const plain = start(benchGuest('pf64'), { tier }).machine, reference = start(benchGuest('pf64'), { tier }).machine;
      inTypeScript(reference);
      for (const machine of [plain, reference]) machine.run(START + MORE);
      assert.ok((plain.ledger.counts.exceptions.get(14) ?? 0) > 1000);
      assert.deepEqual(events(plain), events(reference));
      assert.deepEqual(plain.ledger.counts, reference.ledger.counts);
      assert.equal(plain.stateHash(), reference.stateHash());
    });
  }

  it('may be stepped through', () => {
    const run = start(benchGuest('pf64')).machine, stepped = start(benchGuest('pf64')).machine;
    for (const machine of [run, stepped]) machine.run(START);
    while (stepped.instructions < START + STEPS) stepped.step(0);
    run.run(STEPS);
    assert.deepEqual(events(stepped), events(run));
    assert.equal(stepped.stateHash(), run.stateHash());
  });

  it('stop before the fault where somebody asks for it, and once', () => {
    const { machine } = start(benchGuest('pf64')), condition = { kind: 'exception' } as const;
    machine.run(START);
    const before = machine.ledger.counts.exceptions.get(14) ?? 0;
    machine.conditions.add(condition);
    const stop = machine.run(MORE);
    assert.equal(stop.kind, 'event');
    machine.conditions.delete(condition);
    assert.equal(machine.ledger.counts.exceptions.get(14), before + 1);
    machine.run(1);
    assert.equal(machine.ledger.counts.exceptions.get(14), before + 1, 'met again, it is not recorded again');
  });
});
