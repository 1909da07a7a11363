/**
 * Rebuilds every lab with gcc and compares the images with the committed ones, byte for byte.
 * With --update the committed ones are replaced.
 */
import console from 'node:console';
import process from 'node:process';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const labs = dirname(fileURLToPath(import.meta.url));
const update = process.argv.includes('--update');

const gcc = spawnSync('gcc', ['--version'], { encoding: 'utf8' });
const make = spawnSync('make', ['--version'], { encoding: 'utf8' });
if (gcc.error || make.error) {
  console.error(`labs:build needs ${gcc.error ? 'gcc' : 'make'}; install Debian's packages gcc, binutils and make`);
  process.exit(1);
}
const compiler = gcc.stdout.split('\n')[0];

const folders = readdirSync(labs).filter((name) => existsSync(join(labs, name, 'lab.json')));
const verdicts = folders.map((name) => {
  const folder = join(labs, name);
  const lab = JSON.parse(readFileSync(join(folder, 'lab.json'), 'utf8'));
  const out = join(folder, '.cache', 'out');
  mkdirSync(out, { recursive: true });

  const built = spawnSync('make', ['-C', folder, '--always-make', '--no-print-directory', 'OUT=.cache/out'], { encoding: 'utf8' });
  if (built.status !== 0) {
    console.error(`${name}: the build failed\n${built.stderr}`);
    return false;
  }

  const images = [...(lab.program === undefined ? [] : [lab.program]), ...lab.symbols.map((symbols) => symbols.file)];
  if (update) {
    for (const image of images) copyFileSync(join(out, image), join(folder, image));
    console.log(`${name}: ${images.join(', ')} replaced; built by ${compiler}`);
    return true;
  }
  if (compiler !== lab.compiler) {
    console.log(`${name}: builds, but was not compared: this is ${compiler}, the committed images come from ${lab.compiler}`);
    return true;
  }
  const different = images.filter((image) => !readFileSync(join(out, image)).equals(readFileSync(join(folder, image))));
  for (const image of different) {
    console.error(`${name}: the committed ${image} is not what its sources give; run 'npm run labs:build -- --update'`);
  }
  if (different.length === 0) console.log(`${name}: ${images.join(', ')} are what their sources give`);
  return different.length === 0;
});

process.exit(verdicts.every(Boolean) ? 0 : 1);
