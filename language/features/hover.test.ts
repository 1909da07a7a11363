import assert from 'node:assert/strict';
import type { MarkupContent } from 'vscode-languageserver-types';
import { workspaceOf } from '../test-workspace.js';
import { hover } from './hover.js';

function text(files: Readonly<Record<string, string>>): string {
  const { workspace, uri, position } = workspaceOf(files);
  return (hover(workspace, uri, position)?.contents as MarkupContent | undefined)?.value ?? '';
}
const att = (line: string): string => text({ 'a.S': `.text\n ${line}\n` });
const nasm = (line: string): string => text({ 'a.asm': `bits 64\n ${line}\n` });

describe('hover on a mnemonic', () => {
  it('add: title, rows, sizes, flags and exceptions of its entry', () => {
    assert.equal(nasm('a‸dd rax, 5'), [
      '**ADD** — Add', '',
      '```text',
      '  00 /r             ADD r/m8, r8',
      '  01 /r             ADD r/m16, r16',
      '  01 /r             ADD r/m32, r32',
      '  REX.W + 01 /r     ADD r/m64, r64',
      '  02 /r             ADD r8, r/m8',
      '  03 /r             ADD r16, r/m16',
      '  03 /r             ADD r32, r/m32',
      '  REX.W + 03 /r     ADD r64, r/m64',
      '  04 ib             ADD AL, imm8',
      '  05 iw             ADD AX, imm16',
      '  05 id             ADD EAX, imm32',
      '▸ REX.W + 05 id     ADD RAX, imm32',
      '  80 /0 ib          ADD r/m8, imm8',
      '  82 /0 ib          ADD r/m8, imm8    not in 64-bit mode',
      '  81 /0 iw          ADD r/m16, imm16',
      '  81 /0 id          ADD r/m32, imm32',
      '▸ REX.W + 81 /0 id  ADD r/m64, imm32',
      '  83 /0 ib          ADD r/m16, imm8',
      '  83 /0 ib          ADD r/m32, imm8',
      '▸ REX.W + 83 /0 ib  ADD r/m64, imm8',
      '```', '',
      '**Operand sizes** 8, 16, 32, 64 bits', '',
      '**Flags** The OF, SF, ZF, AF, CF, and PF flags are set according to the result.', '',
      '**Exceptions**',
      '- #GP(0), in the SS segment #SS(0), if a memory operand is outside the segment limit or not canonical, or the segment does not allow the access.',
      '- #PF(fault-code) if a page fault occurs.',
      '- #AC(0) if alignment checking is enabled and an unaligned access is made at CPL 3.',
      '- #UD if LOCK is used and the destination is not a memory operand.',
    ].join('\n'));
  });

  const says: Readonly<Record<string, { hover: string; has?: readonly string[]; hasNot?: readonly string[] }>> = {
    'addl: AT&T syntax tells the size': { hover: att('a‸ddl $5, %eax'), has: ['`addl` is ADD with 32-bit operands.', '▸ 05 id     ADD EAX, imm32'], hasNot: ['ADD r/m64'] },
    'add: AT&T spellings of the sizes': { hover: att('a‸dd %eax, %ebx'), has: ['8 (`addb`), 16 (`addw`), 32 (`addl`), 64 (`addq`) bits'] },
    'jz: the synonym is explained': { hover: nasm('j‸z 1'), has: ['**JE** — Jump if Condition Is Met', '`jz` is JE.'] },
    'shl: undefined flags': { hover: att('sh‸l %eax'), has: ['Undefined: AF, OF.'] },
    'and: undefined flags are not said twice': { hover: nasm('a‸nd eax, ebx'), has: ['The state of the AF flag is undefined.'], hasNot: ['Undefined: AF'] },
    'cpuid exits always': { hover: att('cpui‸d'), has: ['**CPUID** — CPU Identification', '**VM exit** from VMX non-root operation: Always.', '- #UD if LOCK is used.'], hasNot: ['#PF'] },
    'vmcall': { hover: att('vmcal‸l'), has: ['**VMCALL** — Call to VM Monitor', '0F 01 C1  VMCALL', 'from VMX non-root operation: Always.', '**CPUID** VMX', '#UD outside VMX operation'] },
    'mov to cr3 is not the MOV of data': { hover: att('mo‸v %rax, %cr3'), has: ['**MOV** — Move to/from Control Registers', '▸ 0F 22 /r  MOV CR0-CR7, r64', '"CR3-load exiting"', '#GP(0) if CPL is not 0'], hasNot: ['MOV r/m8'] },
    'mov cr3 in NASM': { hover: nasm('mo‸v cr3, rax'), has: ['Move to/from Control Registers'], hasNot: ['MOV r/m8'] },
    'mov of data is not the MOV to control registers': { hover: nasm('mo‸v rax, rbx'), has: ['▸ REX.W + 89 /r     MOV r/m64, r64'], hasNot: ['Control Registers'] },
    'rdmsr': { hover: nasm('rdms‸r'), has: ['Read From Model Specific Register', 'Unless "use MSR bitmaps" is 1', '#GP(0) if there is no such MSR.'] },
    'hlt': { hover: nasm('hl‸t'), has: ['If "HLT exiting" is 1.', '#GP(0) if CPL is not 0.'] },
    'vaddpd: AVX': { hover: nasm('vaddp‸d ymm0, ymm1, [rdi]'), has: ['VADDPD ymm1, ymm2, ymm3/m256', 'XCR0 does not enable SSE and AVX state', '**CPUID** AVX'], hasNot: ['CR4.OSFXSR', 'not aligned to its size'] },
    'movaps: aligned operands and SSE': { hover: nasm('movap‸s xmm0, [rdi]'), has: ['#GP(0) if a memory operand is not aligned to its size.', '#NM if CR0.TS is 1', '**CPUID** SSE'] },
    'lea accesses no memory': { hover: nasm('le‸a rax, [rdi]'), hasNot: ['#PF'] },
    'push accesses the stack': { hover: nasm('pus‸h rax'), has: ['#PF(fault-code)', '#SS(0)'] },
    'movsd without operands is the string instruction': { hover: nasm('movs‸d'), has: ['Move Data From String to String'], hasNot: ['Double Precision'] },
    'movsd with registers is the SSE instruction': { hover: nasm('movs‸d xmm0, xmm1'), has: ['Double Precision'], hasNot: ['String'] },
    'lfence is no memory fence': { hover: nasm('lfenc‸e'), has: ['**LFENCE** — Load Fence'] },
    'finit waits first': { hover: nasm('fini‸t'), has: ['**FNINIT** —', '`finit` is WAIT, then FNINIT.', '#NM if CR0.EM or CR0.TS is 1'] },
    'fldl: AT&T syntax tells the format': { hover: att('fld‸l (%rdi)'), has: ['FLD m64fp', 'x87 FPU exceptions: #I'], hasNot: ['m32fp'] },
    'lock': { hover: nasm('loc‸k inc dword [rax]'), has: ['**LOCK** —'] },
    'a directive': { hover: att('.glob‸l start'), has: ['**.globl** — Makes the symbols visible to the linker.'] },
    'a NASM directive': { hover: nasm('time‸s 3 nop'), has: ['**times** —'] },
  };
  for (const [title, { hover: value, has = [], hasNot = [] }] of Object.entries(says)) {
    it(title, () => {
      for (const part of has) assert.ok(value.includes(part), `"${part}" is not in:\n${value}`);
      for (const part of hasNot) assert.ok(!value.includes(part), `"${part}" is in:\n${value}`);
    });
  }
});

