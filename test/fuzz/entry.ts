/** npm run fuzz:entry -- --entries N --seed S --entry N --record: VM entries with random VMCSs. */
import { parseArgs } from 'node:util';
import { SECTIONS } from '../../emulator/vmx/entry-checks/entry-checks.js';
import { record } from '../oracles/results.js';
import { RandomEntries } from './random-entries.js';

const { values } = parseArgs({ options: { entries: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' }, entry: { type: 'string' }, record: { type: 'boolean', default: false } } });
const seed = Number(values.seed), start = Number(values.entry ?? 0), count = values.entry === undefined ? Number(values.entries) : 1;
const source = new RandomEntries(), rules = new Map<string, number>(), unimplemented = new Map<string, number>(), faults = new Map<string, string>();
const tally = (map: Map<string, number>, key: string): void => { map.set(key, (map.get(key) ?? 0) + 1); };
let entered = 0;
for (let n = start; n < start + count; n++) {
  const result = source.enter(seed, n);
  if (result.rule === undefined) entered++; else tally(rules, result.rule);
  if (result.unimplemented !== undefined) tally(unimplemented, result.unimplemented);
  if (result.fault === undefined || faults.has(result.fault)) continue;
  faults.set(result.fault, `${result.fault}\n    ${result.rule ?? 'all rules hold'}: npm run fuzz:entry -- --seed ${seed} --entry ${n}`);
  console.log(faults.get(result.fault));
}
const all = SECTIONS.flatMap(({ checks }) => checks.map(({ says }) => says));
for (const says of all.filter((rule) => !rules.has(rule))) console.log(`never first: ${says}`);
for (const [what, times] of unimplemented) console.log(`${times}× not implemented: ${what}`);
console.log(`${count} VM entries: ${entered} succeed, the others fail by ${rules.size} of ${all.length} rules; ${faults.size} kinds of faults`);
if (values.record && faults.size === 0) record({ entries: count });
process.exitCode = faults.size > 0 ? 1 : 0;
