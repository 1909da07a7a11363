/** The quick workloads of bench/ compute what they must. The slow ones are checked where they are measured. */
import assert from 'node:assert/strict';
import { GUESTS, vmExitsOf } from '../../bench/guests.js';
import { benchGuest, start } from '../machine/guests.js';

/** Instructions a quick guest may take; those that trap at every few instructions take longer and are not here. */
const MOST_INSTRUCTIONS = 20_000_000;
const quick = GUESTS.filter(({ instructions }) => instructions < MOST_INSTRUCTIONS);

describe('guests of the benchmark', function () {
  this.timeout(120_000);

  it('are of both widths, with and without VMX', () => {
    for (const wanted of ['nop32', 'nop64', 'io32', 'io64', 'smc32', 'smc64', 'vmcpuid64', 'vmcall64', 'vmhlt64']) assert.ok(quick.some(({ name }) => name === wanted), wanted);
  });

  for (const guest of quick) {
    it(`${guest.name} prints its checksum and ends`, () => {
      const { machine, output } = start(benchGuest(guest.name));
      assert.deepEqual(machine.run(2 * guest.instructions), { kind: 'exit', value: 0 });
      const title = guest.name.slice(0, -2);
      assert.equal(output(), `${title} begin\n${title} checksum=${guest.checksum}\nDONE\n`);
      const exits = machine.ledger.counts.kinds['VM exit'] ?? 0, least = vmExitsOf(guest) ?? 0;
      assert.ok(exits >= least && exits <= least + 2, `${exits} VM exits`);
    });
  }
});
