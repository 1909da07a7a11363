/** Real-address mode as an 80286 had it (test/oracles/vectors): a part of the tests always, all of them where their folder is. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { type MooTest, readMoo } from './moo.js';
import { GENERATION_DIFFERENCES } from './real-mode-differences.js';
import { RealModeMachine } from './real-mode-vectors.js';

const PART = fileURLToPath(new URL('vectors/80286-real-mode.moo.gz', import.meta.url));
/** The folder with all files; by default beside the checkout. */
const ALL = process.env['RINGSIDE_80286_VECTORS'] ?? fileURLToPath(new URL('../../../shared/vectors/80286-real-mode', import.meta.url));
const SHOWN = 20;

const load = (file: string): MooTest[] => readMoo(gunzipSync(readFileSync(file)));

/** The differences as lines. */
function run(machine: RealModeMachine, tests: readonly MooTest[], where: string): string[] {
  return tests.flatMap((test) => {
    const differences = machine.run(test);
    if (differences.length === 0) return [];
    return [`${where}: ${test.name} (${test.hash}): ${differences.map(({ what, hardware, ours }) => `${what} ${ours.toString(16)}, not ${hardware.toString(16)}`).join(', ')}`];
  });
}

describe('real-address mode', function () {
  this.timeout(300_000);
  it('is as an 80286 has it, but for differences between the generations', () => {
    assert.deepEqual(run(new RealModeMachine(), load(PART), basename(PART)).slice(0, SHOWN), []);
  });
  it('differs from the 80286 in each of the ways that are listed', () => {
    const tests = load(PART);
    assert.deepEqual(GENERATION_DIFFERENCES.filter(({ applies }) => !tests.some(applies)).map(({ because }) => because), []);
  });
  it(`is as an 80286 has it in all files of ${basename(ALL)}`, function () {
    if (!existsSync(ALL)) { this.skip(); return; }
    const files = readdirSync(ALL).filter((name) => name.endsWith('.MOO.gz'));
    const machine = new RealModeMachine();
    const revoked = new Set(readFileSync(join(ALL, 'revocation_list.txt'), 'utf8').split('\n'));
    assert.ok(files.length > 0);
    assert.deepEqual(files.flatMap((name) => run(machine, load(join(ALL, name)).filter(({ hash }) => !revoked.has(hash)), name)).slice(0, SHOWN), []);
  });
});
