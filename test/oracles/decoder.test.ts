import assert from 'node:assert/strict';
import { DecodeTable } from '../../emulator/isa/decode.js';
import { forms, rows } from '../../emulator/isa/encoding.js';
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import { RandomBytes } from '../fuzz/random-bytes.js';
import { Random } from '../fuzz/random.js';
import { compare, truncationFault } from './decoder.js';

const COUNT = 100_000, SEED = 2026;

describe('the decoder, compared with iced-x86', () => {
  const all = INSTRUCTIONS.flatMap(rows), table = new DecodeTable(all), printed = INSTRUCTIONS.flatMap(forms);

  it(`says the same of ${COUNT} random byte strings in 16-, 32- and 64-bit mode`, function () {
    this.timeout(60_000);
    const random = new Random(SEED), source = new RandomBytes(random, printed), different: string[] = [];
    let valid = 0;
    for (let i = 0; i < COUNT; i++) {
      const mode = random.pick([16, 32, 64, 64] as const), result = compare(table, source.next(mode), mode);
      if (result.kind === 'same' && result.valid) valid++;
      if (result.kind === 'different') different.push(result.says);
    }
    assert.deepEqual(different, []);
    assert.ok(valid > COUNT / 3, `${valid} instructions are enough`);
  });

  it('finds every shorter string incomplete', function () {
    this.timeout(60_000);
    const random = new Random(SEED + 1), source = new RandomBytes(random, printed), faults: string[] = [];
    for (let i = 0; i < COUNT / 10; i++) {
      const mode = random.pick([16, 32, 64] as const), fault = truncationFault(table, source.next(mode), mode);
      if (fault) faults.push(fault);
    }
    assert.deepEqual(faults, []);
  });

  it('would notice a row that is missing, and one that is wrong', () => {
    const xor = Uint8Array.of(0x31, 0xc0, ...new Uint8Array(16));
    assert.equal(compare(table, xor, 64).kind, 'same');
    const without = new DecodeTable(all.filter(({ instruction }) => instruction.name !== 'XOR'));
    assert.deepEqual(compare(without, xor, 64), { kind: 'different', says: '64-bit 31c0000000000000: valid, ours invalid (XOR eax, eax | nothing)' });
    const swapped = new DecodeTable(all.map((row) => (row.instruction.name === 'XOR' ? { ...row, line: row.line.replace('XOR', 'OR') } : row)));
    assert.equal(compare(swapped, xor, 64).kind, 'different');
  });

  it('refuses what is longer than 15 bytes', () => {
    const long = Uint8Array.from({ length: 20 }, (_, i) => (i < 14 ? 0x66 : 0x90));
    assert.equal(compare(table, long, 64).kind, 'same');
    long[14] = 0x66;
    assert.deepEqual(compare(table, long, 64), { kind: 'same', valid: false });
  });
});
