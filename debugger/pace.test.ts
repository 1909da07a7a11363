import assert from 'node:assert/strict';
import { planBoot } from './boot-files.js';
import { createMachine } from '../emulator/machine/machine.js';
import type { Machine } from '../emulator/machine/contract.js';
import { Pace } from './pace.js';

/** Waits in HLT for COM1's interrupt, and writes what came to the exit port. */
const ECHO = [
  0xfa, 0x31, 0xc0, 0x8e, 0xd8, // cli; xor ax, ax; mov ds, ax
  0xc7, 0x06, 0x30, 0x00, 0x3c, 0x7c, 0xc7, 0x06, 0x32, 0x00, 0x00, 0x00, // the vector of IRQ 4
  0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21, 0xb0, 0xef, 0xe6, 0x21, // the 8259A
  0xba, 0xf9, 0x03, 0xb0, 0x01, 0xee, 0xba, 0xfc, 0x03, 0xb0, 0x08, 0xee, // IER and MCR
  0xfb, 0xf4, 0xba, 0xf8, 0x03, 0xec, 0xe6, 0xf4, 0x90, 0x90, 0x90, // sti; hlt; in al, dx; out 0xf4, al
  0xcf, // iret
];

async function machineWith(code: readonly number[]): Promise<Machine> {
  const sector = new Uint8Array(512);
  sector.set(code);
  sector.set([0x55, 0xaa], 510);
  const { plan, memoryBytes } = await planBoot({ program: 'sector.img', memoryBytes: undefined, commandLine: '', initrd: undefined, modules: [], protocol: undefined },
    { readFile: () => Promise.resolve(sector), exists: () => Promise.resolve(true) });
  const machine = createMachine({ memoryBytes, cpus: 1, onSerial() {}, onDebugConsole() {} });
  machine.load(plan);
  return machine;
}

describe('a machine that waits', () => {
  it('skips a minute, then time passes as outside, until something comes', async () => {
    const machine = await machineWith(ECHO), outside = { now: 0 }, pace = new Pace(() => outside.now);
    assert.deepEqual([pace.run(machine, 1e6), machine.idleNanoseconds], [{ kind: 'paused' }, 60e9]);
    assert.ok(pace.wait > 0);
    outside.now = 20;
    assert.deepEqual([pace.run(machine, 1e6), machine.idleNanoseconds], [{ kind: 'paused' }, 60.02e9]);
    pace.active();
    machine.input(1, Uint8Array.of(7));
    assert.deepEqual([pace.run(machine, 1e6), pace.wait], [{ kind: 'exit', value: 7 }, 0]);
  });

  it('keeps step with the outside while an answer is awaited', async () => {
    const machine = await machineWith(ECHO), outside = { now: 0, busy: true }, pace = new Pace(() => outside.now, () => outside.busy);
    assert.deepEqual([pace.run(machine, 1e6), machine.idleNanoseconds], [{ kind: 'paused' }, 0]);
    outside.now = 3;
    assert.deepEqual([pace.run(machine, 1e6), machine.idleNanoseconds], [{ kind: 'paused' }, 3e6]);
    outside.busy = false;
    assert.deepEqual([pace.run(machine, 1e6), machine.idleNanoseconds], [{ kind: 'paused' }, 60.003e9]);
  });

  it('is halted for ever where nobody can come', async () => {
    assert.deepEqual((await machineWith(ECHO)).run(1e6), { kind: 'halted for ever' });
    assert.deepEqual(new Pace(() => 0).run(await machineWith([0xfa, 0xf4]), 1e6), { kind: 'halted for ever' });
    assert.deepEqual(new Pace(() => 0).run(await machineWith([0xfb, 0xf4]), 1e6), { kind: 'halted for ever' });
  });
});
