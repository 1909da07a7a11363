/** What a fresh checkout needs before anything runs: a recent Node, the npm packages, and on Debian the system's tools. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Refusal, onPath, progress, root, run } from './run.mjs';

const OLDEST_NODE = 20;

export function requireNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) throw new Refusal(`Ringside needs Node ${OLDEST_NODE} or newer; this is Node ${process.versions.node}. Install a newer one and try again.`);
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** Names the first package of the lock file that is missing or has another version; undefined when all are in place. */
function stalePackage() {
  const installedList = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedList)) return 'node_modules';
  const installed = readJson(installedList).packages;
  const wanted = Object.entries(readJson(path.join(root, 'package-lock.json')).packages);
  return wanted.find(([where, { version, optional, peer }]) => where !== '' && !optional && !peer && installed[where]?.version !== version)?.[0];
}

export async function installPackages() {
  const stale = stalePackage();
  if (stale === undefined) return;
  progress(`installing npm packages (${stale} is missing or out of date) …`);
  await run('npm', ['ci', '--no-audit', '--no-fund'], { quiet: true });
}

export const build = async () => {
  progress('building …');
  await run(process.execPath, [path.join(root, 'node_modules/webpack/bin/webpack.js'), '--config', 'webpack.config.js']);
};

/** Debian packages the tests use, each with a program or file that shows it is there. */
const DEBIAN = [
  { package: 'gcc', shows: 'gcc', for: 'guest programs in C' },
  { package: 'libc6-dev', shows: '/usr/include/stdio.h', for: 'the oracle that runs instructions on this processor' },
  { package: 'binutils', shows: 'as', for: 'guest programs, and readelf and objdump as oracles' },
  { package: 'nasm', shows: 'nasm', for: 'the assembler oracle' },
  { package: 'chromium', shows: 'chromium', for: 'the editor suite' },
  { package: 'fonts-dejavu-core', shows: '/usr/share/fonts/truetype/dejavu', for: 'readable screenshots' },
  { package: 'ripgrep', shows: 'rg', for: 'file search inside the editor' },
];

const isThere = (shows) => (shows.startsWith('/') ? existsSync(shows) : onPath(shows) !== undefined);

/** Installs what is missing where that is possible without asking, and otherwise says what the run must leave out. */
export async function installSystemTools(names = DEBIAN.map((tool) => tool.package)) {
  const missing = DEBIAN.filter((tool) => names.includes(tool.package) && !isThere(tool.shows));
  if (missing.length === 0) return;
  const list = missing.map((tool) => tool.package);
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    progress(`installing Debian packages: ${list.join(' ')} …`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    try {
      await run('apt-get', ['update', '-qq'], { env, quiet: true });
      await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...list], { env, quiet: true });
    } catch (error) {
      console.log(`could not install Debian packages: ${error.message.trim().split('\n').at(-1)}`);
    }
  }
  for (const tool of missing.filter((each) => !isThere(each.shows))) console.log(`not found: ${tool.package} (used for ${tool.for})`);
}
