/**
 * npm start: from a fresh checkout to the debugger with the first lab open. With VS Code on the PATH in its own window,
 * otherwise in a workbench served on this machine. `--headless` runs the lab on the command line; `--port N` serves the workbench there.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { build, installPackages, requireNode } from './packages.mjs';
import { runLab } from './labs.mjs';
import { Refusal, onPath, root } from './run.mjs';
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

try {
  requireNode();
  const { headless, port } = options(process.argv.slice(2));
  await installPackages();
  await build();
  const code = port === 0 ? desktop() : undefined;
  if (headless) process.exitCode = await runLab(lab, ['--trace', 'vmexit,vmentry,exception,hypercall,interrupt']);
  else if (code !== undefined) openDesktop(code);
  else await openWorkbench(port);
} catch (error) {
  console.error(error instanceof Refusal ? error.message : error);
  process.exitCode = 1;
}
