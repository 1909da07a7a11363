import assert from 'node:assert/strict';
import { decode, DecodeTable } from './decode.js';
import { encode, type Fields } from './encode.js';
import { type Form, forms, rows } from './encoding.js';
import { INSTRUCTIONS } from './index.js';

const ALL = INSTRUCTIONS.flatMap(forms), TABLE = new DecodeTable(INSTRUCTIONS.flatMap(rows));

function fieldsOf(form: Form, memory: boolean): Fields {
  const mode = form.only === '32' ? 32 : 64;
  const immediate = form.immediates.includes('iw') || form.immediates.includes('cw') ? 0x1234n : form.immediates.some((i) => i[1] === 'd' || i === 'io') ? 0x12345678n : form.immediates.length > 0 ? 0x12n : 0n;
  const moffs = form.operands.some((o) => o.place === 'moffs');
  return {
    mode, operandSize: form.size === 0 ? 32 : form.size, addressSize: mode, reg: typeof form.modrm === 'number' ? form.modrm : 3, rm: 1, opcodeRegister: 2, vvvv: 10, is4: 11, immediate, immediate2: 0x21,
    ...(moffs ? { memory: { base: -1, index: -1, scale: 0, displacement: 0x5678 } } : memory ? { memory: { base: 3, index: 6, scale: 2, displacement: 0x44 } } : {}),
  };
}

describe('encode', () => {
  it('is undone by decode, for every row as register and as memory', () => {
    let rows = 0;
    for (const form of ALL) {
      const rm = form.operands.find((o) => o.place === 'rm');
      for (const memory of [false, true]) {
        if (form.fixedModrm !== undefined || !rm ? memory : memory ? !rm.mayBeMemory : !rm.mayBeRegister) continue;
        const fields = fieldsOf(form, memory), bytes = encode(form, fields), padded = new Uint8Array(24);
        padded.set(bytes);
        const back = decode(TABLE, padded, 0, 24, fields.mode);
        const hex = Buffer.from(bytes).toString('hex');
        assert.ok(typeof back !== 'string', `${form.text}: ${hex} is ${String(back)}`);
        assert.equal(back.length, bytes.length, `${form.text}: ${hex}`);
        assert.equal(back.form.opcode, form.opcode, `${form.text}: ${hex} is ${back.form.text}`);
        if (memory) assert.deepEqual([back.base, back.index, back.scale, back.displacement], [3, 6, 2, 0x44n], form.text);
        rows++;
      }
    }
    assert.ok(rows > ALL.length, `${rows} of ${ALL.length} rows`);
  });

  it('is undone by decode in every 16-bit address', () => {
    const add = ALL.find((f) => f.text.startsWith('01 /r') && f.size === 16)!;
    for (const [base, index] of [[3, 6], [3, 7], [5, 6], [5, 7], [6, -1], [7, -1], [5, -1], [3, -1], [-1, -1]] as const) for (const displacement of [0, -2, 0x1234]) {
      const back = decode(TABLE, encode(add, { ...fieldsOf(add, false), mode: 16, operandSize: 16, addressSize: 16, memory: { base, index, scale: 0, displacement } }), 0, 8, 16);
      assert.ok(typeof back !== 'string');
      assert.deepEqual([back.base, back.index, Number(back.displacement)], [base, index, displacement]);
    }
  });

  it('says what cannot be expressed', () => {
    const add = ALL.find((f) => f.text.startsWith('REX.W + 01 /r'))!;
    assert.throws(() => encode(add, { ...fieldsOf(add, false), mode: 32 }), /REX prefix/);
    assert.throws(() => encode(add, { ...fieldsOf(add, false), addressSize: 16, memory: { base: 0, index: -1, scale: 0, displacement: 0 } }), /16-bit address/);
    assert.throws(() => encode(add, { ...fieldsOf(add, false), memory: { base: 0, index: 4, scale: 0, displacement: 0 } }), /RSP/);
  });

  it('asks for more bytes, and refuses what is too long', () => {
    assert.equal(decode(TABLE, Uint8Array.of(0x48, 0x8b), 0, 2, 64), 'incomplete');
    assert.equal(decode(TABLE, new Uint8Array(16).fill(0x66), 0, 16, 64), 'too long');
  });
});
