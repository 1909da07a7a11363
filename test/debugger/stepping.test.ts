import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadImage } from '../../emulator/boot/index.js';
import { createMachine } from '../../emulator/machine/machine.js';
import { Image, Images } from '../../debugger/images.js';
import { Runner, type Plan, type Stop } from '../../debugger/runner.js';
import { runOn, stepInstruction, stepLine, stepOut, type StepContext } from '../../debugger/stepping.js';
import { CALL, CALLEE, HANDLER, LOOP, TICKING } from './ticking.js';
import { SymbolImage } from '../../debugger/symbols/image.js';

const MEMORY = 64 << 20;

/** A machine whose runner goes on at once when it is told to come back later. */
function machineOf(name: string, bytes: Uint8Array, images: Images, stopInInterrupts = false) {
  const machine = createMachine({ memoryBytes: MEMORY, cpus: 1, onSerial() {}, onDebugConsole() {} });
  machine.load(loadImage({ name, bytes, memoryBytes: MEMORY, args: '', modules: [] }));
  let pending: (() => void) | undefined, last: Stop | undefined, slices = 0;
  const runner = new Runner(machine, { breakpoint: () => undefined, event: () => undefined }, { later: (callback) => { pending = callback; }, now: () => performance.now(), stopped: (stop) => { last = stop; }, served: () => { slices++; } });
  const context: StepContext = { machine, runner, images, stopInInterrupts };
  const run = (plan: Plan, pauseAfterSlices = Infinity): Stop => {
    last = undefined;
    const first = slices;
    runner.start(plan);
    while (!last) {
      if (slices - first >= pauseAfterSlices) runner.pause();
      pending!();
    }
    return last;
  };
  return { machine, runner, context, run, cpu: machine.processors[0]! };
}

function ticking(stopInInterrupts = false) {
  const it = machineOf('ticking', TICKING, new Images([]), stopInInterrupts);
  it.machine.breakpoints.set(LOOP);
  assert.equal(it.machine.run(10_000).kind, 'breakpoint');
  it.machine.breakpoints.clear(LOOP);
  return it;
}

describe('steps by instruction', function () {
  this.timeout(60_000);

  it('run through the interrupts that arrive during them', () => {
    const { run, context, runner, cpu } = ticking();
    const seen = new Set<number>();
    for (let count = 0; count < 6000; count++) {
      run(stepInstruction(context, 0, 'into'));
      seen.add(runner.place().rip);
    }
    assert.deepEqual([...seen].sort(), [LOOP, LOOP + 1, CALL, CALL + 3, CALLEE, CALLEE + 1].sort());
    assert.ok((cpu.reg32(2) & 0xffff) > 2, 'the timer ticked');
  });

  it('go into the handlers when that is asked for', () => {
    const { run, context, runner } = ticking(true);
    for (let count = 0; count < 6000 && runner.place().rip !== HANDLER; count++) run(stepInstruction(context, 0, 'into'));
    assert.equal(runner.place().rip, HANDLER);
  });

  it('over a call come back behind it, whatever happens in between', () => {
    const { run, context, runner, cpu } = ticking();
    for (let count = 0; count < 2000; count++) {
      const before = runner.place().rip;
      run(stepInstruction(context, 0, 'over'));
      if (before === CALL) assert.equal(runner.place().rip, CALL + 3);
    }
    assert.ok((cpu.reg32(2) & 0xffff) > 0);
  });

  it('never change what the machine does', () => {
    const reference = ticking();
    const stepped = ticking();
    for (let count = 0; count < 3000; count++) stepped.run(stepInstruction(stepped.context, 0, count % 3 === 0 ? 'over' : 'into'));
    stepped.run(runOn(), 2);
    reference.machine.run(stepped.machine.instructions - reference.machine.instructions);
    assert.equal(reference.machine.instructions, stepped.machine.instructions);
    assert.equal(reference.machine.stateHash(), stepped.machine.stateHash());
  });
});

describe('a run', function () {
  this.timeout(60_000);

  it('can be paused, and stops between two instructions', () => {
    const { run, machine } = ticking();
    const stop = run(runOn(), 3);
    assert.equal(stop.reason, 'pause');
    assert.ok(machine.instructions > 10_000);
  });
});

