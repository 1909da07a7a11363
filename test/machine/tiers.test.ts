/** The interpreter and the compiled tier are at the same state after the same number of instructions. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { loadImage } from '../../emulator/boot/index.js';
import { PersonalComputer } from '../../emulator/machine/machine.js';

const MEMORY_BYTES = 64 << 20;
const COMPUTING = ['alu64', 'qsort64', 'sha64', 'simd64', 'mandel64', 'bf32', 'memcpy32', 'sieve64', 'repmovs64', 'vmsha64'];
/** Those that mostly take events run a fraction of it. */
const EVENTFUL = ['pf64', 'smc32', 'syscall64', 'int8032', 'vmcpuid64'];
/** Pieces of a run: some end inside blocks. Compiled code appears after the first few. */
const PIECES = [100_001, 900_007, 1_000_003, 17, 1, 3, 700_001, 1_000_000];
const FRACTION = 20;

function machine(name: string, tier: 'interpreter' | 'compiled'): PersonalComputer {
  const bytes = readFileSync(new URL(`../../bench/guests/out/${name}.elf`, import.meta.url));
  const pc = new PersonalComputer({ memoryBytes: MEMORY_BYTES, cpus: 1, onSerial: () => undefined, onDebugConsole: () => undefined, tier });
  pc.load(loadImage({ name, bytes, memoryBytes: MEMORY_BYTES, args: '', modules: [] }));
  return pc;
}

describe('tiers', function () {
  this.timeout(120_000);
  for (const name of [...COMPUTING, ...EVENTFUL]) {
    const computes = COMPUTING.includes(name), pieces = computes ? PIECES : PIECES.map((piece) => Math.ceil(piece / FRACTION));
    it(`agree on ${name}`, () => {
      const slow = machine(name, 'interpreter'), fast = machine(name, 'compiled');
      for (const piece of pieces) {
        assert.deepEqual(fast.run(piece), slow.run(piece));
        assert.equal(fast.instructions, slow.instructions);
        assert.equal(fast.cpu.rip, slow.cpu.rip);
      }
      assert.equal(fast.stateHash(), slow.stateHash());
      assert.equal(slow.engine.regions.made, 0);
      if (computes) assert.ok(fast.engine.regions.made > 0, 'nothing was compiled');
    });
  }
});
