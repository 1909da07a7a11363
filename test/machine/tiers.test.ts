/** The interpreter and the compiled tier are at the same state after the same number of instructions. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { loadImage } from '../../emulator/boot/index.js';
import { gpr, MAP } from '../../emulator/cpu/layout.js';
import { BothTiers, TiersDiffer } from '../../emulator/machine/both-tiers.js';
import type { MachineOptions } from '../../emulator/machine/contract.js';
import { RECORD_BYTES } from '../../emulator/meaning/record.js';
import { FIRST_BLOCK } from '../../emulator/translate/blocks.js';
import { PersonalComputer } from '../../emulator/machine/machine.js';

const MEMORY_BYTES = 64 << 20;
const COMPUTING = ['alu64', 'qsort64', 'sha64', 'simd64', 'mandel64', 'bf32', 'memcpy32', 'sieve64', 'repmovs64', 'vmsha64'];
/** Those that mostly take events run a fraction of it. */
const EVENTFUL = ['pf64', 'smc32', 'syscall64', 'int8032', 'vmcpuid64'];
/** Pieces of a run: some end inside blocks. Compiled code appears after the first few. */
const PIECES = [100_001, 900_007, 1_000_003, 17, 1, 3, 700_001, 1_000_000];
const FRACTION = 20;

const OPTIONS: MachineOptions = { memoryBytes: MEMORY_BYTES, cpus: 1, onSerial: () => undefined, onDebugConsole: () => undefined };
function plan(name: string) {
  const bytes = readFileSync(new URL(`../../bench/guests/out/${name}.elf`, import.meta.url));
  return loadImage({ name, bytes, memoryBytes: MEMORY_BYTES, args: '', modules: [] });
}

function machine(name: string, tier: 'interpreter' | 'compiled'): PersonalComputer {
  const pc = new PersonalComputer({ ...OPTIONS, tier });
  pc.load(plan(name));
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

describe('the code cache', function () {
  this.timeout(120_000);
  const RECORDS = 600, INSTRUCTIONS = 150, SLOTS = 1000;
  it('stays within its limits, and changes nothing', () => {
    for (const name of ['qsort64', 'bf32', 'syscall64']) {
      const narrow = machine(name, 'compiled'), alone = machine(name, 'interpreter'), { blocks, regions, handlers } = narrow.engine;
      blocks.end = FIRST_BLOCK + RECORDS * RECORD_BYTES;
      regions.most = INSTRUCTIONS;
      for (let n = 0; n < 12; n++) {
        assert.deepEqual(narrow.run(200_000), alone.run(200_000));
        assert.ok(regions.compiled <= INSTRUCTIONS || regions.made - regions.dissolved === 1, `${regions.compiled} instructions are compiled`);
        assert.ok(handlers.slotsInUse < SLOTS);
      }
      assert.equal(narrow.stateHash(), alone.stateHash());
      assert.ok(blocks.epoch > 1 || regions.dissolved > 0, `${name}: nothing was given up`);
    }
  });
});

describe('both tiers at once', function () {
  this.timeout(120_000);
  const started = (name: string): BothTiers => {
    const both = new BothTiers(OPTIONS);
    both.load(plan(name));
    assert.deepEqual(both.run(1_500_000), { kind: 'budget' });
    assert.ok(both.compiled.engine.regions.made > 0 && both.interpreted.engine.regions.made === 0);
    return both;
  };

  it('run as one machine', () => {
    const both = started('qsort64'), alone = machine('qsort64', 'interpreter');
    alone.run(1_500_000);
    assert.equal(both.instructions, alone.instructions);
    assert.equal(both.stateHash(), alone.stateHash());
  });
  it('stop where a register differs, and say which', () => {
    const both = started('sha64'), { cpu } = both.compiled;
    cpu.u32[gpr(12) >> 2]! ^= 4;
    assert.throws(() => both.run(1000), (error: Error) => error instanceof TiersDiffer && /^The tiers differ behind instructions 1500000 to \d+, from RIP 0x[0-9a-f]+; interpreted and compiled are R/.test(error.message));
  });
  it('notice memory that differs', () => {
    const both = started('qsort64'), { cpu } = both.compiled;
    cpu.u32[(MAP.guestMemory + 0x3f0_0000) >> 2] = 7;
    assert.throws(() => both.stateHash(), /memory at 0x3f00000 0x0 and 0x7/);
  });
  it('notice an end, and output, that differ', () => {
    const both = started('qsort64');
    both.compiled.chipset.ports.write(0x3f8, 1, 0x41);
    assert.throws(() => both.run(1), /output: none and serial port 1: 65/);
    const other = started('qsort64');
    other.compiled.cpu.rip = 0x3f0_0000;
    assert.throws(() => other.run(1_000_000), TiersDiffer);
  });
});