const file = (name: string): string => fileURLToPath(new URL(`../../labs/first-hypervisor/${name}`, import.meta.url));

function laboratory() {
  const bytes = readFileSync(file('hypervisor.elf'));
  const images = new Images([new Image(SymbolImage.parse('hypervisor.elf', bytes), 'host', 0n), new Image(SymbolImage.parse('guest.elf', readFileSync(file('guest.elf'))), 'guest', 0n)]);
  const it = machineOf('hypervisor.elf', bytes, images);
  const here = (): string => {
    const { world, rip } = it.runner.place();
    const line = images.lineAt(world, BigInt.asUintN(64, BigInt(rip)));
    return `${world} ${images.functionAt(world, BigInt.asUintN(64, BigInt(rip)))?.name} ${line?.file}:${line?.line}`;
  };
  /** To the beginning of a line of one world. */
  const reach = (world: 'host' | 'guest', source: string, line: number): void => {
    const address = Number(images.of(world).flatMap((image) => image.addressesOfLine(source, line))[0]!.address);
    it.machine.breakpoints.set(address);
    for (;;) {
      const reason = it.machine.run(10_000_000);
      assert.equal(reason.kind, 'breakpoint');
      if (it.runner.place().world === world) break;
      it.machine.step(0);
    }
    it.machine.breakpoints.clear(address);
  };
  return { ...it, here, reach };
}

describe('steps across worlds', function () {
  this.timeout(60_000);

  it('over a line of the guest hide what its hypervisor does', () => {
    const { run, context, reach, here, machine } = laboratory();
    reach('guest', 'guest/guest.c', 143);
    const seen: string[] = [];
    const exits = machine.ledger.counts.exits.get(48) ?? 0;
    for (let count = 0; count < 4; count++) {
      run(stepLine(context, 0, 'over'));
      seen.push(here());
    }
    assert.deepEqual(seen, [144, 145, 141, 142].map((line) => `guest touch_fresh_memory guest/guest.c:${line}`));
    assert.equal(machine.ledger.counts.exits.get(48), exits + 1, 'one page was missing in the EPT');
  });

  it('over a line whose stores fault twice, in the guest’s tables and in the EPT, end at the guest’s next line', () => {
    const { run, context, reach, here, machine } = laboratory();
    reach('guest', 'guest/guest.c', 151);
    run(stepLine(context, 0, 'over'));
    assert.match(here(), /^guest use_the_heap guest\/guest\.c:15[23]$/);
    assert.equal(machine.ledger.counts.exceptions.get(14), 4);
  });

  it('into a hypercall arrive in the exit handler, out of it in the guest', () => {
    const { run, context, reach, here } = laboratory();
    reach('guest', 'guest/guest.c', 17);
    run(stepLine(context, 0, 'into'));
    assert.match(here(), /^host vm_enter entry\.S/);
    run(stepOut(context, 0));
    assert.match(here(), /^guest/);
  });

  it('into VMLAUNCH arrive at the guest’s first instruction', () => {
    const { run, context, reach, here } = laboratory();
    reach('host', 'entry.S', 73);
    assert.match(here(), /^host vm_enter/);
    run(stepLine(context, 0, 'into'));
    assert.match(here(), /^guest guest_entry guest\/guest\.S/);
  });

  it('over VMLAUNCH and over the function that contains it come back with the next VM exit', () => {
    const first = laboratory();
    first.reach('host', 'entry.S', 73);
    first.run(stepInstruction(first.context, 0, 'over'));
    assert.match(first.here(), /^host vm_enter entry\.S:83/);
    const second = laboratory();
    second.reach('host', 'main.c', 34);
    second.run(stepLine(second.context, 0, 'over'));
    assert.equal(second.here(), 'host run_guest main.c:35');
  });

  it('out of a page-fault handler resume the faulting line', () => {
    const { run, context, reach, here } = laboratory();
    reach('guest', 'guest/guest.S', 46);
    run(stepOut(context, 0));
    assert.equal(here(), 'guest use_the_heap guest/guest.c:151');
  });
});
