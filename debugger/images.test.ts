import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Image, Images, linearNumber, unsignedAddress } from './images.js';
import { Sources } from './sources.js';
import { SymbolImage } from './symbols/image.js';

const file = fileURLToPath(new URL('../labs/first-hypervisor/guest.elf', import.meta.url));
const symbols = SymbolImage.parse(file, readFileSync(file));

describe('images', () => {
  const base = 0xffffffff80000000n;
  const plain = new Image(symbols, 'guest', 0n), moved = new Image(symbols, 'guest', base);

  it('are moved by their base', () => {
    const address = symbols.symbol('guest_main')!;
    const images = new Images([moved]);
    assert.equal(images.describe('guest', address + base + 4n), 'guest_main+0x4');
    assert.equal(images.describe('guest', address), undefined);
    assert.equal(moved.functionAt(address + base)!.start, address + base);
    assert.equal(moved.lineAt(address + base)!.line, plain.lineAt(address)!.line);
    assert.deepEqual(moved.addressesOfLine('guest/guest.c', 143).map((entry) => entry.address - base), plain.addressesOfLine('guest/guest.c', 143).map((entry) => entry.address));
  });

  it('belong to one world', () => {
    const images = new Images([plain]);
    const address = symbols.symbol('guest_main')!;
    assert.equal(images.describe('host', address), undefined);
    assert.equal(images.named('guest!guest_main').length, 1);
    assert.equal(images.named('host!guest_main').length, 0);
    assert.equal(images.named('guest_main')[0]!.address, address);
  });

  it('have addresses that the processor keeps signed', () => {
    assert.equal(unsignedAddress(-0x80000000), base);
    assert.equal(linearNumber(base), -0x80000000);
  });
});

describe('sources', () => {
  const find = (there: readonly string[], name = '/moved/lab/guest.elf') =>
    Sources.find(new Images([new Image(new Proxy(symbols, { get: (target, key) => (key === 'name' ? name : key === 'sourceFiles' ? () => ['guest/guest.c', '/build/machine/src/other.c', '<built-in>'] : target[key as keyof SymbolImage]) }), 'guest', 0n)]), (path) => Promise.resolve(there.includes(path)));

  it('are found beside a program that was moved', async () => {
    const sources = await find(['/moved/lab/guest/guest.c', '/moved/lab/src/other.c']);
    assert.deepEqual(sources.all.map(({ path }) => path), ['/moved/lab/guest/guest.c', '/moved/lab/src/other.c', undefined]);
  });

  it('are meant by their own path, or by the end of one that was not found', async () => {
    const sources = await find(['/moved/lab/guest/guest.c']);
    assert.deepEqual(sources.meaning('/moved/lab/guest/guest.c').map(({ file: name }) => name), ['guest/guest.c']);
    assert.deepEqual(sources.meaning('/elsewhere/guest/guest.c'), []);
    assert.deepEqual(sources.meaning('/elsewhere/src/other.c').map(({ file: name }) => name), ['/build/machine/src/other.c']);
  });
});
