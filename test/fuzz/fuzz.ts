/** npm run fuzz -- --cases N --seed S --only NAMES --case N --record: random instructions on this machine's processor and on ours. */
import { parseArgs } from 'node:util';
import { differences, explanation, given, told } from '../oracles/compare.js';
import { EmulatedOracle } from '../oracles/emulated.js';
import { comparable } from '../oracles/features.js';
import { NativeOracle } from '../oracles/native.js';
import { record } from '../oracles/results.js';
import { RandomCases } from './random-cases.js';

const BATCH = 5000, REPORT_SECONDS = 60;
const { values } = parseArgs({ options: {
  cases: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' }, only: { type: 'string' }, case: { type: 'string' }, record: { type: 'boolean', default: false },
} });
const seed = Number(values.seed), count = values.case === undefined ? Number(values.cases) : 1, start = Number(values.case ?? 0);
const only = values.only === undefined ? undefined : new RegExp(`^(${values.only})$`);
const repeat = `npm run fuzz -- --seed ${seed}${values.only === undefined ? '' : ` --only '${values.only}'`} --case`;

const native = await NativeOracle.start(), emulated = new EmulatedOracle();
const source = new RandomCases(comparable(native.features).filter(({ name }) => only?.test(name) !== false));
const unexplained = new Map<string, { times: number; first: string }>(), explained = new Map<string, number>(), alike: Record<string, number> = {};
let done = 0, differing = 0, lost = 0, said = Date.now();
const begun = said;

const make = (first: number, n: number) => Array.from({ length: n }, (_, i) => source.make(seed, first + i));
let cases = make(start, Math.min(BATCH, count));
while (cases.length > 0) {
  // While the native processor works on one batch, the next is made.
  const results = native.run(cases), next = make(start + done + cases.length, Math.min(BATCH, count - done - cases.length));
  const got = emulated.run(cases), expected = await results;
  cases.forEach((c, i) => {
    if (expected[i]!.outcome === 'lost') lost++;
    const found = differences(c, expected[i]!, got[i]!);
    if (values.case !== undefined) console.log(`${told(c, found)}\n${given(c)}\n${expected[i]!.outcome}`);
    const { name } = c.form.instruction;
    if (found.length === 0) { alike[name] = (alike[name] ?? 0) + 1; return; }
    const why = explanation(c, expected[i]!, got[i]!, found);
    for (const { because } of why ?? []) explained.set(because, (explained.get(because) ?? 0) + 1);
    if (why) { alike[name] = (alike[name] ?? 0) + 1; return; }
    differing++;
    const kind = `${c.form.text}: ${found[0]!.what}`, known = unexplained.get(kind);
    if (known) known.times++;
    else {
      unexplained.set(kind, { times: 1, first: `${told(c, found)}\n    ${repeat} ${start + done + i}` });
      console.log(unexplained.get(kind)!.first);
    }
  });
  done += cases.length;
  cases = next;
  if (Date.now() - said < REPORT_SECONDS * 1000) continue;
  said = Date.now();
  console.log(`${done} cases in ${Math.round((said - begun) / 1000)} s, ${differing} differ`);
}
native.stop();
console.log([...explained].sort(([, a], [, b]) => b - a).map(([why, times]) => `${times}× as known: ${why}`).join('\n'));
console.log([...unexplained.values()].sort((a, b) => b.times - a.times).map(({ times, first }) => `${times}× ${first}`).join('\n'));
console.log(`${done} cases, ${lost} lost, ${differing} differ`);
if (values.record && differing === 0) record({ cases: alike });
process.exitCode = differing > 0 ? 1 : 0;
