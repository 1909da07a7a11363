import assert from 'node:assert/strict';
import { readKallsyms } from './kallsyms.js';

const BASE = 0xffffffff81000000n;
const NUMBER = 1100;
const SYMBOLS = Array.from({ length: NUMBER }, (_, index) => ({ letter: index % 3 === 0 ? 't' : index % 3 === 1 ? 'D' : 'T', name: index === 5 ? 'a'.repeat(200) : `function_${index}`, offset: 16 * index }));

/** Characters stand for themselves; one token stands for a whole word. */
const WORD = 'function_', WORD_TOKEN = 1;
const tokenText = (token: number): string => (token === WORD_TOKEN ? WORD : token > 32 && token < 127 ? String.fromCharCode(token) : '');

class Image {
  private readonly bytes: number[] = [];
  get position(): number { return this.bytes.length; }
  byte(...values: number[]): void { this.bytes.push(...values); }
  number(value: bigint, size: number): void { for (let n = 0; n < size; n++) this.bytes.push(Number((value >> BigInt(8 * n)) & 0xffn)); }
  align(): void { while (this.position % 8 !== 0) this.byte(0); }
  done(): Uint8Array { return Uint8Array.from(this.bytes); }
}

function writeNames(image: Image): void {
  const markers: number[] = [], start = image.position;
  SYMBOLS.forEach(({ letter, name }, index) => {
    if (index % 256 === 0) markers.push(image.position - start);
    const isWord = name.startsWith(WORD);
    const codes = [letter.charCodeAt(0), ...(isWord ? [WORD_TOKEN] : []), ...[...(isWord ? name.slice(WORD.length) : name)].map((character) => character.charCodeAt(0))];
    if (codes.length < 128) image.byte(codes.length); else image.byte((codes.length & 0x7f) | 0x80, codes.length >> 7);
    image.byte(...codes);
  });
  image.align();
  for (const marker of markers) image.number(BigInt(marker), 4);
  image.align();
}

function writeTokens(image: Image): void {
  const start = image.position, offsets: number[] = [];
  for (let token = 0; token < 256; token++) {
    offsets.push(image.position - start);
    image.byte(...[...tokenText(token)].map((character) => character.charCodeAt(0)), 0);
  }
  image.align();
  for (const offset of offsets) image.number(BigInt(offset), 2);
  image.align();
}

function writeOffsets(image: Image, absolutePerProcessor: boolean): void {
  SYMBOLS.forEach(({ offset }, index) => { image.number(BigInt.asUintN(32, absolutePerProcessor ? (index === 2 ? 0x1fb80n : -1n - BigInt(offset)) : BigInt(offset)), 4); });
  image.align();
  image.number(BASE, 8);
}

function kernel(version: '6.1' | '6.4'): Uint8Array {
  const image = new Image();
  image.byte(...Array.from({ length: 1000 }, (_, index) => (index * 7) & 0xff));
  image.align();
  if (version === '6.1') writeOffsets(image, true);
  image.number(BigInt(NUMBER), 4);
  image.align();
  writeNames(image);
  writeTokens(image);
  if (version === '6.4') writeOffsets(image, false);
  image.byte(...Array.from({ length: 500 }, () => 0xcc));
  return image.done();
}

describe('kallsyms', () => {
  it('are found and read in the order of Linux up to 6.3', () => {
    const symbols = readKallsyms(kernel('6.1'))!;
    assert.equal(symbols.length, NUMBER);
    assert.deepEqual(symbols[0], { name: 'function_0', address: BASE, kind: 'function' });
    assert.deepEqual(symbols[1], { name: 'function_1', address: BASE + 16n, kind: 'object' });
    assert.deepEqual(symbols[2], { name: 'function_2', address: 0x1fb80n, kind: 'absolute' });
    assert.deepEqual(symbols[1098], { name: 'function_1098', address: BASE + 16n * 1098n, kind: 'function' });
  });

  it('have names of more than 127 characters', () => {
    assert.equal(readKallsyms(kernel('6.1'))![5]!.name, 'a'.repeat(200));
  });

  it('are read in the order of Linux since 6.4, with plain offsets', () => {
    const symbols = readKallsyms(kernel('6.4'))!;
    assert.equal(symbols.length, NUMBER);
    assert.deepEqual(symbols[1097], { name: 'function_1097', address: BASE + 16n * 1097n, kind: 'function' });
  });

  it('are not found in what is no kernel', () => {
    assert.equal(readKallsyms(new Uint8Array(100_000)), undefined);
    assert.equal(readKallsyms(new TextEncoder().encode('0 1 2 3 4 5 6 7 8 9 '.replaceAll(' ', '\x00').repeat(500))), undefined);
    assert.equal(readKallsyms(kernel('6.1').subarray(0, 6000)), undefined);
  });
});
