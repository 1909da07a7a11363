import assert from 'node:assert/strict';
import { describeLab } from './lab-readme.js';

describe("a lab's entry in the list", () => {
  it('takes the first heading and the first paragraph', () => {
    assert.deepEqual(describeLab('# Your first hypervisor\n\nEnter VMX operation\nand run a guest.\n\nMore.\n', 'x'), { title: 'Your first hypervisor', summary: 'Enter VMX operation and run a guest.' });
  });
  it('falls back to the folder name and no summary', () => {
    assert.deepEqual(describeLab('', 'first'), { title: 'first', summary: '' });
    assert.deepEqual(describeLab('# Title\n\n## Steps\n', 'x'), { title: 'Title', summary: '' });
  });
});
