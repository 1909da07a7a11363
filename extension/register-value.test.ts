import assert from 'node:assert/strict';
import { findRegister } from '../language/registers.js';
import { expressionAt, registerValueText } from './register-value.js';

const text = (name: string, answer: string): string => registerValueText(findRegister(name)!, answer);

describe('the value of a register in a hover', () => {
  it('is hexadecimal and decimal', () => { assert.equal(text('rax', '0x2a'), 'Now `0x000000000000002a` = 42'); });
  it('is negative too where the highest bit is set', () => { assert.equal(text('eax', '0xfffffffe'), 'Now `0xfffffffe` = 4294967294 = -2'); });
  it('names the symbol that it points to', () => { assert.equal(text('rip', '0x100010 <start+16>'), 'Now `0x0000000000100010` = 1048592 `<start+16>`'); });
  it('names the bits of control registers and flags', () => {
    assert.equal(text('cr0', '0x80000011'), 'Now `0x0000000080000011` = 2147483665\n\n`PE ET PG`');
    assert.equal(text('rflags', '0x246'), 'Now `0x0000000000000246` = 582\n\n`PF ZF IF`');
  });
  it('is as the debugger says where that is no number', () => { assert.equal(text('xmm0', '{1, 2}'), 'Now `{1, 2}`'); });
});

describe('what the debugger may evaluate in a line of assembly', () => {
  const at = (line: string, word: string): string | undefined => {
    const start = line.indexOf(word);
    return expressionAt(line, start, start + word.length);
  };
  it('takes symbols among the operands', () => {
    assert.equal(at('  movl $page_map, %eax', 'page_map'), 'page_map');
    assert.equal(at('1: jmp start64', 'start64'), 'start64');
  });
  it('leaves out mnemonics, registers and numbers', () => {
    assert.equal(at('1:  rep movsb', 'movsb'), undefined);
    assert.equal(at('  movl $page_map, %eax', 'movl'), undefined);
    assert.equal(at('  movl $page_map, %eax', '%eax'), undefined);
    assert.equal(at('  mov eax, 0x10', '0x10'), undefined);
  });
});
