import assert from 'node:assert/strict';
import { workspaceOf } from '../test-workspace.js';
import { diagnostics } from './diagnostics.js';

function complaints(files: Readonly<Record<string, string>>): string[] {
  const { workspace, uri } = workspaceOf(files);
  return diagnostics(workspace, uri).map(({ message, range: { start } }) => `${start.line + 1}: ${message}`);
}

describe('diagnostics', () => {
  const wrong: Readonly<Record<string, readonly [Readonly<Record<string, string>>, readonly string[]]>> = {
    'a label twice': [{ 'a.S': 'a: nop\nb: nop\na: nop' }, ['3: "a" is already defined in line 1. Give one of them another name.']],
    'a local label twice under one label': [{ 'a.asm': 'bits 64\na:\n.x: nop\n.x: nop' }, ['4: "a.x" is already defined in line 3. Give one of them another name.']],
    'no label ahead': [{ 'a.S': '1: jmp 1f' }, ['1: There is no label "1:" after this line.']],
    'no label before': [{ 'a.S': ' jmp 2b\n2: nop' }, ['1: There is no label "2:" before this line.']],
  };
  for (const [title, [files, messages]] of Object.entries(wrong)) it(title, () => { assert.deepEqual(complaints(files), messages); });

  const right: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'numeric labels repeat': { 'a.S': '1: jmp 1b\n1: jmp 1f\n1: nop' },
    'a label on the same line is before': { 'a.S': '1: jmp 1b' },
    'branches of a condition define the same': { 'a.S': '#ifdef A\na: nop\n#else\na: nop\n#endif' },
    'macros define what they like': { 'a.S': '.macro m\na: jmp 1f\n.endm\n.rept 2\nb\\@: nop\n.endr\na: nop' },
    'a macro may define the numeric label': { 'a.S': '.macro m\n1: nop\n.endm\n jmp 1f\n m' },
    'local labels repeat under other labels': { 'a.asm': 'bits 64\na:\n.x: nop\nb:\n.x: nop' },
    'symbols may be set again': { 'a.S': '.set a, 1\n.set a, 2\nb = 1\nb = 2' },
    'an included file may define the numeric label': { 'a.S': ' jmp 1f\n.include "b.inc"', 'b.inc': '1: nop' },
    'an included file that cannot be found may define it': { 'a.S': ' jmp 1f\n.include "b.inc"' },
    'numbers of NASM are no labels': { 'a.asm': 'bits 64\n mov eax, 1b\n mov eax, 0x1f' },
    'hexadecimal digits are no labels': { 'a.S': ' mov $0x1f, %eax\n .byte 0b1' },
    'a definition of the preprocessor is not code yet': { 'a.S': '#define again jmp 1b' },
    'headers are not judged': { 'a.h': 'out: return; out: return;' },
  };
  for (const [title, files] of Object.entries(right)) it(title, () => { assert.deepEqual(complaints(files), []); });
});
