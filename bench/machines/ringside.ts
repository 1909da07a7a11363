/** Ringside's command line, as built. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './machine.js';
import type { Machine } from './machine.js';

const program = join(ROOT, 'dist', 'ringside.js');

export const ringside: Machine = {
  name: 'Ringside',
  absent: 'not built',
  missing: () => (existsSync(program) ? undefined : "not built: run 'npm run build'"),
  canRun: () => true,
  prepare: (guest) => ({ command: [process.execPath, program, 'run', guest.elf, '--stats'], console: (stdout) => stdout }),
};

export interface Stats {
  readonly instructions: number;
  readonly seconds: number;
  readonly mips: number;
  readonly vmExits: number;
  readonly stateHash: string;
}

/** The last line of standard error, written by --stats. */
export function statsOf(stderr: string): Stats | undefined {
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return last.startsWith('{') ? (JSON.parse(last) as Stats) : undefined;
}
