/** npm run oracle:bochs: the cases of guest/ on Debian's bochs; exits with 1 when a line differs without a reason. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bochs } from '../../bench/machines/bochs.js';
import { ROOT } from '../../bench/machines/machine.js';
import { BOCHS_DIFFERENCES } from './differences.js';
import { bitsOf, onRingside, program, PROGRAMS, withoutAddresses } from './program.js';

/** Has SMAP, which the bench's model lacks. */
const MODEL = 'corei7_skylake_x', BENCH_MODEL = 'corei7_haswell_4770';
const MOST_SECONDS = 300;

const missing = bochs.missing();
if (missing !== undefined) throw new Error(missing);
let differing = 0;
for (const name of PROGRAMS) {
  const job = bochs.prepare({ name, elf: program(name), bits: bitsOf(name), needsVmx: false, instructions: 0, checksum: '' });
  const configuration = join(ROOT, '.cache', 'bench', 'bochs', 'bochsrc');
  writeFileSync(configuration, readFileSync(configuration, 'utf8').replace(BENCH_MODEL, MODEL));
  const { stdout } = spawnSync(job.command[0]!, job.command.slice(1), { encoding: 'latin1', timeout: MOST_SECONDS * 1000 });
  const theirs = job.console(stdout).split('\n').map((line) => line.trimEnd()).filter(Boolean).map(withoutAddresses), ours = onRingside(name).map(withoutAddresses);
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    if (ours[i] === theirs[i]) continue;
    const known = BOCHS_DIFFERENCES.find(({ cases }) => cases.test(ours[i] ?? ''));
    console.log(`${known ? 'as known' : 'DIFFERENT'}\n  ours  ${ours[i] ?? '(nothing)'}\n  bochs ${theirs[i] ?? '(nothing)'}${known ? `\n  ${known.because}` : ''}`);
    if (!known) differing++;
  }
  console.log(`${name}: ${ours.length} cases`);
}
process.exitCode = differing ? 1 : 0;
