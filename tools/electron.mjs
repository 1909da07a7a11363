/** The editor suite inside a desktop VS Code, which @vscode/test-electron downloads. */
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { labCopy } from './editor.mjs';
import { build, installPackages, requireNode } from './packages.mjs';
import { root } from './run.mjs';

requireNode();
await installPackages();
await build();
try {
  await runTests({ extensionDevelopmentPath: root, extensionTestsPath: path.join(root, 'dist/editor-tests.cjs'), launchArgs: [labCopy('electron'), '--disable-extensions', '--disable-workspace-trust'] });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
