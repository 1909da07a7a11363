import assert from 'node:assert/strict';
import type { CompletionItem, MarkupContent } from 'vscode-languageserver-types';
import { workspaceOf } from '../test-workspace.js';
import { completion, resolveCompletion } from './completion.js';

function items(files: Readonly<Record<string, string>>): CompletionItem[] {
  const { workspace, uri, position } = workspaceOf(files);
  return completion(workspace, uri, position);
}
const labels = (files: Readonly<Record<string, string>>): string[] => items(files).map(({ label }) => label);

describe('completion', () => {
  const cases: Readonly<Record<string, { files: Readonly<Record<string, string>>; has: readonly string[]; hasNot: readonly string[] }>> = {
    'mnemonics with suffixes in AT&T syntax': { files: { 'a.S': '.text\n mo‸' }, has: ['mov', 'movq', 'lock', '.globl'], hasNot: ['%rax', 'rax', 'times'] },
    'mnemonics behind a label and a prefix': { files: { 'a.S': '.text\n1: rep mo‸' }, has: ['movsb'], hasNot: ['%rax'] },
    'mnemonics without suffixes in NASM': { files: { 'a.asm': 'bits 64\n mo‸' }, has: ['mov', 'resb'], hasNot: ['movl', '.globl'] },
    'macros where a mnemonic may stand': { files: { 'a.S': '.macro save r\n.endm\nlabel:\n sa‸' }, has: ['save', 'sal'], hasNot: ['label'] },
    'directives behind a full stop': { files: { 'a.S': '.text\n .glo‸' }, has: ['.globl', '.global'], hasNot: ['mov'] },
    'registers behind %': { files: { 'a.S': '.text\n mov %r‸' }, has: ['%rax', '%cr3', '%st(1)'], hasNot: ['rax', 'mov'] },
    'registers and symbols as operands': { files: { 'a.asm': 'bits 64\nstart: mov rax, s‸\nSIZE equ 4' }, has: ['rsi', 'start', 'SIZE'], hasNot: ['%rax', 'mov'] },
    'constants of headers and global labels of other modules': { files: { 'a.S': '#include "b.h"\n mov $‸', 'b.h': '#define PORT 1', 'c.S': '.globl far\nfar: ret\nnear: ret' }, has: ['PORT', 'far', '%rax'], hasNot: ['near'] },
    'local labels by their short names': { files: { 'a.asm': 'bits 64\na:\n.loop: jmp .l‸' }, has: ['.loop'], hasNot: ['a.loop'] },
    'capitals stay capitals': { files: { 'a.asm': 'bits 64\n MO‸' }, has: ['MOV'], hasNot: ['mov'] },
  };
  for (const [title, { files, has, hasNot }] of Object.entries(cases)) {
    it(title, () => {
      const found = new Set(labels(files));
      assert.deepEqual(has.filter((label) => !found.has(label)), []);
      assert.deepEqual(hasNot.filter((label) => found.has(label)), []);
    });
  }

  for (const text of ['.text\n ret # mo‸', '.text\n .ascii "mo‸"', '/* mo‸']) it(`offers nothing in ${JSON.stringify(text)}`, () => { assert.deepEqual(labels({ 'a.S': text }), []); });

  it('replaces the word before the cursor, % included', () => {
    const item = items({ 'a.S': '.text\n mov %ra‸' }).find(({ label }) => label === '%rax');
    assert.deepEqual(item?.textEdit, { range: { start: { line: 1, character: 5 }, end: { line: 1, character: 8 } }, newText: '%rax' });
  });
  it('leaves the $ of an immediate alone', () => {
    const item = items({ 'a.S': 'start: mov $st‸' }).find(({ label }) => label === 'start');
    assert.deepEqual(item?.textEdit, { range: { start: { line: 0, character: 12 }, end: { line: 0, character: 14 } }, newText: 'start' });
  });

  it('tells the summary in the list, and everything when asked', () => {
    const item = items({ 'a.S': '.text\n cpu‸' }).find(({ label }) => label === 'cpuid')!;
    assert.equal(item.detail, 'CPU Identification');
    assert.match((resolveCompletion(item).documentation as MarkupContent).value, /0F A2 {2}CPUID[^]*VM exit.*Always/);
  });
});
