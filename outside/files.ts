/** Files of the host, and what is wrong with one in a sentence. */
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
};

export async function readFileOrSay(file: string): Promise<Uint8Array> {
  try {
    if ((await stat(file)).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    return await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new Error(`${file}: ${REASONS[code] ?? `it cannot be read (${code || String(error)})`}; correct the path, or build the file first.`, { cause: error });
  }
}

export async function fileExists(file: string): Promise<boolean> {
  try {
    await access(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
