import assert from 'node:assert/strict';
import { readingsOf } from './mnemonics.js';
import { narrow, operandsOf } from './operands.js';
import { parse } from './parser.js';

/** The rows that fit the first instruction of a source. */
function fitting(file: string, first: string, line: string): string[] {
  const statement = parse(`file:///${file}`, `${first}\n ${line}`).statements.at(-1)!;
  return [...new Set(narrow(readingsOf(statement.head!.text, statement.dialect), operandsOf(statement)).flatMap((judged) => judged.fitting.map(({ syntax }) => syntax)))];
}

describe('rows that fit the operands', () => {
  const att: Readonly<Record<string, readonly string[]>> = {
    'mov %rax, %cr3': ['MOV CR0-CR7, r64'],
    'mov %cr0, %eax': ['MOV r32, CR0-CR7'],
    'movq %rax, %xmm0': ['MOVQ xmm, r/m64'],
    'movq %rax, %rbx': ['MOV r/m64, r64', 'MOV r64, r/m64'],
    'mov %ax, %ds': ['MOV Sreg, r/m16'],
    'movl $1, 8(%rdi)': ['MOV r/m32, imm32'],
    'in (%dx), %al': ['IN AL, DX'],
    'outb %al, $0xe9': ['OUT imm8, AL'],
    'ljmp *(%eax)': ['JMP m16:16', 'JMP m16:32', 'JMP m16:64'],
    'call *%rax': ['CALL r/m64'],
    'jmp 1b': ['JMP rel8', 'JMP rel16', 'JMP rel32'],
    'shll %eax': ['SHL r/m32, 1'],
    'shll %cl, %eax': ['SHL r/m32, CL'],
    'push %\\register': ['PUSH r/m16', 'PUSH r/m32', 'PUSH r/m64', 'PUSH r16', 'PUSH r32', 'PUSH r64', 'PUSH imm8', 'PUSH imm16', 'PUSH imm32', 'PUSH FS', 'PUSH GS', 'PUSH ES', 'PUSH CS', 'PUSH SS', 'PUSH DS'],
    'movsd': ['MOVSD'],
    'movsd %xmm0, %xmm1': ['MOVSD xmm1, xmm2/m64', 'MOVSD xmm1/m64, xmm2'],
  };
  for (const [line, rows] of Object.entries(att)) it(`AT&T: ${line}`, () => { assert.deepEqual(fitting('a.S', '.text', line).sort(), [...rows].sort()); });

  const nasm: Readonly<Record<string, readonly string[]>> = {
    'mov cr3, rax': ['MOV CR0-CR7, r64'],
    'mov [rdi], eax': ['MOV r/m32, r32'],
    'mov byte [rdi], 1': ['MOV r/m8, imm8'],
    'add rax, 0x10': ['ADD RAX, imm32', 'ADD r/m64, imm32', 'ADD r/m64, imm8'],
    'movzx eax, byte [rsi]': ['MOVZX r32, r/m8'],
    'out dx, al': ['OUT DX, AL'],
    'vmread rax, rdx': ['VMREAD r/m64, r64'],
    'lgdt [table]': ['LGDT m16&32', 'LGDT m16&64'],
  };
  for (const [line, rows] of Object.entries(nasm)) it(`NASM: ${line}`, () => { assert.deepEqual(fitting('a.nasm', 'bits 64', line).sort(), [...rows].sort()); });
});
