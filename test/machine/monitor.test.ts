/** MONITOR and MWAIT: a processor sleeps until another stores to the line, or until an interrupt comes. */
import assert from 'node:assert/strict';
import { loadImage } from '../../emulator/boot/index.js';
import { MAP } from '../../emulator/cpu/layout.js';
import { ACTIVITY } from '../../emulator/cpu/modes.js';
import { PersonalComputer } from '../../emulator/machine/machine.js';

const MEMORY = 4 << 20, CODE = 0x100000, FLAG = 0x9000, WAITS = 0x9004;
/**
 * The first processor starts the second, waits until it is about to wait, runs LOOP 20,000 times, stores 7 to the line at 9040H, and writes what the second
 * read there to the exit port. The second, in real-address mode, counts its waits in 9004H.
 */
const PAIR = 'be56001000bf00800000b955000000f3a4c7050003e0fe00450c00c7050003e0fe08460c00f390833d009000000175f5b9204e0000e2fec7054090000007000000f390833d0090000002'
  + '75f5a108900000e6f4f4ebfd31c08ed866b8409000006631c96631d2670f01c866c7060090010000006631c066ff0604900f01c966833e4090077410665066b840900000670f01c86658ebe0'
  + '66a1409066a3089066c706009002000000faf4ebfd';
/** XOR EAX, XOR ECX, XOR EDX, MONITOR, STI, MWAIT, then 5 to the exit port; without a timer nothing ends the wait. */
const ALONE = '31c031c931d20f01c8fb0f01c9b005e6f4f4';
/** CLI in place of STI, and ECX = 1 for MWAIT. */
const INTERRUPTIBLE = '31c031c931d20f01c8fa410f01c9b005e6f4f4';

function machine(program: string, cpus: number, quantum?: number): PersonalComputer {
  const bytes = Uint8Array.from(program.match(/../g)!.map((byte) => parseInt(byte, 16)));
  const pc = new PersonalComputer({ memoryBytes: MEMORY, cpus, ...(quantum && { quantum }), onSerial: () => undefined, onDebugConsole: () => undefined });
  pc.load(loadImage({ name: 'monitor', bytes, memoryBytes: MEMORY, args: '', modules: [], flat: { address: CODE, mode: 'protected32' } }));
  return pc;
}
const word = (pc: PersonalComputer, at: number) => pc.processors[0]!.view.getUint32(MAP.guestMemory + at, true);

describe('MONITOR and MWAIT', () => {
  for (const quantum of [1, 50, 10_000]) {
    it(`wait for the store of another processor, with turns of ${quantum} instructions`, () => {
      const pc = machine(PAIR, 2, quantum);
      assert.deepEqual(pc.run(200_000), { kind: 'exit', value: 7 });
      assert.equal(word(pc, WAITS), 1, 'nothing else ends the wait');
      assert.equal(word(pc, FLAG), 2);
    });
  }

  it('wait for ever when nothing can come', () => {
    const pc = machine(ALONE, 1);
    pc.run(1000);
    assert.equal(pc.cpu.activity, ACTIVITY.HLT);
  });

  it('go on after a store from outside', () => {
    const pc = machine(ALONE, 1);
    pc.run(1000);
    pc.cpu.u8[MAP.guestMemory + 0x3f] = 1;
    assert.deepEqual(pc.run(1000), { kind: 'exit', value: 5 });
  });

  it('go on at an interrupt that IF holds back, when ECX asks for it', () => {
    const pc = machine(INTERRUPTIBLE, 1);
    pc.run(1000);
    assert.equal(pc.cpu.activity, ACTIVITY.HLT);
    pc.cpu.interruptRequested = () => true;
    assert.deepEqual(pc.run(1000), { kind: 'exit', value: 5 });
  });
});
