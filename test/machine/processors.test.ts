/** Several processors: started by INIT and SIPI, taking turns, in the same way however the run is cut into pieces. */
import assert from 'node:assert/strict';
import { loadImage } from '../../emulator/boot/index.js';
import { MAP } from '../../emulator/cpu/layout.js';
import { ACTIVITY } from '../../emulator/cpu/modes.js';
import type { StopReason } from '../../emulator/machine/contract.js';
import { PersonalComputer } from '../../emulator/machine/machine.js';

const MEMORY = 4 << 20, CODE = 0x100000, CPUS = 4;
/** The first copies the last part to 8000H, sends INIT and start-up 08H to all others, waits for three in 9000H and writes 9008H to the exit port. */
const PROGRAM = Uint8Array.from(
  ('be3a001000bf00800000b919000000f3a4c7050003e0fe00450c00c7050003e0fe08460c00'
    + 'f390833d009000000375f5a108900000e6f4f4ebfd'
    // Each of the others: 1,000 times LOCK INC of 9008H, then of 9000H, and CLI, HLT for ever.
    + '31c08ed8b9e803f066ff060890e2f8f066ff060090faf4ebfc').match(/../g)!.map((byte) => parseInt(byte, 16)),
);
const INCREMENTS = 3 * 1000;

function machine(quantum?: number): PersonalComputer {
  const pc = new PersonalComputer({ memoryBytes: MEMORY, cpus: CPUS, ...(quantum && { quantum }), onSerial: () => undefined, onDebugConsole: () => undefined });
  pc.load(loadImage({ name: 'processors', bytes: PROGRAM, memoryBytes: MEMORY, args: '', modules: [], flat: { address: CODE, mode: 'protected32' } }));
  return pc;
}
function finish(pc: PersonalComputer, slice = 1_000_000): StopReason {
  for (;;) {
    const reason = pc.run(slice);
    if (reason.kind !== 'budget') return reason;
    assert.ok(pc.instructions < 1_000_000, 'it ends');
  }
}
const word = (pc: PersonalComputer, at: number) => pc.processors[0]!.view.getUint32(MAP.guestMemory + at, true);

describe('several processors', () => {
  it('wait for a start-up message, run, and count what each has retired', () => {
    const pc = machine();
    assert.deepEqual(pc.processors.map(({ activity }) => activity), [ACTIVITY.active, ACTIVITY.waitForSipi, ACTIVITY.waitForSipi, ACTIVITY.waitForSipi]);
    assert.deepEqual(finish(pc), { kind: 'exit', value: INCREMENTS & 0xff });
    assert.equal(word(pc, 0x9008), INCREMENTS);
    assert.deepEqual(pc.processors.map(({ activity }) => activity), [ACTIVITY.active, ACTIVITY.HLT, ACTIVITY.HLT, ACTIVITY.HLT]);
    const counts = pc.processors.map((cpu) => cpu.instructionCount());
    assert.equal(counts.reduce((sum, count) => sum + count), pc.instructions);
    for (const count of counts.slice(1)) assert.equal(count, 3 + 2000 + 3);
  });

  for (const quantum of [1, 7, 500]) {
    it(`lose no increment with turns of ${quantum} instructions`, () => {
      const pc = machine(quantum);
      assert.equal(finish(pc).kind, 'exit');
      assert.equal(word(pc, 0x9008), INCREMENTS);
    });
  }

  it('end alike whole, in pieces, looked at, stepped, and from a snapshot', () => {
    const whole = machine(100);
    finish(whole);
    const hash = whole.stateHash();

    const pieces = machine(100);
    finish(pieces, 37);
    assert.equal(pieces.stateHash(), hash);

    const watched = machine(100);
    for (let n = 0; n < 50; n++) {
      watched.run(61);
      assert.deepEqual(watched.processors.map(({ id }) => id), [0, 1, 2, 3]);
      watched.step(n % CPUS);
      watched.stateHash();
    }
    finish(watched);
    assert.equal(watched.stateHash(), hash);

    const before = machine(100), after = machine(100);
    before.run(2345);
    after.restore(before.save());
    assert.equal(after.stateHash(), before.stateHash());
    finish(after);
    assert.equal(after.stateHash(), hash);
  });

  it('step the one that is asked for', () => {
    const pc = machine(100);
    pc.run(200);
    for (const number of [1, 3, 2, 1]) {
      const count = pc.processors[number]!.instructionCount();
      assert.equal(pc.step(number).kind, 'budget');
      assert.equal(pc.current, number);
      assert.equal(pc.processors[number]!.instructionCount(), count + 1);
    }
  });

  it('are refused beyond sixteen', () => {
    assert.throws(() => new PersonalComputer({ memoryBytes: MEMORY, cpus: 17, onSerial: () => undefined, onDebugConsole: () => undefined }), /17 processors/);
  });
});
