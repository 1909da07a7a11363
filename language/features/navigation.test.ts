import assert from 'node:assert/strict';
import type { Location } from 'vscode-languageserver-types';
import { uriOf, workspaceOf } from '../test-workspace.js';
import { definition, references } from './navigation.js';

type Files = Readonly<Record<string, string>>;
const show = (locations: readonly Location[]): string[] => locations.map(({ uri, range: { start } }) => `${uri.replace(uriOf(''), '')}:${start.line + 1}:${start.character}`).sort();
function defined(files: Files): string[] {
  const { workspace, uri, position } = workspaceOf(files);
  return show(definition(workspace, uri, position));
}
function used(files: Files, includeDeclaration = false): string[] {
  const { workspace, uri, position } = workspaceOf(files);
  return show(references(workspace, uri, position, includeDeclaration));
}

describe('go to definition', () => {
  const cases: Readonly<Record<string, readonly [Files, readonly string[]]>> = {
    'a label': [{ 'a.S': 'start: nop\n jmp st‸art' }, ['a.S:1:0']],
    'an address as an immediate': [{ 'a.S': 'table: nop\n mov $ta‸ble, %eax' }, ['a.S:1:0']],
    'a numeric label behind': [{ 'a.S': '1: nop\n jmp 1‸f\n1: nop' }, ['a.S:3:0']],
    'a numeric label before': [{ 'a.S': '1: nop\n1: jmp 1‸b\n1: nop' }, ['a.S:2:0']],
    'a local label of NASM belongs to the label before it': [{ 'a.asm': 'bits 64\na:\n.x: nop\nb:\n.x: nop\n jmp .‸x' }, ['a.asm:5:0']],
    'a local label of NASM by its whole name': [{ 'a.asm': 'bits 64\na:\n.x: nop\nb:\n.x: jmp a.‸x' }, ['a.asm:3:0']],
    'a constant of .set': [{ 'a.S': ' .set limit, 4\n mov $li‸mit, %eax' }, ['a.S:1:6']],
    'a constant of equ': [{ 'a.asm': 'SIZE equ 4\n mov eax, SI‸ZE' }, ['a.asm:1:0']],
    'a macro': [{ 'a.S': ' .macro save register\n .endm\n sa‸ve rax' }, ['a.S:1:8']],
    'a macro of NASM': [{ 'a.asm': '%macro save 1\n%endmacro\n sa‸ve rax' }, ['a.asm:1:7']],
    'an included file': [{ 'src/a.S': '#include "../inc‸lude/b.h"', 'include/b.h': '' }, ['include/b.h:1:0']],
    'a constant of an included header': [{ 'a.S': '#include "b.h"\n mov $P‸ORT, %eax', 'b.h': 'int x;\n#define PORT 1\n' }, ['b.h:2:8']],
    'through several files': [{ 'a.asm': '%include "b.inc"\n mov eax, O‸NE', 'b.inc': '%include "c.inc"\n', 'c.inc': 'ONE equ 1\n' }, ['c.inc:1:0']],
    'an included file of the search path': [{ 'src/a.asm': '%include "b.inc"\n mov eax, O‸NE', 'lib/b.inc': 'ONE equ 1\n' }, ['lib/b.inc:1:0']],
    'a global label of another module': [{ 'a.S': ' call fa‸r', 'b.S': ' .globl far\nfar: ret' }, ['b.S:2:0']],
    'a global label of NASM': [{ 'a.asm': 'extern far\n call fa‸r', 'b.asm': 'global far\nfar: ret' }, ['b.asm:2:0']],
    'a label of another module that is not global is not meant': [{ 'a.S': ' call fa‸r', 'b.S': 'far: ret' }, []],
    'its own label is nearer than a global one': [{ 'a.S': 'far: ret\n call fa‸r', 'b.S': ' .globl far\nfar: ret' }, ['a.S:1:0']],
    'a label of the file that includes this one': [{ 'a.asm': 'bits 64\nstart: nop\n%include "b.inc"', 'b.inc': ' jmp st‸art' }, ['a.asm:2:0']],
    'files that include each other': [{ 'a.asm': '%include "b.inc"\n jmp no‸where', 'b.inc': '%include "a.asm"\n' }, []],
    'nothing in a string': [{ 'a.S': 'start: .ascii "st‸art"' }, []],
  };
  for (const [title, [files, places]] of Object.entries(cases)) it(title, () => { assert.deepEqual(defined(files), places); });
});

describe('find references', () => {
  const cases: Readonly<Record<string, readonly [Files, readonly string[]]>> = {
    'in the same file': [{ 'a.S': 'sta‸rt: nop\n jmp start\n .size start, . - start' }, ['a.S:2:5', 'a.S:3:18', 'a.S:3:7']],
    'of a global label, in all modules': [{ 'a.S': ' .globl far\nfa‸r: ret', 'b.S': ' call far', 'c.S': 'far: jmp far' }, ['a.S:1:8', 'b.S:1:6']],
    'of a local label, not in other modules': [{ 'a.S': 'fa‸r: ret\n call far', 'b.S': ' call far' }, ['a.S:2:6']],
    'of a header, in all who include it': [{ 'b.h': '#define PO‸RT 1', 'a.S': '#include "b.h"\n mov $PORT, %al', 'c.S': ' mov $PORT, %al' }, ['a.S:2:6']],
    'of one numeric label': [{ 'a.S': '1: jmp 1b\n1‸: jmp 1b\n jmp 1b\n jmp 1f\n1: nop' }, ['a.S:2:7', 'a.S:3:5']],
    'of a macro': [{ 'a.S': ' .macro sa‸ve r\n .endm\n save rax\n save rbx' }, ['a.S:3:1', 'a.S:4:1']],
    'of the label that a local label of NASM belongs to': [{ 'a.asm': 'bits 64\na:\n.‸x: jmp .x\nb:\n.x: jmp .x\n jmp a.x' }, ['a.asm:3:8', 'a.asm:6:5']],
  };
  for (const [title, [files, places]] of Object.entries(cases)) it(title, () => { assert.deepEqual(used(files), places); });
  it('with the declaration', () => { assert.deepEqual(used({ 'a.S': 'sta‸rt: jmp start' }, true), ['a.S:1:0', 'a.S:1:11']); });
});
