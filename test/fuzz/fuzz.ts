/** npm run fuzz: random instructions on this machine's processor and on ours. Arguments: count, seed, pattern of names. */
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import { difference, knownDifference } from '../oracles/compare.js';
import { EmulatedOracle } from '../oracles/emulated.js';
import { NativeOracle } from '../oracles/native.js';
import { Random, RandomCases } from './random-cases.js';

const BATCH = 2000;
const [count = '100000', seed = '1', filter = ''] = process.argv.slice(2);
/** What ring 3 may run and the oracle can observe. */
const USER_MODE = INSTRUCTIONS.filter((i) => !i.privileged && (filter === '' || new RegExp(filter).test(i.name)));

const native = await NativeOracle.start(), emulated = new EmulatedOracle();
const random = new Random(Number(seed)), sources = [new RandomCases(random, USER_MODE, 64), new RandomCases(random, USER_MODE, 32)];
const seen = new Map<string, { times: number; first: string }>();
const explained = new Map<string, number>();
let done = 0, differing = 0;
for (; done < Number(count); done += BATCH) {
  const source = sources[random.below(4) === 0 ? 1 : 0]!;
  const cases = Array.from({ length: BATCH }, () => source.next());
  const expected = await native.run(cases), got = emulated.run(cases);
  cases.forEach((c, i) => {
    const line = difference(c, expected[i]!, got[i]!);
    if (!line) return;
    const why = knownDifference(c, expected[i]!, got[i]!, line)?.because;
    if (why) { explained.set(why, (explained.get(why) ?? 0) + 1); return; }
    differing++;
    const known = seen.get(c.form.text);
    if (known) known.times++; else seen.set(c.form.text, { times: 1, first: line });
  });
}
native.stop();
for (const { times, first } of [...seen.values()].sort((a, b) => b.times - a.times)) console.log(`${times}× ${first}`);
for (const [why, times] of explained) console.log(`${times}× as known: ${why}`);
console.log(`${done} cases, ${differing} differ`);
process.exitCode = differing ? 1 : 0;
