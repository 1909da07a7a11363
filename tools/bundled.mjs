/** Runs a TypeScript program bundled into one file, where hot code is some times as fast as through a loader: bundled.mjs PROGRAM ARGUMENTS… */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const [program, ...programArguments] = process.argv.slice(2);
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url))), outfile = path.join(root, '.cache', 'bundled', `${path.basename(program, '.ts')}.mjs`);
/** Files look for their neighbours where their sources are. */
const ownUrls = {
  name: 'own URLs',
  setup: ({ onLoad }) => onLoad({ filter: /\.ts$/ }, async (file) => (
    { contents: (await readFile(file.path, 'utf8')).replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file.path).href)), loader: 'ts' })),
};
await build({ entryPoints: [path.join(root, program)], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile, plugins: [ownUrls], logLevel: 'warning', sourcemap: 'inline' });
process.exitCode = spawnSync(process.execPath, ['--enable-source-maps', outfile, ...programArguments], { stdio: 'inherit', cwd: root }).status ?? 1;
