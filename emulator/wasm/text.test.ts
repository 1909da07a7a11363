import assert from 'node:assert/strict';
import { FunctionBody, I32, I64, V128 } from './module.js';
import { textOf } from './text.js';

const NONE = { local: () => undefined, function: () => undefined };

describe('a function as text', () => {
  it('has an instruction a line, with what follows its opcode', () => {
    const f = new FunctionBody([I32], [I32]), sum = f.local(I64);
    f.block('block').block('loop').get(0).i32(-200).op('i32.add').brIf(1).i64(-(2n ** 63n)).set(sum).br(0).end().end();
    f.get(0).memory('i64.load', 300).tee(sum).call(2).callIndirect(1);
    f.block('if', I32).i32(1).else().i32(0).end().op('br_table').bytes([1, 0, 1]).op('memory.fill').bytes([0]);
    assert.deepEqual(textOf(f.code, { local: (n) => (n === 0 ? 'record' : undefined), function: (n) => `f${n}` }).map(({ text }) => text), [
      'block', '  loop', '    local.get $record', '    i32.const -200', '    i32.add', '    br_if 1', '    i64.const -9223372036854775808', '    local.set 1', '    br 0', '  end', 'end',
      'local.get $record', 'i64.load offset=300', 'local.tee 1', 'call $f2', 'call_indirect (type 1)',
      'if (result i32)', '  i32.const 1', 'else', '  i32.const 0', 'end', 'br_table 0 1', 'memory.fill',
    ]);
  });
  it('knows vectors', () => {
    const f = new FunctionBody([], []);
    f.op('v128.const').bytes(Array.from({ length: 16 }, (_, n) => n)).lane('i64x2.replace_lane', 1).lane('i8x16.extract_lane_u', 15).op('i32x4.add').op('f64x2.sqrt');
    f.op('select').code.splice(-1, 1, 0x1c, 1, V128);
    assert.deepEqual(textOf(f.code, NONE).map(({ text }) => text), [
      'v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15', 'i64x2.replace_lane 1', 'i8x16.extract_lane_u 15', 'i32x4.add', 'f64x2.sqrt', 'select (result v128)',
    ]);
  });
  it('says where each instruction begins', () => {
    const f = new FunctionBody([], []);
    f.i32(1000).i32(0).op('i32.add');
    assert.deepEqual(textOf(f.code, NONE).map(({ at }) => at), [0, 3, 5]);
  });
});
