/** Breakpoints at the machine's own level: what they stop, and what they leave alone. */
import assert from 'node:assert/strict';
import type { PersonalComputer } from '../../emulator/machine/machine.js';
import { flatGuest, start } from './guests.js';

const BASE = 0x1000, LOOP = BASE + 5, PAGE = 0x1000;
/** mov ecx, 100000; add eax, ecx; dec ecx; jnz -5; hlt */
const machineOf = (): PersonalComputer => start(flatGuest('loop', 'b9a0860100 01c8 49 75fb f4')).machine;
const INSTRUCTIONS = 300_000;

/** How often the run loop had to look around. */
function looksOf(machine: PersonalComputer): number {
  const { engine } = machine, run = engine.run.bind(engine);
  let looks = 0;
  engine.run = (...args) => {
    looks++;
    return run(...args);
  };
  assert.equal(machine.run(INSTRUCTIONS).kind, 'budget');
  return looks;
}

describe('breakpoints', () => {
  it('stop where they are, and at each pass', () => {
    const machine = machineOf();
    machine.breakpoints.set(LOOP);
    for (const count of [1, 4, 7]) {
      assert.deepEqual(machine.run(100), { kind: 'breakpoint', linear: LOOP });
      assert.equal(machine.instructions, count);
      machine.step(0);
    }
    machine.breakpoints.clear(LOOP);
    assert.equal(machine.run(100).kind, 'budget');
  });

  it('do not hold up code at the same offset of another page', () => {
    const machine = machineOf(), alone = machineOf();
    for (let n = 1; n <= 8; n++) machine.breakpoints.set(LOOP + n * PAGE);
    const expected = looksOf(alone);
    assert.ok(looksOf(machine) <= expected + 8, 'the loop runs without anybody looking');
    assert.equal(machine.stateHash(), alone.stateHash());
  });

  it('may be thousands', () => {
    const machine = machineOf();
    for (let n = 0; n < 2000; n++) machine.breakpoints.set(0x100000 + n * PAGE + (LOOP & 0xfff));
    assert.equal(machine.run(50).kind, 'budget');
    machine.breakpoints.set(LOOP);
    assert.equal(machine.run(50).kind, 'breakpoint');
  });
});
