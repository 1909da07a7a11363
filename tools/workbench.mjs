/** A real VS Code workbench served on loopback: the server that the npm package code-server carries, with its native parts stubbed. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Refusal, onPath, progress, root, run } from './run.mjs';

const VERSION = '4.139.1';
const NODE_MAJOR = 24;
const STOP_PATIENCE_MS = 3000;
const home = path.join(root, '.cache/workbench');
const host = path.join(home, `vscode-${VERSION}`);

async function unpack(packageName, into, folder) {
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  const packed = (await run('npm', ['pack', '--silent', packageName], { cwd: into, quiet: true })).trim().split('\n').at(-1);
  const depth = folder.split('/').length;
  await run('tar', ['-xzf', packed, `--strip-components=${depth}`, '--exclude=*.map', folder], { cwd: into, quiet: true });
  rmSync(path.join(into, packed));
}

async function hostNode() {
  if (Number(process.versions.node.split('.')[0]) === NODE_MAJOR) return process.execPath;
  const folder = path.join(home, `node-${NODE_MAJOR}`);
  const node = path.join(folder, 'bin/node');
  if (!existsSync(node)) {
    progress(`fetching Node ${NODE_MAJOR} for the workbench (about 40 MB) …`);
    const partial = `${folder}.${process.pid}`;
    await unpack(`node-linux-${process.arch}@${NODE_MAJOR}`, partial, 'package');
    renameSync(partial, folder);
  }
  return node;
}

/** No log files: the true module is native. */
const SPDLOG = `class Logger {}
for (const name of ['trace', 'debug', 'info', 'warn', 'error', 'critical', 'getLevel', 'setLevel', 'flush', 'drop', 'setPattern', 'clearFormatters']) Logger.prototype[name] = () => {};
exports.version = 0;
exports.setLevel = exports.setFlushOn = exports.shutdown = () => {};
exports.Logger = Logger;
exports.createRotatingLogger = exports.createAsyncRotatingLogger = async () => new Logger();
`;

function stubNativeParts(folder) {
  const modules = path.join(folder, 'node_modules');
  symlinkSync('node_modules', path.join(folder, 'node_modules.asar'));
  writeFileSync(path.join(modules, '@vscode/spdlog/index.js'), SPDLOG);
  for (const name of ['native-watchdog', '@vscode/native-watchdog']) {
    const release = path.join(modules, name, 'build/Release');
    if (!existsSync(path.join(modules, name))) continue;
    mkdirSync(release, { recursive: true });
    writeFileSync(path.join(release, 'watchdog.js'), 'exports.start = () => {};\n');
  }
  const ripgrep = path.join(modules, '@vscode/ripgrep');
  const rg = onPath('rg');
  if (existsSync(ripgrep) && rg !== undefined) {
    mkdirSync(path.join(ripgrep, 'bin'), { recursive: true });
    rmSync(path.join(ripgrep, 'bin/rg'), { force: true });
    symlinkSync(rg, path.join(ripgrep, 'bin/rg'));
  }
}

/** Fetches the workbench once; afterwards it is only looked up. */
export async function installWorkbench() {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new Refusal(`The bundled workbench runs on Linux (x64 or arm64) only, and this is ${process.platform} ${process.arch}. Install VS Code, put its command 'code' on the PATH, and run this again.`);
  }
  mkdirSync(home, { recursive: true });
  const node = await hostNode();
  if (!existsSync(host)) {
    const partial = `${host}.${process.pid}`;
    progress('fetching the VS Code workbench (about 50 MB) …');
    await unpack(`code-server@${VERSION}`, partial, 'package/lib/vscode');
    progress('installing its packages (about a minute) …');
    await run('npm', ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: partial, quiet: true });
    stubNativeParts(partial);
    renameSync(partial, host);
    progress('the workbench is installed');
  }
  for (const name of readdirSync(home)) if (/\.\d+$/.test(name) && name !== path.basename(host) && !existsSync(`/proc/${name.split('.').at(-1)}`)) rmSync(path.join(home, name), { recursive: true, force: true });
  return { node, server: path.join(host, 'out/server-main.js') };
}

const SETTINGS = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'workbench.tips.enabled': false,
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'debug.onTaskErrors': 'debugAnyway',
  'git.openRepositoryInParentFolders': 'never',
};

/**
 * Starts the server. `extension` is linked into its extensions folder, so that the workbench has it installed;
 * test runs leave it out and name the development path in the page's address.
 */
export async function serveWorkbench({ port = 0, extension, settings = {}, automation = false, env = {} } = {}) {
  const { node, server } = await installWorkbench();
  const data = mkdtempSync(path.join(os.tmpdir(), 'ringside-workbench-'));
  const user = path.join(data, 'data/User');
  const extensions = path.join(data, 'extensions');
  mkdirSync(user, { recursive: true });
  mkdirSync(extensions);
  writeFileSync(path.join(user, 'settings.json'), JSON.stringify({ ...SETTINGS, ...settings }, null, 2));
  if (extension !== undefined) symlinkSync(extension, path.join(extensions, 'ringside.ringside'));

  const args = [server, '--host', '127.0.0.1', '--port', String(port), '--without-connection-token', '--accept-server-license-terms', '--server-data-dir', data, '--extensions-dir', extensions, '--telemetry-level', 'off'];
  if (automation) args.push('--enable-smoke-test-driver');
  const child = spawn(node, args, { env: { ...process.env, EXTENSIONS_GALLERY: '{}', ...env } });
  process.once('exit', () => child.kill('SIGKILL'));
  let log = '';
  const remove = () => rmSync(data, { recursive: true, force: true, maxRetries: 5 });
  const listening = await new Promise((resolve, reject) => {
    const read = (chunk) => {
      log += chunk;
      const found = /agent listening on (\d+)/.exec(log);
      if (found) resolve(Number(found[1]));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', reject);
    child.on('exit', (code) => {
      remove();
      reject(new Refusal(`The workbench server ended with exit code ${code}:\n${log.trim().slice(-2000)}`));
    });
  });
  return {
    port: listening,
    address: `http://127.0.0.1:${listening}/`,
    ended: new Promise((resolve) => child.on('exit', resolve)),
    log: () => log,
    async stop() {
      const ended = new Promise((resolve) => (child.exitCode === null ? child.on('exit', resolve) : resolve()));
      child.kill();
      setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS).unref();
      await ended;
      remove();
    },
  };
}
