import assert from 'node:assert/strict';
import { SymbolKind, type DocumentSymbol } from 'vscode-languageserver-types';
import { workspaceOf } from '../test-workspace.js';
import { documentSymbols } from './document-symbols.js';

const KIND = Object.fromEntries(Object.entries(SymbolKind).map(([name, number]) => [number, name]));
const show = ({ name, kind, children = [], range }: DocumentSymbol, indent = ''): string[] =>
  [`${indent}${KIND[kind]} ${name} ${range.start.line + 1}-${range.end.line + 1}`, ...children.flatMap((child) => show(child, `${indent}  `))];
function outline(file: string, text: string): string[] {
  const { workspace, uri } = workspaceOf({ [file]: text });
  return documentSymbols(workspace, uri).flatMap((symbol) => show(symbol));
}

describe('the outline', () => {
  it('of a GNU source', () => {
    assert.deepEqual(outline('a.S', '#define PORT 1\n.macro save r\n push \\r\n.endm\n.text\nstart: nop\n1: jmp 1b\n.Lend: ret\n.data\ntable:\n .long 1'), [
      'Constant PORT 1-1', 'Method save 2-4', 'Namespace .text 5-8', '  Function start 6-8', '    Function .Lend 8-8', 'Namespace .data 9-11', '  Variable table 10-11',
    ]);
  });
  it('of a NASM source', () => {
    assert.deepEqual(outline('a.asm', 'section .text\nmain:\n.again: loop .again\nother: ret\nsection .bss\nbuffer resb 512\nSIZE equ 4\nstruc point\n.x: resd 1\nendstruc'), [
      'Namespace .text 1-4', '  Function main 2-3', '    Function main..again 3-3'.replace('..', '.'), '  Function other 4-4', 'Namespace .bss 5-10', '  Variable buffer 6-10', '    Variable point.x 9-9', '  Constant SIZE 7-7', '  Struct point 8-10',
    ]);
  });
});
