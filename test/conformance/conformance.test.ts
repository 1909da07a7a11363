import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import { conformance } from './conformance.js';

describe('docs/conformance.md', () => {
  it('is what npm run conformance writes', () => {
    assert.equal(readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8'), conformance());
  });

  it('names what each instruction was compared with', () => {
    const lines = conformance().split('\n');
    for (const { name } of INSTRUCTIONS) {
      const row = lines.find((line) => line.startsWith(`| ${name} |`));
      assert.ok(row, `${name} has no row`);
    }
  });
});
