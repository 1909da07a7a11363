/** The editor suites: mocha inside the extension host of a real workbench, then the workbench driven from outside. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';
import { onPath, progress, root } from './run.mjs';
import { installWorkbench, serveWorkbench } from './workbench.mjs';

const LIMIT_MS = 6 * 60_000;
export const screenshots = path.join(root, '.cache/screenshots');

export const chromiumPath = () => process.env.CHROMIUM ?? ['chromium', 'chromium-browser', 'google-chrome'].map(onPath).find((found) => found !== undefined);

/** A browser that reaches nothing but this machine. */
export async function launchBrowser() {
  const { chromium } = await import('playwright-core');
  return chromium.launch({
    executablePath: chromiumPath(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost'],
  });
}

/** A copy of the first lab, so that what a test leaves behind does not stand among the sources. */
export function labCopy(name) {
  const folder = path.join(root, '.cache/editor', name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(path.join(root, 'labs/first-hypervisor'), folder, { recursive: true, filter: (source) => path.basename(source) !== '.cache' });
  return folder;
}

/** Mocha's reporter indents; the workbench's own messages do not, and matter only when there are no results. */
const isReport = (line) => /^(\s|$)/.test(line);

async function insideTheHost() {
  const file = path.join(root, '.cache/editor/results.json');
  mkdirSync(path.dirname(file), { recursive: true });
  rmSync(file, { force: true });
  const server = await serveWorkbench({ automation: true, env: { RINGSIDE_RESULTS: file, RINGSIDE_REPORTER: path.join(root, 'tools/reporter.cjs') } });
  const browser = await launchBrowser();
  const messages = [];
  let ending;
  try {
    const page = await browser.newPage();
    const ended = new Promise((resolve) => void page.exposeFunction('codeAutomationExit', resolve));
    await page.exposeFunction('codeAutomationLog', (_type, args) => {
      const line = format(...args);
      if (isReport(line)) console.log(line);
      else messages.push(line);
    });
    const remote = (file) => `vscode-remote://127.0.0.1:${server.port}${file}`;
    const payload = [['extensionDevelopmentPath', remote(root)], ['extensionTestsPath', remote(path.join(root, 'dist/editor-tests.cjs'))], ['skipWelcome', 'true']];
    await page.goto(`${server.address}?folder=${labCopy('inside')}&payload=${encodeURIComponent(JSON.stringify(payload))}`);
    ending = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, LIMIT_MS, 'timeout').unref())]);
    mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: path.join(screenshots, 'inside-the-host.png') });
  } finally {
    await browser.close();
    await server.stop();
  }
  if (!existsSync(file)) return [{ title: 'editor suite', outcome: 'failed', error: [ending === 'timeout' ? 'did not end in time' : `the extension host ended with ${ending} and left no results`, ...messages].join('\n') }];
  return JSON.parse(readFileSync(file, 'utf8'));
}

function fromOutside() {
  const file = path.join(root, '.cache/editor/ui-results.json');
  rmSync(file, { force: true });
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(root, 'node_modules/mocha/bin/mocha.js'), '--reporter', 'tools/reporter.cjs', '--timeout', '120000', 'test/editor/**/*.test.ts'], { cwd: root, env: { ...process.env, RINGSIDE_RESULTS: file }, stdio: ['ignore', 'inherit', 'inherit'] });
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    child.on('close', (code) => {
      clearTimeout(limit);
      const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
      if (code !== 0 && !results.some(({ outcome }) => outcome === 'failed')) results.push({ title: 'editor UI suite', outcome: 'failed', error: `ended with exit code ${code}` });
      resolve(results);
    });
  });
}

export async function runEditorSuites() {
  if (chromiumPath() === undefined) {
    console.log('left out: the editor suites, because there is no Chromium. Install it, or name one in CHROMIUM.');
    return [{ title: 'the editor suites', outcome: 'left out' }];
  }
  await installWorkbench();
  progress('editor suite inside the extension host …');
  const inside = await insideTheHost();
  progress('editor suite from outside …');
  return [...inside, ...(await fromOutside())];
}
