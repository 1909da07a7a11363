import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadImage } from '../emulator/boot/index.js';
import { createMachine } from '../emulator/machine/machine.js';
import { Image, Images } from './images.js';
import { SymbolImage } from './symbols/image.js';
import { unwind } from './unwinder.js';

const file = (name: string): string => fileURLToPath(new URL(`../labs/first-hypervisor/${name}`, import.meta.url));
const MEMORY = 64 << 20;

/** The symbols of a program that was built without call frame information. */
const withoutFrames = (symbols: SymbolImage): SymbolImage =>
  new Proxy(symbols, { get: (target, name) => (name === 'canUnwind' ? () => false : name === 'inlinedAt' ? () => [] : typeof target[name as keyof SymbolImage] === 'function' ? (target[name as keyof SymbolImage] as () => unknown).bind(target) : target[name as keyof SymbolImage]) });

describe('unwinding', function () {
  this.timeout(60_000);

  const bytes = readFileSync(file('hypervisor.elf'));
  const symbols = { hypervisor: SymbolImage.parse('hypervisor.elf', bytes), guest: SymbolImage.parse('guest.elf', readFileSync(file('guest.elf'))) };

  function stacksAt(name: string, images: Images): string[][] {
    const machine = createMachine({ memoryBytes: MEMORY, cpus: 1, onSerial() {}, onDebugConsole() {} });
    machine.load(loadImage({ name: 'hypervisor.elf', bytes, memoryBytes: MEMORY, args: '', modules: [] }));
    machine.breakpoints.set(Number(images.named(name)[0]!.address));
    assert.equal(machine.run(10_000_000).kind, 'breakpoint');
    const stacks: string[][] = [];
    for (let count = 0; count < 3; count++) {
      stacks.push(unwind(machine.processors[0]!, images).map((frame) => (frame.is === 'label' ? `«${frame.name}»` : frame.name)));
      machine.step(0);
    }
    return stacks;
  }

  it('by frame pointers finds the callers through the whole prologue', () => {
    const images = new Images([new Image(withoutFrames(symbols.hypervisor), 'host', 0n)]);
    for (const stack of stacksAt('host!vmx_enable', images)) assert.deepEqual(stack.slice(0, 2), ['vmx_enable', 'main']);
  });

  it('by call frame information finds the same', () => {
    const images = new Images([new Image(symbols.hypervisor, 'host', 0n)]);
    for (const stack of stacksAt('host!vmx_enable', images)) assert.deepEqual(stack, ['vmx_enable', 'main', 'start64']);
  });

  it('goes on behind a VM exit with the guest’s frames, by frame pointers too', () => {
    const images = new Images([new Image(symbols.hypervisor, 'host', 0n), new Image(withoutFrames(symbols.guest), 'guest', 0n)]);
    const [stack] = stacksAt('host!handle_exit', images);
    assert.deepEqual(stack!.slice(0, 5), ['handle_exit', 'run_guest', 'main', 'start64', '«VM exit: I/O instruction»']);
    assert.equal(stack![5], 'guest_main');
  });

  it('without any symbols still says where it is', () => {
    const machine = createMachine({ memoryBytes: MEMORY, cpus: 1, onSerial() {}, onDebugConsole() {} });
    machine.load(loadImage({ name: 'hypervisor.elf', bytes, memoryBytes: MEMORY, args: '', modules: [] }));
    machine.run(1000);
    assert.match(unwind(machine.processors[0]!, new Images([]))[0]!.name, /^0x10[0-9a-f]+$/);
  });
});
