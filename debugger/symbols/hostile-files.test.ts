/** Broken files: every question ends, with an answer or with a SymbolError. */
import assert from 'node:assert/strict';
import { SymbolImage } from './image.js';
import { SymbolError } from './symbol-error.js';
import { compile, PROGRAM, WAYS } from './toolchain.test.js';
import { display, displayVariable, type DisplayedValue, type ValueContext } from './value.js';

const CORRUPTIONS = 1000 / WAYS.length;
const LONGEST_MS = 5000;

/** xorshift32: the same corruptions in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function corrupt(original: Uint8Array, random: (below: number) => number, regions: readonly { start: number; size: number }[]): Uint8Array {
  if (random(10) === 0) return original.slice(0, random(original.length));
  const bytes = original.slice();
  const region = regions[random(regions.length)]!;
  for (let count = 1 + random(8); count > 0; count--) {
    const at = region.start + random(region.size);
    bytes[at] = [0x00, 0xff, 0x7f, 0x80, random(256), bytes[at]! ^ (1 << random(8))][random(6)]!;
  }
  return bytes;
}

/** Asks everything; the questions are independent, as a person's are. */
function interrogate(bytes: Uint8Array, failures: Set<string>): void {
  const attempt = <Result>(question: () => Result): Result | undefined => {
    try {
      return question();
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      assert.match(error.message, /^broken\.elf: ./);
      failures.add(error.message.replaceAll(/\d+|0x[0-9a-f]+/g, 'N'));
      return undefined;
    }
  };
  const image = attempt(() => SymbolImage.parse('broken.elf', bytes));
  if (!image) return;
  const context = (address: bigint): ValueContext => ({
    address,
    register: () => 0x1000n,
    read: (_address, count) => (count > 1 << 20 ? undefined : new Uint8Array(count).fill(0x11)),
    symbolAt: (at) => image.symbolAt(at),
  });
  attempt(() => [...image.symbols()].length);
  for (let step = 0n; step < 0x120n; step += 0x17n) {
    const address = image.entry - 0x100n + step;
    attempt(() => image.functionAt(address));
    attempt(() => image.symbolAt(address));
    attempt(() => image.lineAt(address));
    attempt(() => image.inlinedAt(address));
    attempt(() => image.callerOf(context(address)));
    for (const variable of attempt(() => image.variablesAt(address)) ?? []) attempt(() => open(displayVariable(variable, context(address)), 2));
  }
  attempt(() => image.addressesOfLine('program.c', 50));
  attempt(() => image.linesOf('program.c'));
  for (const variable of attempt(() => image.globals) ?? []) attempt(() => open(displayVariable(variable, context(0n)), 2));
  attempt(() => image.enumerator('GREEN'));
  const type = attempt(() => image.type('struct node'));
  if (type) attempt(() => open(display('node', type, { is: 'memory', address: 0n }, context(0n), 'node'), 3));
}

function open(value: DisplayedValue, depth: number): void {
  if (depth === 0) return;
  for (const child of value.children(0, 3)) open(child, depth - 1);
}

describe('broken files', () => {
  for (const [index, way] of WAYS.entries()) {
    it(`${CORRUPTIONS} corruptions of a program built with ${way.join(' ')} cause nothing but SymbolError`, function () {
      this.timeout(120_000);
      const { bytes } = compile('program.c', PROGRAM, ...way, '-Wl,--build-id=none');
      const random = generator(0x9e3779b9 + index);
      const whole = [{ start: 0, size: bytes.length }, { start: 0, size: 64 }];
      const regions = [...whole, ...debugSections(bytes)];
      const failures = new Set<string>();
      interrogate(bytes, failures);
      assert.deepEqual([...failures], [], 'the whole file answers every question');
      for (let count = 0; count < CORRUPTIONS; count++) {
        const broken = corrupt(bytes, random, regions);
        const started = performance.now();
        try {
          interrogate(broken, failures);
        } catch (error) {
          throw new Error(`corruption ${count} caused something else than a SymbolError`, { cause: error });
        }
        assert.ok(performance.now() - started < LONGEST_MS, `corruption ${count} took longer than ${LONGEST_MS} ms`);
      }
      assert.ok(failures.size > 10, `only ${failures.size} different faults were found`);
    });
  }

  const refused: readonly [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(0), /is not an ELF file/],
    ['a text', new TextEncoder().encode('hello, world'), /is not an ELF file/],
    ['a big-endian file', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 2, 1), /not little-endian/],
    ['a header alone', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1), /ELF header/],
  ];
  for (const [what, bytes, message] of refused) {
    it(`${what} is refused with the reason`, () => {
      assert.throws(() => SymbolImage.parse('broken.elf', bytes), (error) => error instanceof SymbolError && message.test(error.message));
    });
  }

  it('an object file and a compressed section are refused by name', () => {
    const { bytes } = compile('program.c', PROGRAM, '-gz');
    assert.throws(() => SymbolImage.parse('z.elf', bytes).sourceFiles(), /z\.elf: not implemented: compressed sections \(\.debug_\w+ is SHF_COMPRESSED\)/);
    assert.match(SymbolImage.parse('z.elf', bytes).debugInfoFault()!.message, /SHF_COMPRESSED/);
    const symbolsOnly = SymbolImage.parse('z.elf', bytes, { debugInfo: false });
    assert.equal(symbolsOnly.debugInfoFault(), undefined);
    assert.equal(symbolsOnly.functionAt(symbolsOnly.entry)?.name, '_start');
    const object = bytes.slice();
    object[16] = 1;
    assert.throws(() => SymbolImage.parse('o.elf', object), /not implemented: relocatable object files/);
  });
});

function debugSections(bytes: Uint8Array): { start: number; size: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[4] === 2;
  const table = wide ? Number(view.getBigUint64(40, true)) : view.getUint32(32, true);
  const [entrySize, count] = wide ? [64, view.getUint16(60, true)] : [40, view.getUint16(48, true)];
  const sections = Array.from({ length: count }, (_, index) => {
    const at = table + index * entrySize;
    return wide
      ? { start: Number(view.getBigUint64(at + 24, true)), size: Number(view.getBigUint64(at + 32, true)) }
      : { start: view.getUint32(at + 16, true), size: view.getUint32(at + 20, true) };
  });
  return [...sections.filter(({ start, size }) => size > 0 && start + size <= bytes.length), { start: table, size: count * entrySize }];
}
