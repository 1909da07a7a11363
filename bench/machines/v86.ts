/** v86 in Node: 32-bit only, and no VMX. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './machine.js';
import type { Machine } from './machine.js';

export const v86: Machine = {
  name: 'v86',
  absent: 'missing',
  missing: () => (existsSync(join(ROOT, 'node_modules', 'v86')) ? undefined : "the npm package v86 is missing: run 'npm install'"),
  canRun: (guest) => guest.bits === 32,
  prepare: (guest) => ({
    command: [process.execPath, join(ROOT, 'bench', 'machines', 'v86-guest.mjs'), guest.elf],
    console: (stdout) => stdout,
  }),
};