describe('hover on a register', () => {
  const registers: Readonly<Record<string, readonly [string, string]>> = {
    rax: [att('mov %ra‸x, %rbx'), '**RAX** — 64-bit general-purpose register: accumulator for operands and results.'],
    eax: [nasm('mov ea‸x, ebx'), '**EAX** — 32-bit general-purpose register: bits 31:0; a write clears bits 63:32 of RAX.'],
    ah: [nasm('mov a‸h, bl'), '**AH** — 8-bit general-purpose register: bits 15:8 of RAX.'],
    cr3: [att('mov %rax, %cr‸3'), '**CR3** — 64-bit control register: physical address of the paging structures; PCID or PCD and PWT.'],
    'in a memory operand': [att('mov 8(%rd‸i), %eax'), '**RDI** — 64-bit general-purpose register: destination pointer for string operations.'],
    'a symbol of that name in AT&T syntax is no register': [att('jmp c‸x'), ''],
    'a comment is no register': [att('ret # %ra‸x'), ''],
  };
  for (const [title, [value, expected]] of Object.entries(registers)) it(title, () => { assert.equal(value, expected); });
});

describe('hover on numbers and symbols', () => {
  it('a number in the other base', () => { assert.equal(nasm('mov eax, 0ff‸h'), '`0xff` = 255'); });
  it('the encoding of a VMCS field before VMWRITE', () => {
    assert.equal(text({ 'a.S': ' movq $0x68‸1e, %rdx\n vmwrite %rax, %rdx' }), '`0x681e` = 26654\n\n**guest RIP**: field of the VMCS, guest state, natural width');
  });
  it('the same number elsewhere is only a number', () => { assert.equal(text({ 'a.S': ' movq $0x68‸1e, %rdx\n ret' }), '`0x681e` = 26654'); });
  for (const [file, line] of [['a.S', '#define GUEST_RIP 0x681‸e'], ['a.S', '.set GUEST_RIP, 0x681‸e'], ['a.S', 'GUEST_RIP = 0x681‸e'], ['a.asm', 'GUEST_RIP equ 0x681‸e'], ['a.asm', '%define GUEST_RIP 681‸eh']] as const) {
    it(`the encoding of a VMCS field in ${line}`, () => { assert.match(text({ [file]: line }), /As an encoding: \*\*guest RIP\*\*/); });
  }
  it('a constant by name, before VMREAD, from an included header', () => {
    const value = text({ 'a.S': '#include "vmcs.h"\n mov $EXIT‸_REASON, %eax\n vmread %rax, %rbx', 'vmcs.h': '#pragma once\n#define EXIT_REASON 0x4402\n' });
    assert.equal(value, '**EXIT_REASON** — constant, vmcs.h, line 2\n\n`0x4402` = 17410\n\n**exit reason**: field of the VMCS, VM-exit information, 32 bits');
  });
  it('a label', () => { assert.equal(text({ 'a.S': '.globl start\nstart: jmp sta‸rt' }), '**start** — global label, line 2'); });
  it('a numeric label', () => { assert.equal(text({ 'a.S': '1: nop\n1: jmp 1‸b\n1: nop' }), '**1** — numeric label, line 2'); });
  it('a macro', () => { assert.equal(text({ 'a.S': '.macro save register\n.endm\n sav‸e rax' }), '**save** — macro, line 1\n\nParameters: `register`'); });
  it('an included file', () => { assert.equal(text({ 'a.S': '#include "vm‸cs.h"', 'vmcs.h': '' }), '/work/vmcs.h'); });
});
