/** npm run fuzz:tiers: random loops in the interpreter and in compiled code. Arguments: count, seed. */
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import { Random } from './random.js';
import { listing, RandomPrograms } from './random-programs.js';

const [count = '2000', seed = '1'] = process.argv.slice(2);
const random = new Random(Number(seed)), sources = [new RandomPrograms(random, INSTRUCTIONS, 64), new RandomPrograms(random, INSTRUCTIONS, 32)];
let differing = 0;
for (let i = 0; i < Number(count); i++) {
  const source = sources[i % 3 === 0 ? 1 : 0]!, program = source.next();
  if (source.difference(program) === undefined) continue;
  differing++;
  const smallest = source.smallest(program);
  console.log(`${listing(smallest)}\n  ${source.difference(smallest) ?? 'not every time'}`);
}
console.log(`${count} loops, ${sources[0]!.compiled + sources[1]!.compiled} times compiled, ${differing} differ`);
process.exitCode = differing ? 1 : 0;
