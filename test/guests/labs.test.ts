/** Each lab's program prints what the lab expects, with the VM exits that it expects. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadImage } from '../../emulator/boot/index.js';
import { EXIT_REASONS } from '../../emulator/vmx/exit-reasons.js';
import { start } from '../machine/guests.js';

interface Lab { readonly program?: string; readonly memory: number; readonly expectedOutput: string; readonly expectedStatus: number; readonly expectedExits: Readonly<Record<string, number>> }

const LABS = fileURLToPath(new URL('../../labs', import.meta.url));
const MOST_INSTRUCTIONS = 50_000_000;
/** "isa-debug-exit": what was written to the port becomes the status (value << 1) | 1. */
const statusOf = (value: number): number => (value << 1) | 1;
const nameOf = (reason: number): string => Object.values(EXIT_REASONS).find(({ number }) => number === reason)?.name ?? `reason ${reason}`;

describe('labs', function () {
  this.timeout(60_000);
  for (const name of readdirSync(LABS).filter((one) => existsSync(join(LABS, one, 'lab.json')))) {
    const folder = join(LABS, name), lab = JSON.parse(readFileSync(join(folder, 'lab.json'), 'utf8')) as Lab;
    // One that boots Debian's kernel has a test of its own, in test/boot.
    const { program } = lab;
    if (program === undefined) continue;
    it(`${name} prints what it is expected to, with the exits by reason`, () => {
      const bytes = readFileSync(join(folder, program)), memoryBytes = lab.memory << 20;
      const { machine, output } = start({ name, memoryBytes, plan: loadImage({ name: program, bytes, memoryBytes, args: '', modules: [] }) });
      const stop = machine.run(MOST_INSTRUCTIONS);
      assert.equal(output().replace(/\r/g, ''), readFileSync(join(folder, lab.expectedOutput), 'utf8'));
      assert.equal(stop.kind === 'exit' ? statusOf(stop.value) : stop.kind, lab.expectedStatus);
      assert.deepEqual(Object.fromEntries([...machine.ledger.counts.exits].map(([reason, times]) => [nameOf(reason), times])), lab.expectedExits);
    });
  }
});
