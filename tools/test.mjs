/** npm test: everything a change has to pass, from a fresh checkout. `--only unit` and `--only editor` run one part. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build, installPackages, installSystemTools, requireNode } from './packages.mjs';
import { Refusal, progress, root, run } from './run.mjs';
import { tally } from './tally.mjs';

/** Folders whose unit tests run side by side, then those that want the machine to themselves. */
const SIDE_BY_SIDE = ['emulator', 'debugger', 'language', 'outside', 'cli', 'extension', 'tools', 'labs'];
const ALONE = ['test', 'bench'];
const SUITE_LIMIT_MS = 20 * 60_000;
const MOCHA = path.join(root, 'node_modules/mocha/bin/mocha.js');

function testFiles(folder) {
  const start = path.join(root, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { recursive: true })
    .map((name) => path.join(folder, name))
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules') && !file.startsWith(path.join('test', 'editor')))
    .sort();
}

/** Runs one suite in a process of its own; one that cannot start, or does not end, counts as one failed test. */
function suite(name, files, { live = false } = {}) {
  return new Promise((resolve) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'ringside-results-'));
    const file = path.join(folder, 'results.json');
    const child = spawn(process.execPath, [MOCHA, '--reporter', 'tools/reporter.cjs', ...files], {
      cwd: root,
      env: { ...process.env, RINGSIDE_RESULTS: file, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' },
      stdio: ['ignore', live ? 'inherit' : 'pipe', live ? 'inherit' : 'pipe'],
    });
    let output = '';
    child.stdout?.on('data', (data) => (output += data));
    child.stderr?.on('data', (data) => (output += data));
    const limit = setTimeout(() => child.kill('SIGKILL'), SUITE_LIMIT_MS);
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
      const complaint = signal ? `the suite was ended by ${signal}` : 'the suite could not run';
      if (code !== 0 && !results.some(({ outcome }) => outcome === 'failed')) results.push({ title: `suite ${name}`, outcome: 'failed', error: `${complaint}:\n${output.trim().slice(-2000)}` });
      rmSync(folder, { recursive: true });
      progress(`${name}: ${results.filter(({ outcome }) => outcome === 'passed').length} passed, ${results.filter(({ outcome }) => outcome === 'failed').length} failed`);
      if (code !== 0 && output !== '') console.log(output);
      resolve(results);
    });
  });
}

async function unitTests() {
  const results = [];
  const waiting = SIDE_BY_SIDE.map((folder) => [folder, testFiles(folder)]).filter(([, files]) => files.length > 0);
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) results.push(...(await suite(...next)));
  };
  await Promise.all(Array.from({ length: Math.min(4, os.availableParallelism()) }, worker));
  for (const folder of ALONE) {
    const files = testFiles(folder);
    if (files.length > 0) results.push(...(await suite(folder, files, { live: true })));
  }
  return results;
}

async function judge(name, command, args) {
  progress(`${name} …`);
  const ok = await run(command, args).then(
    () => true,
    () => false,
  );
  return [{ title: name, outcome: ok ? 'passed' : 'failed', ...(!ok && { error: 'see above' }) }];
}

async function editorTests() {
  const { runEditorSuites } = await import('./editor.mjs');
  try {
    return await runEditorSuites();
  } catch (error) {
    return [{ title: 'the editor suites', outcome: 'failed', error: error.message }];
  }
}

function report(results, isWhole) {
  const listed = JSON.parse(readFileSync(path.join(root, 'test/known-failures.json'), 'utf8'));
  const known = isWhole ? listed : listed.filter(({ test }) => results.some(({ title }) => title === test));
  const { passed, failed, expected, leftOut } = tally(results, known);
  for (const { title } of leftOut) console.log(`left out: ${title}`);
  for (const { title, reason } of expected) console.log(`fails as expected: ${title} (${reason})`);
  for (const { title, error } of failed) console.log(`FAILED: ${title}\n    ${(error ?? '').split('\n').join('\n    ')}`);
  console.log(`\n${passed} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

async function main() {
  requireNode();
  const at = process.argv.indexOf('--only');
  const only = at < 0 ? undefined : process.argv[at + 1];
  if (at >= 0 && !['unit', 'editor'].includes(only)) throw new Refusal('--only takes unit or editor.');
  await installSystemTools();
  await installPackages();
  const results = [];
  if (only === undefined) {
    results.push(...(await judge('types', process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit'])));
    results.push(...(await judge('lint', process.execPath, ['node_modules/eslint/bin/eslint.js', '.'])));
  }
  await build();
  if (only !== 'editor') results.push(...(await unitTests()));
  if (only !== 'unit') results.push(...(await editorTests()));
  report(results, only === undefined);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Refusal ? error.message : error);
  console.log('\n0 passed, 1 failed');
  process.exitCode = 1;
}
