/** Debian’s kernel as a hypervisor, by its own KVM modules: the lab, from the kernel’s first instruction to power-off. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { planBoot } from '../../debugger/boot-files.js';
import { EXIT_REASONS } from '../../emulator/vmx/exit-reasons.js';
import { debianFiles, newestOf } from './debian.js';
import { Terminal } from './terminal.js';

const folder = fileURLToPath(new URL('../../labs/kvm/', import.meta.url));
const read = (file: string): string => readFileSync(path.join(folder, file), 'utf8');
const MOST_INSTRUCTIONS = 2_500e6;

describe('Debian’s KVM', function () {
  this.timeout(600_000);
  const lab = JSON.parse(read('lab.json')) as { prepare: string; kernel: string; initrd: string; args: string; memory: number; expectedOutput: string; expectedExits: Record<string, number> };
  let terminal: Terminal;

  before(async function () {
    const name = newestOf('linux-image-cloud-amd64');
    if (name === undefined || debianFiles(name) === undefined) {
      console.log('left out: linux-image-cloud-amd64 cannot be had from Debian here');
      this.skip();
    }
    execFileSync(process.execPath, [path.join(folder, lab.prepare)]);
    const inFolder = (file: string): string => path.join(folder, file);
    terminal = new Terminal(await planBoot({ program: inFolder(lab.kernel), initrd: inFolder(lab.initrd), commandLine: lab.args, memoryBytes: lab.memory * 2 ** 20, modules: [], protocol: undefined },
      { readFile, exists: () => Promise.resolve(true) }), '');
    terminal.until(read(lab.expectedOutput).trimEnd().split('\n').at(-1)!, MOST_INSTRUCTIONS);
  });

  it('loads, and has nothing to complain of', () => {
    const said = terminal.output.replaceAll('\r', '').split('\n');
    assert.deepEqual(said.filter((line) => line.startsWith('[') && /kvm|vmx/i.test(line)), []);
  });

  it('runs a guest in real-address mode and one in 64-bit mode to their ends', () => {
    const said = terminal.output.replaceAll('\r', '');
    assert.ok(said.includes(read(lab.expectedOutput)), said);
  });

  it('takes the exits that the guests ask for', () => {
    const { exits } = terminal.machine.ledger.counts;
    const counted = Object.fromEntries(Object.keys(lab.expectedExits).map((name) => [name, exits.get(Object.values(EXIT_REASONS).find((reason) => reason.name === name)!.number)]));
    assert.deepEqual(counted, lab.expectedExits);
  });
});
