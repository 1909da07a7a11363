/** Files of Debian's packages, fetched when they are needed and kept for the next time; nothing is installed. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const KEPT = path.join(tmpdir(), 'ringside-debian');
const run = (command: string, args: readonly string[], cwd = '.'): string => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Lists of packages that are out of date, or missing, are fetched once. */
let updated = false;

function download(name: string, folder: string): void {
  try {
    run('apt-get', ['download', '-qq', name], folder);
  } catch (error) {
    if (updated) throw error;
    updated = true;
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['download', '-qq', name], folder);
  }
}

/** The folder with the package's files, or undefined where it cannot be had. */
export function debianFiles(name: string): string | undefined {
  const folder = path.join(KEPT, name);
  if (existsSync(folder)) return folder;
  const making = `${folder}.making-${process.pid}`;
  try {
    mkdirSync(making, { recursive: true });
    download(name, making);
    run('dpkg-deb', ['-x', path.join(making, readdirSync(making).find((file) => file.endsWith('.deb'))!), path.join(making, 'files')]);
    renameSync(path.join(making, 'files'), folder);
    return folder;
  } catch {
    return undefined;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** What a package that stands for the newest of its kind depends on, such as the kernel behind linux-image-cloud-amd64. */
export function newestOf(name: string): string | undefined {
  const ask = (): string | undefined => /^\s*Depends: (\S+)/m.exec(run('apt-cache', ['depends', name]))?.[1];
  try {
    const found = ask();
    if (found !== undefined || updated) return found;
    updated = true;
    run('apt-get', ['update', '-qq']);
    return ask();
  } catch {
    return undefined;
  }
}

/** The first file of a package's folder whose name begins so. */
export function fileIn(folder: string, beginning: string): string {
  const found = readdirSync(folder).find((file) => file.startsWith(beginning));
  if (found === undefined) throw new Error(`there is no ${beginning}… in ${folder}`);
  return path.join(folder, found);
}
