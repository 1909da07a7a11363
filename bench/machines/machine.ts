/** What the bench asks of Ringside and of each of its rivals. */
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Guest } from '../guests.js';

export interface Job {
  readonly command: readonly string[];
  /** What the guest wrote to COM1, once the command has ended. */
  readonly console: (stdout: string) => string;
}

export interface Machine {
  readonly name: string;
  /** What its column says when it cannot run here. */
  readonly absent: string;
  /** Why it cannot run here, with the remedy. */
  readonly missing: () => string | undefined;
  readonly canRun: (guest: Guest) => boolean;
  readonly prepare: (guest: Guest) => Job;
}

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The programs that are not installed, each with Debian's package that holds it. */
export function missingPrograms(packages: Readonly<Record<string, string>>): string | undefined {
  const missing = Object.entries(packages).filter(([program]) => !isInstalled(program));
  if (missing.length === 0) return undefined;
  return missing.map(([program, name]) => `${program} is missing: install Debian's package ${name}`).join('; ');
}
