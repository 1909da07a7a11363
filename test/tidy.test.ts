import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { longFilesAreLong, RULES, readSources, type Source } from '../tools/tidy.js';

const one = (file: string, text: string): Source[] => [{ file, text }];
const violations: Record<string, Source[]> = {
  'folders import only what the house allows': one('emulator/devices/uart.ts', "import { walk } from '../paging/mmu.js';"),
  "a panel's view imports only its own folder and the kit": one('extension/panels/tlb/view.ts', "import { activate } from '../../extension.js';"),
  'Node, vscode and the document stay where they belong': one('emulator/cpu/cpu.ts', "import fs from 'node:fs';"),
  'files are short': one('cli/run.ts', 'x\n'.repeat(401)),
  'the list of long files is true': one('cli/run.ts', ''),
  'file names are in kebab-case': one('cli/runMachine.ts', ''),
  'nothing is left unfinished': one('cli/run.ts', `// ${'TO'}DO`),
  'the manual is cited by titles': one('emulator/vmx/entry.ts', `// SDM Vol. 3C, ${26}.3`),
  'lock files hold no download addresses': one('package-lock.json', '"resolved": "x"'),
};

describe('The house rules', () => {
  const sources = readSources(fileURLToPath(new URL('..', import.meta.url)));
  for (const [name, rule] of Object.entries(RULES)) {
    it(name, () => {
      const faults = rule(sources);
      assert.equal(faults.length, 0, faults.join('\n'));
    });
    it(`${name}, and the rule can tell`, () => {
      const found = rule === longFilesAreLong ? longFilesAreLong(violations[name]!, { 'cli/run.ts': 'a table' }) : rule(violations[name]!);
      assert.equal(found.length, 1);
    });
  }
});
