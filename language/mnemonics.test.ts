import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { INSTRUCTIONS } from '../emulator/isa/index.js';
import { INSTRUCTION_EXITS } from '../emulator/vmx/instruction-exits.js';
import { ATT_MNEMONICS, isMnemonic, PLAIN_MNEMONICS, readingsOf } from './mnemonics.js';
import type { Dialect } from './dialect.js';

const meanings = (mnemonic: string, dialect: Dialect): string[] => [...new Set(readingsOf(mnemonic, dialect).flatMap(({ forms }) => forms.map(({ syntax }) => syntax)))];

describe('spellings of mnemonics', () => {
  const cases: readonly (readonly [mnemonic: string, dialect: Dialect, rows: readonly string[]])[] = [
    ['jz', 'NASM', ['JE rel8', 'JE rel16', 'JE rel32']],
    ['cmovnbe', 'NASM', ['CMOVA r16, r/m16', 'CMOVA r32, r/m32', 'CMOVA r64, r/m64']],
    ['cmovzl', 'AT&T', ['CMOVE r32, r/m32']],
    ['setnae', 'AT&T', ['SETB r/m8']],
    ['incw', 'AT&T', ['INC r/m16', 'INC r16']],
    ['vmreadq', 'AT&T', ['VMREAD r/m64, r64']],
    ['movzbl', 'AT&T', ['MOVZX r32, r/m8']],
    ['movslq', 'AT&T', ['MOVSXD r64, r/m32']],
    ['cltq', 'AT&T', ['CDQE']],
    ['stosl', 'AT&T', ['STOSD']],
    ['pushfq', 'AT&T', ['PUSHFQ']],
    ['iretl', 'AT&T', ['IRETD']],
    ['lret', 'AT&T', ['RET', 'RET imm16']],
    ['movabsq', 'AT&T', ['MOV AL, moffs8', 'MOV AX, moffs16', 'MOV EAX, moffs32', 'MOV RAX, moffs64', 'MOV moffs8, AL', 'MOV moffs16, AX', 'MOV moffs32, EAX', 'MOV moffs64, RAX', 'MOV r64, imm64']],
    ['prefetcht0', 'NASM', ['PREFETCHh r/m16, r16', 'PREFETCHh r/m32, r32', 'PREFETCHh r/m64, r64']],
    ['cmpeqps', 'NASM', ['CMPPS xmm1, xmm2/m128, imm8']],
    ['vcmptrue_ussd', 'NASM', ['VCMPSD xmm1, xmm2, xmm3/m64, imm8']],
    ['vcvtpd2dqy', 'AT&T', ['VCVTPD2DQ xmm1, ymm2/m256']],
    ['vcvtsi2sdq', 'AT&T', ['VCVTSI2SD xmm1, xmm2, r/m64']],
  ];
  for (const [mnemonic, dialect, rows] of cases) it(`${mnemonic} (${dialect}) means ${rows.join('; ')}`, () => { assert.deepEqual(meanings(mnemonic, dialect), rows); });

  it('one spelling may mean several instructions', () => {
    const names = (mnemonic: string, dialect: Dialect): string[] => [...new Set(readingsOf(mnemonic, dialect).map(({ instruction }) => instruction.summary))];
    assert.deepEqual(names('movsd', 'NASM'), ['Move Data From String to String', 'Move or Merge Scalar Double Precision Floating-Point Value']);
    assert.ok(names('movq', 'AT&T').includes('Move') && names('movq', 'AT&T').includes('Move Quadword'));
    assert.ok(!names('movq', 'NASM').includes('Move'));
  });
  it('letter case does not matter', () => { assert.ok(isMnemonic('VmCall')); });
  it('every instruction of the table has a spelling', () => {
    for (const { name, encodings } of INSTRUCTIONS) assert.ok([...encodings.matchAll(/^[^|]*\| ([A-Z][A-Za-z\d]*)/gm)].every(([, printed]) => readingsOf(printed!, 'AT&T').length > 0 || printed === 'PREFETCHh'), name);
  });
});

/** Mnemonics that an assembler does not know, of all that it is given. */
function rejected(command: string, args: readonly string[], lines: readonly string[], complaint: RegExp): string[] {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ringside-mnemonics-')), file = path.join(folder, 'all.s');
  try {
    writeFileSync(file, lines.join('\n') + '\n');
    const { stderr, error } = spawnSync(command, [...args, file, '-o', path.join(folder, 'all.o')], { encoding: 'utf8' });
    if (error) throw error;
    const numbers = new Set(stderr.split('\n').filter((line) => complaint.test(line)).map((line) => Number(/:(\d+):/.exec(line)![1])));
    return lines.filter((_, index) => numbers.has(index + 1)).map((line) => line.trim().split(' ')[0]!);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the assemblers know the spellings', () => {
  /** Of Intel syntax alone, or of no assembler but NASM. */
  const NOT_ATT = new Set(['retn', 'salc', 'popad', 'pushad', 'lodsd', 'scasd', 'stosd', 'popfd', 'pushfd', 'icebp', 'iretd', 'insd', 'outsd']);
  it('the GNU assembler in AT&T syntax', () => {
    const unknown = rejected('as', ['--64'], [...PLAIN_MNEMONICS, ...ATT_MNEMONICS].map((name) => ` ${name} %none`), /no such instruction/);
    assert.deepEqual(unknown.filter((name) => !NOT_ATT.has(name)), []);
  });
});

describe('what exits from VMX non-root operation', () => {
  for (const { name, vmExit } of INSTRUCTIONS.filter((instruction) => instruction.name in INSTRUCTION_EXITS)) {
    it(`${name} says when`, () => { assert.ok(vmExit !== undefined && vmExit.endsWith('.')); });
  }
  const BY_OTHER_MEANS = ['CLTS', 'LMSW', 'IN', 'OUT', 'INS', 'OUTS', 'RDMSR', 'WRMSR', 'INT3', 'UD', 'VMFUNC'];
  for (const name of BY_OTHER_MEANS) it(`${name} says when`, () => { assert.ok(INSTRUCTIONS.filter((instruction) => instruction.name === name).every(({ vmExit }) => vmExit?.endsWith('.'))); });
});
