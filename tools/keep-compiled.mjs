/** Keeps what V8 compiles while the command line runs an empty guest: cli/launcher.cjs starts with it. */
import { writeFileSync, readFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';

const root = path.dirname(import.meta.dirname), filename = path.join(root, 'dist/ringside-main.js');
const LIMIT = 100_000, LIMIT_REACHED = 6;

process.argv = [process.execPath, filename, 'run', path.join(root, 'bench/guests/out/nop64.elf'), '--max-instructions', String(LIMIT), '--stats'];
const script = new Script(Module.wrap(readFileSync(filename, 'latin1')), { filename }), module = { exports: {} };
process.on('exit', (status) => {
  if (status !== LIMIT_REACHED) return;
  writeFileSync(`${filename}.compiled`, script.createCachedData());
  process.exitCode = 0;
});
script.runInThisContext()(module.exports, createRequire(filename), module, filename, path.dirname(filename));
