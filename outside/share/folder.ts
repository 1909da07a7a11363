/**
 * The files under one folder of the host, by paths that cannot leave it: a path is a list of names, none of which is a way up or a path itself, and only the last may
 * be a symbolic link, which is never followed. Guests follow links themselves, and end up in their own files.
 */
import { accessSync, constants, lstatSync, openSync, realpathSync, type BigIntStats } from 'node:fs';
import path from 'node:path';
import { BadImage } from '../../emulator/boot/bad-image.js';
import { Refused } from './errors.js';

export type Names = readonly string[];

export function checkName(name: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('\0') || name.includes('/') || path.basename(name) !== name) throw new Refused('EINVAL');
  return name;
}

export class Folder {
  /** `root`: its real path. */
  constructor(private readonly root: string, readonly writable: boolean) {}

  /** Where a file is on the host, or would be; the folder above it is there, and is no link. */
  at(names: Names): string {
    const above = path.join(this.root, ...names.slice(0, -1));
    if (realpathSync(above) !== above) throw new Refused('ELOOP');
    return path.join(this.root, ...names);
  }

  stat(names: Names): BigIntStats { return lstatSync(this.at(names), { bigint: true }); }

  requireWritable(): void { if (!this.writable) throw new Refused('EROFS'); }

  /** Only files and folders are opened: anything else could make the host wait. */
  open(names: Names, flags: number): number {
    const stat = this.stat(names);
    if (stat.isSymbolicLink()) throw new Refused('ELOOP');
    if (!stat.isFile() && !stat.isDirectory()) throw new Refused('EACCES');
    return openSync(this.at(names), flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  }

  create(names: Names, flags: number, mode: number): number {
    return openSync(this.at(names), flags | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
  }
}

/** Throws a sentence when it is not there or may not be used. */
export function openFolder(folder: string, writable: boolean): Folder {
  try {
    const root = realpathSync(folder);
    if (!lstatSync(root).isDirectory()) throw new BadImage(folder, 'it is no folder, and cannot be shared', 'give the folder that it is in');
    accessSync(root, constants.R_OK | constants.X_OK | (writable ? constants.W_OK : 0));
    return new Folder(root, writable);
  } catch (error) {
    if (error instanceof BadImage) throw error;
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new BadImage(folder, 'there is no such folder', 'correct the path') : new BadImage(folder, `it may not be ${writable ? 'written' : 'read'}`, writable ? 'leave out “,write”' : 'share another');
  }
}
