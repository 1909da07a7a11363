/** Debian’s kernel as a hypervisor, by its own KVM modules: the lab, from the kernel’s first instruction to power-off. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { EXIT_REASONS } from '../../emulator/vmx/exit-reasons.js';
import { debianFiles, newestOf } from './debian.js';

const root = fileURLToPath(new URL('../../', import.meta.url)), folder = path.join(root, 'labs/kvm');
const inFolder = (file: string): string => path.join(folder, file);
const read = (file: string): string => readFileSync(inFolder(file), 'utf8');
const MOST_INSTRUCTIONS = 2_500e6;

interface Lab {
  readonly prepare: string; readonly kernel: string; readonly initrd: string; readonly args: string; readonly memory: number;
  readonly expectedOutput: string; readonly expectedStatus: number; readonly expectedExits: Readonly<Record<string, number>>;
}

describe('Debian’s KVM', function () {
  this.timeout(600_000);
  const lab = JSON.parse(read('lab.json')) as Lab;
  let said: string, exits: Readonly<Record<string, number>>, status: number | null;

  before(function () {
    const name = newestOf('linux-image-cloud-amd64');
    if (name === undefined || debianFiles(name) === undefined) {
      console.log('left out: linux-image-cloud-amd64 cannot be had from Debian here');
      this.skip();
    }
    execFileSync(process.execPath, [inFolder(lab.prepare)]);
    const run = spawnSync(process.execPath, [
      '--import=./tools/typescript.mjs', 'cli/ringside.ts', 'run', '--kernel', inFolder(lab.kernel), '--initrd', inFolder(lab.initrd), '--append', lab.args,
      '--memory', `${lab.memory}M`, '--stats', '--max-instructions', String(MOST_INSTRUCTIONS),
    ], { encoding: 'utf8', cwd: root });
    said = run.stdout.replaceAll('\r', '');
    ({ status } = run);
    exits = (JSON.parse(run.stderr.trim().split('\n').at(-1)!) as { vmExits: Record<string, number> }).vmExits;
  });

  it('loads, and has nothing to complain of', () => {
    assert.deepEqual(said.split('\n').filter((line) => line.startsWith('[') && /kvm|vmx/i.test(line)), []);
  });

  it('runs a guest in real-address mode and one in 64-bit mode to their ends', () => {
    assert.ok(said.includes(read(lab.expectedOutput)), said);
    assert.equal(status, lab.expectedStatus);
  });

  it('takes the exits that the guests ask for', () => {
    const byName = Object.fromEntries(Object.entries(EXIT_REASONS).map(([constant, { name }]) => [name, exits[constant]]));
    assert.deepEqual(Object.fromEntries(Object.keys(lab.expectedExits).map((name) => [name, byName[name]])), lab.expectedExits);
  });
});
