/** npm run fuzz:tiers -- --loops N --seed S --record: random loops in the interpreter and in compiled code. */
import { parseArgs } from 'node:util';
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import { record } from '../oracles/results.js';
import { Random } from './random.js';
import { listing, RandomPrograms } from './random-programs.js';

const { values } = parseArgs({ options: { loops: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' }, record: { type: 'boolean', default: false } } });
const count = Number(values.loops);
const random = new Random(Number(values.seed)), sources = [new RandomPrograms(random, INSTRUCTIONS, 64), new RandomPrograms(random, INSTRUCTIONS, 32)];
let differing = 0;
for (let i = 0; i < count; i++) {
  const source = sources[i % 3 === 0 ? 1 : 0]!, program = source.next();
  if (source.difference(program) === undefined) continue;
  differing++;
  const smallest = source.smallest(program);
  console.log(`${listing(smallest)}\n  ${source.difference(smallest) ?? 'not every time'}`);
}
console.log(`${count} loops, ${sources[0]!.compiled + sources[1]!.compiled} times compiled, ${differing} differ`);
if (values.record && differing === 0) record({ loops: count });
process.exitCode = differing ? 1 : 0;
