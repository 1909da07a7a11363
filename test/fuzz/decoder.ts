/** npm run fuzz:decoder -- --strings N --seed S --record: random bytes for our decoder and for iced-x86's. */
import { parseArgs } from 'node:util';
import { DecodeTable } from '../../emulator/isa/decode.js';
import { forms, rows } from '../../emulator/isa/encoding.js';
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import { compare, truncationFault } from '../oracles/decoder.js';
import { record } from '../oracles/results.js';
import { RandomBytes } from './random-bytes.js';
import { Random } from './random.js';

const { values } = parseArgs({ options: { strings: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' }, record: { type: 'boolean', default: false } } });
const count = Number(values.strings), decoded = { 16: 0, 32: 0, 64: 0 };
const random = new Random(Number(values.seed)), table = new DecodeTable(INSTRUCTIONS.flatMap(rows)), source = new RandomBytes(random, INSTRUCTIONS.flatMap(forms));
const tallies = new Map<string, { times: number; first: string }>();
let differing = 0, valid = 0;
function tally(key: string, first: string): void {
  const known = tallies.get(key);
  if (known) known.times++; else tallies.set(key, { times: 1, first });
}
for (let i = 0; i < count; i++) {
  const mode = random.pick([16, 32, 64, 64] as const), bytes = source.next(mode), result = compare(table, bytes, mode);
  decoded[mode]++;
  if (result.kind === 'same' && result.valid) valid++;
  if (result.kind === 'extension') tally('extension', 'extensions that the processor model lacks');
  if (result.kind === 'known') tally(result.because, result.because);
  if (result.kind === 'different') { differing++; tally(result.says.replace(/^\S+ \S+ /, '').replace(/[0-9a-f]{2,}/g, ''), result.says); }
  const fault = i % 16 === 0 ? truncationFault(table, bytes, mode) : undefined;
  if (fault) { differing++; tally('truncation', fault); }
}
for (const { times, first } of [...tallies.values()].sort((a, b) => b.times - a.times)) console.log(`${times}× ${first}`);
console.log(`${count} byte strings, ${valid} instructions alike, ${differing} differ`);
if (values.record && differing === 0) record({ decoded });
process.exitCode = differing ? 1 : 0;
