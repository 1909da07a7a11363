/**
 * npm start: from a fresh checkout to the debugger with the first lab open. With VS Code on the PATH in its own window,
 * otherwise in a workbench served on this machine. `--headless` runs the lab on the command line; `--port N` serves the workbench there.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { build, installPackages, requireNode } from './packages.mjs';
import { Refusal, onPath, progress, root } from './run.mjs';
import { serveWorkbench } from './workbench.mjs';

const lab = path.join(root, 'labs/first-hypervisor');
const USAGE = 'npm start -- [--headless] [--port N]';

function options(args) {
  const chosen = { headless: false, port: 0 };
  for (let index = 0; index < args.length; index++) {
    switch (args[index]) {
      case '--headless':
        chosen.headless = true;
        break;
      case '--port':
        chosen.port = Number(args[++index]);
        if (!Number.isInteger(chosen.port) || chosen.port < 1 || chosen.port > 65535) throw new Refusal(`--port takes a number between 1 and 65535, and was given ${args[index] ?? 'nothing'}.`);
        break;
      default:
        throw new Refusal(`${args[index]} is not an option. Usage: ${USAGE}`);
    }
  }
  return chosen;
}

const desktop = () => {
  const hasScreen = process.platform !== 'linux' || Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY);
  return hasScreen ? onPath('code') : undefined;
};

function openDesktop(code) {
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox', `--user-data-dir=${path.join(root, '.cache/vscode-user')}`] : [];
  spawn(code, [`--extensionDevelopmentPath=${root}`, ...asRoot, lab], { stdio: 'ignore', detached: true, shell: process.platform === 'win32' }).unref();
  console.log('VS Code opens with the first lab. Press F5 there.');
}

const isFree = (port) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

async function openWorkbench(port) {
  if (!(await isFree(port))) throw new Refusal(`Port ${port} is in use; choose another with --port.`);
  const served = await serveWorkbench({ port, extension: root, settings: { 'workbench.startupEditor': 'readme' } });
  console.log(`\nThe workbench is at\n\n    ${served.address}?folder=${encodeURI(lab)}\n\nOpen it in a browser and press F5. Ctrl+C ends it.`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void served.stop().then(() => process.exit(0)));
  await served.ended;
}

/** The counts in the last line of what the command line says on standard error, as a table. */
function countsTable(line) {
  const { instructions, seconds, vmExits, exceptions, interrupts, hypercalls } = JSON.parse(line);
  const rows = Object.entries({ 'VM exit': vmExits, exception: exceptions, interrupt: interrupts, hypercall: hypercalls }).flatMap(([kind, counts]) => Object.entries(counts).map(([name, count]) => `${String(count).padStart(9)}  ${kind} ${name}`));
  return [...rows, `${String(instructions).padStart(9)}  instructions in ${seconds.toFixed(2)} s`].join('\n');
}

/** The guest's output as it comes, then the trap ledger, then how often each trap came. */
function runHeadless() {
  const program = path.join(root, 'dist/ringside.js');
  const { program: image, memory, expectedStatus } = JSON.parse(readFileSync(path.join(lab, 'lab.json'), 'utf8'));
  progress(`running ${path.relative(root, path.join(lab, image))}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, 'run', path.join(lab, image), '--memory', `${memory}M`, '--stats', '--trace', 'vmexit,vmentry,exception,hypercall,interrupt'], { stdio: ['ignore', 'inherit', 'pipe'] });
    let said = '';
    child.stderr.on('data', (data) => (said += data));
    child.on('error', reject);
    child.on('close', (code) => {
      const lines = said.trimEnd().split('\n');
      const counts = lines.at(-1).startsWith('{') ? countsTable(lines.pop()) : '';
      console.log(`\nTrap ledger (instant, processor, world, RIP, event)\n${lines.join('\n')}\n\n${counts}`);
      resolve(code === expectedStatus ? 0 : (code ?? 1));
    });
  });
}

try {
  requireNode();
  const { headless, port } = options(process.argv.slice(2));
  await installPackages();
  await build();
  const code = port === 0 ? desktop() : undefined;
  if (headless) process.exitCode = await runHeadless();
  else if (code !== undefined) openDesktop(code);
  else await openWorkbench(port);
} catch (error) {
  console.error(error instanceof Refusal ? error.message : error);
  process.exitCode = 1;
}
