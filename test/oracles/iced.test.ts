import assert from 'node:assert/strict';
import { decode } from './iced.js';

describe('iced-x86 as an oracle', () => {
  it('describes an instruction in the manual\'s terms', () => {
    assert.deepEqual(decode(Uint8Array.of(0x48, 0x01, 0x58, 0x08, 0x90), 64), {
      valid: true,
      length: 4,
      mnemonic: 'ADD',
      opcode: 'o64 01 /r',
      form: 'ADD r/m64, r64',
      operands: ['qword ptr [rax+8]', 'rbx'],
      text: 'add qword ptr [rax+8], rbx',
    });
  });

  it('depends on the mode', () => {
    assert.equal(decode(Uint8Array.of(0x40), 32).mnemonic, 'INC');
    assert.equal(decode(Uint8Array.of(0x06), 64).valid, false);
    assert.deepEqual(decode(Uint8Array.of(0xb8, 1, 2, 3, 4), 16).operands, ['ax', '0x201']);
  });

  it('resolves branch targets', () => {
    assert.deepEqual(decode(Uint8Array.of(0xeb, 0x10), 64, 0x1000n).operands, ['0x1012']);
  });

  it('gives up on a truncated instruction and on an undefined one', () => {
    assert.equal(decode(Uint8Array.of(0x48, 0x01), 64).valid, false);
    assert.equal(decode(Uint8Array.of(0x0f, 0x04), 64).valid, false);
  });
});
