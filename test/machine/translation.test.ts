/** Blocks beside the WebAssembly made of them. */
import assert from 'node:assert/strict';
import { MAP } from '../../emulator/cpu/layout.js';
import type { PersonalComputer } from '../../emulator/machine/machine.js';
import type { Translation } from '../../emulator/observe/translation.js';
import { translationData, translationText } from '../../debugger/translation.js';
import { benchGuest, start } from './guests.js';

/** Where the guests' code is flat and mapped to itself. */
const isCodeOf = (machine: PersonalComputer, { linear, instructions }: Translation) =>
  instructions.reduce((at, { linear: next, bytes }) => {
    assert.equal(next, at);
    assert.deepEqual(bytes, machine.cpu.u8.slice(MAP.guestMemory + at, MAP.guestMemory + at + bytes.length));
    return at + bytes.length;
  }, linear);

describe('a translation', function () {
  this.timeout(60_000);
  const ran = (name: string, tier: 'interpreter' | 'compiled', instructions: number): PersonalComputer => {
    const { machine } = start(benchGuest(name), { tier });
    machine.run(instructions);
    return machine as PersonalComputer;
  };

  it('shows compiled code, registers by name', () => {
    const machine = ran('alu64', 'compiled', 3_000_000), translation = machine.translation(machine.cpu.rip)!;
    isCodeOf(machine, translation);
    assert.equal(translation.tier, 'compiled');
    assert.ok(translation.samples > 1 && translation.wasmBytes > 100);
    assert.ok(translation.instructions.every(({ wasm }) => wasm.length > 0));
    assert.match(translationText(translationData(machine, translation.linear)), /^The block at 0x10\w+ is compiled into one function of \d+ blocks?; \d+ bytes of WebAssembly; met in \d+ samples\.\n\n0x10\w+ {2}\w+ .*\(.*\)\n {4}local\.get \$R/);
    assert.deepEqual(machine.translation(translation.instructions[1]!.linear), translation);
  });
  it('shows handlers, which read records', () => {
    const machine = ran('alu64', 'interpreter', 3_000_000), translation = machine.translation(machine.cpu.rip)!;
    isCodeOf(machine, translation);
    assert.equal(translation.tier, 'interpreted');
    assert.ok(translation.instructions.every(({ wasm }) => wasm[0] === 'local.get $record' || wasm[0]!.startsWith('i32.const')));
  });
  it('tells code that is checked', () => {
    const machine = ran('smc64', 'compiled', 300_000);
    for (let n = 0; n < 20 && machine.translation(machine.cpu.rip)?.tier !== 'checked'; n++) machine.run(1);
    assert.equal(machine.translation(machine.cpu.rip)?.tier, 'checked');
  });
  it('is absent where nothing ran', () => {
    assert.equal(translationText(translationData(ran('nop64', 'compiled', 1000), 0x3000000)), 'Nothing has been translated there in the present mode, or only across the end of a page.');
  });
});
