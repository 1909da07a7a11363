import assert from 'node:assert/strict';
import { detectAssembler } from './dialect.js';

describe('which assembler a source is for', () => {
  const cases: readonly (readonly [file: string, text: string, assembler: 'GNU' | 'NASM'])[] = [
    ['a.nasm', '.text', 'NASM'],
    ['a.S', 'section .text', 'GNU'],
    ['a.s', '', 'GNU'],
    ['a.asm', '', 'NASM'],
    ['a.asm', '; Intel syntax for the GNU assembler?\n    .intel_syntax noprefix\n    mov eax, 1', 'GNU'],
    ['a.asm', '    mov %rax, %rbx', 'GNU'],
    ['a.asm', '/* C comment */\n    cli', 'GNU'],
    ['a.inc', '#define A 1', 'GNU'],
    ['a.inc', '%define A 1', 'NASM'],
    ['a.s', 'bits 16\norg 0x7c00', 'NASM'],
    ['a.s', '[BITS 32]\nstart: hlt', 'NASM'],
    ['a.s', 'message db "%rax", 0', 'NASM'],
    ['a.asm', '.loop: dec ecx\n jnz .loop\n .data: dd 0', 'NASM'],
    ['a.asm', '.text\n.globl start', 'GNU'],
    ['a.s', 'label: .long 1', 'GNU'],
  ];
  for (const [file, text, assembler] of cases) it(`${file}: ${JSON.stringify(text)} is for ${assembler}`, () => { assert.equal(detectAssembler(`file:///${file}`, text), assembler); });
});
