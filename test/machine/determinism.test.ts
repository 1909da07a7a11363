import assert from 'node:assert/strict';
import { MAP } from '../../emulator/cpu/layout.js';
import type { StopReason } from '../../emulator/machine/contract.js';
import type { PersonalComputer } from '../../emulator/machine/machine.js';
import { Random } from '../fuzz/random.js';
import { benchGuest, flatGuest, type Guest, start, TICKING } from './guests.js';

const SEED = 2026;
const TICKING_WHOLE = 2_500_000;
/** Instructions of each: those that live in TypeScript run fewer. All have left their start-up code behind. */
const BENCH = { qsort64: 2_000_000, repmovs32: 2_000_000, pf64: 1_000_000, vmcpuid64: 1_000_000, int8064: 500_000, smc64: 400_000 };
const TICKING_LENGTH = 154;

/** Where a run ends, whatever way it went. */
interface End { readonly instructions: number; readonly stop: string; readonly hash: string }
const endOf = (machine: PersonalComputer, stop: StopReason): End => ({ instructions: machine.instructions, stop: stop.kind, hash: machine.stateHash() });

/** Runs to `total` instructions in one go. */
function straight(guest: Guest, total: number): End {
  const { machine } = start(guest);
  return endOf(machine, machine.run(total));
}

/** The same with everything in between that a user can do. */
type Way = (machine: PersonalComputer, left: number, random: Random) => StopReason;
function piecewise(guest: Guest, total: number, way: Way, seed = SEED): End {
  const random = new Random(seed), { machine } = start(guest);
  return finish(machine, total, way, random);
}
function finish(machine: PersonalComputer, total: number, way: Way, random: Random): End {
  let stop: StopReason = { kind: 'budget' };
  while (machine.instructions < total && (stop.kind === 'budget' || stop.kind === 'breakpoint' || stop.kind === 'paused')) stop = way(machine, total - machine.instructions, random);
  return endOf(machine, stop);
}

const pauses: Way = (machine, left, random) => machine.run(Math.min(left, 1 + random.below(random.pick([3, 40, 1000, 50_000]))));
const steps: Way = (machine, left, random) => {
  for (let n = random.below(60); n > 0 && left > 1; n--, left--) {
    const stop = machine.step(0);
    if (stop.kind !== 'budget') return stop;
  }
  return machine.run(Math.min(left, 1 + random.below(20_000)));
};
/** A breakpoint where the machine happens to be, met again a few times and cleared; then a stretch without. */
const breakpoints: Way = (machine, left, random) => {
  const end = machine.instructions + left;
  machine.breakpoints.set(machine.engine.linearRip());
  let stop = machine.step(0);
  for (let hits = random.below(4); stop.kind === 'budget' && machine.instructions < end && hits >= 0; hits--) {
    stop = machine.run(Math.min(end - machine.instructions, 1 + random.below(30_000)));
    if (stop.kind === 'breakpoint') stop = machine.step(0);
  }
  for (const linear of machine.breakpoints.list()) machine.breakpoints.clear(linear);
  return stop.kind === 'budget' && machine.instructions < end ? machine.run(Math.min(end - machine.instructions, 1 + random.below(60_000))) : stop;
};

const GUESTS: readonly (readonly [Guest, number])[] = [
  [flatGuest('ticking', TICKING), TICKING_WHOLE],
  ...Object.entries(BENCH).map(([name, total]) => [benchGuest(name), total] as const),
];

describe('the machine is a function of its image and the count of instructions', function () {
  this.timeout(120_000);

  it('has the guest that ticks whole', () => {
    assert.equal(TICKING.replace(/\s+/g, '').length, 2 * TICKING_LENGTH);
    const { machine } = start(flatGuest('ticking', TICKING));
    assert.equal(machine.run(10_000_000).kind, 'halted for ever');
    assert.equal(machine.cpu.u32[(MAP.guestMemory + 0x8000) >> 2], 60);
  });

  for (const [guest, total] of GUESTS) {
    describe(guest.name, () => {
      let expected: End;
      before(() => { expected = straight(guest, total); });

      it('ends alike when run twice', () => { assert.deepEqual(straight(guest, total), expected); });
      it('ends alike when paused at random', () => { assert.deepEqual(piecewise(guest, total, pauses), expected); });
      it('ends alike when stepped through now and then', () => { assert.deepEqual(piecewise(guest, total, steps), expected); });
      it('ends alike with breakpoints on its way', () => { assert.deepEqual(piecewise(guest, total, breakpoints), expected); });
      it('goes on alike from a snapshot in a fresh machine', () => {
        const random = new Random(SEED), at = 1 + random.below(total - 1);
        const { machine } = start(guest);
        machine.run(at);
        const saved = machine.save(), hash = machine.stateHash();
        const { machine: other } = start(guest);
        other.run(random.below(10_000));
        other.restore(saved);
        assert.equal(other.stateHash(), hash);
        assert.deepEqual(finish(other, total, pauses, random), expected);
        assert.deepEqual(finish(machine, total, pauses, random), expected);
      });
    });
  }
});
