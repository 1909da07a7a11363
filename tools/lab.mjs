/** npm run lab NAME: runs a lab on the command line, and says how often each trap came. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { runLab } from './labs.mjs';
import { build, installPackages, requireNode } from './packages.mjs';
import { Refusal, root } from './run.mjs';

const labs = path.join(root, 'labs');

try {
  const [name, ...others] = process.argv.slice(2), names = readdirSync(labs).filter((each) => existsSync(path.join(labs, each, 'lab.json')));
  if (!names.includes(name) || others.length > 0) throw new Refusal(`Usage: npm run lab NAME, where NAME is one of: ${names.join(', ')}.`);
  requireNode();
  await installPackages();
  await build();
  process.exitCode = await runLab(path.join(labs, name));
} catch (error) {
  console.error(error instanceof Refusal ? error.message : error);
  process.exitCode = 1;
}
