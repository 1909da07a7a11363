/** Labs on the command line. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { progress, root, run } from './run.mjs';

/** The counts in the last line of what the command line says on standard error, as a table. */
function countsTable(line) {
  const { instructions, seconds, vmExits, exceptions, interrupts, hypercalls } = JSON.parse(line);
  const rows = Object.entries({ 'VM exit': vmExits, exception: exceptions, interrupt: interrupts, hypercall: hypercalls }).flatMap(([kind, counts]) => Object.entries(counts).map(([name, count]) => `${String(count).padStart(9)}  ${kind} ${name}`));
  return [...rows, `${String(instructions).padStart(9)}  instructions in ${seconds.toFixed(2)} s`].join('\n');
}

/** The guest's output as it comes, then the trap ledger if it is asked for, then how often each trap came. Returns 0 when the lab ended as it should. */
export async function runLab(folder, more = []) {
  const { prepare, program, kernel, initrd, args, memory, expectedStatus } = JSON.parse(readFileSync(path.join(folder, 'lab.json'), 'utf8'));
  if (prepare !== undefined) await run(process.execPath, [path.join(folder, prepare)]);
  const image = program === undefined ? ['--kernel', path.join(folder, kernel), '--initrd', path.join(folder, initrd), '--append', args] : [path.join(folder, program)];
  progress(`running ${path.relative(root, path.join(folder, program ?? kernel))}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(root, 'dist/ringside.js'), 'run', ...image, '--memory', `${memory}M`, '--stats', ...more], { stdio: ['ignore', 'inherit', 'pipe'] });
    let said = '';
    child.stderr.on('data', (data) => (said += data));
    child.on('error', reject);
    child.on('close', (code) => {
      const lines = said.trimEnd().split('\n');
      const counts = lines.at(-1).startsWith('{') ? countsTable(lines.pop()) : '';
      const ledger = lines.length === 0 ? '' : `\nTrap ledger (instant, processor, world, RIP, event)\n${lines.join('\n')}\n`;
      console.log(`${ledger}\n${counts}`);
      resolve(code === expectedStatus ? 0 : (code ?? 1));
    });
  });
}
