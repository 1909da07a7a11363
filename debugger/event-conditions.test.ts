import assert from 'node:assert/strict';
import type { TrapEvent } from '../emulator/cpu/trap-events.js';
import { compileCondition } from './event-conditions.js';
import { ExpressionError } from './expressions/expression-error.js';

const KNOWN = ['reason', 'gpa', 'nr', 'error', 'cr2', 'vector', 'instruction', 'qualification'];
const holds = (text: string, fields: TrapEvent['fields']): boolean =>
  compileCondition(text, 'a VM exit', KNOWN)({ kind: 'VM exit', at: 0, cpu: 0, rip: 0, world: 'non-root', fields, says: () => '' });

describe('conditions on events', () => {
  it('compares fields with numbers and exit reasons', () => {
    const condition = 'reason == EPT_VIOLATION && gpa >= 0xfee00000';
    assert.equal(holds(condition, { reason: 48, gpa: 0xfee00300 }), true);
    assert.equal(holds(condition, { reason: 48, gpa: 0xfedfffff }), false);
    assert.equal(holds(condition, { reason: 49, gpa: 0xfee00300 }), false);
    assert.equal(holds('nr == 5', { nr: 5 }), true);
    assert.equal(holds('vector == #GP || vector == PF', { vector: 14 }), true);
  });

  it('tests bits', () => {
    assert.equal(holds('error & 2', { error: 6 }), true);
    assert.equal(holds('error & 2', { error: 5 }), false);
    assert.equal(holds('(error & ~1) == 4', { error: 5 }), true);
    assert.equal(holds('qualification >> 16 == 0x3f8', { qualification: 0x3f80000 }), true);
  });

  it('knows ranges without their end, and by length', () => {
    for (const [cr2, expected] of [[0xfff, false], [0x1000, true], [0x1fff, true], [0x2000, false]] as const) {
      assert.equal(holds('cr2 in 0x1000..0x2000', { cr2 }), expected);
      assert.equal(holds('cr2 in 0x1000..+0x1000', { cr2 }), expected);
    }
  });

  it('orders addresses of the upper half above those of the lower', () => {
    assert.equal(holds('cr2 >= 0xffff800000000000', { cr2: -0x800000000000 }), true);
    assert.equal(holds('cr2 == 0xffff800000000000', { cr2: -0x800000000000 }), true);
    assert.equal(holds('cr2 >= 0xffff800000000000', { cr2: 0x1000 }), false);
    assert.equal(holds('gpa in 0xfee00000..+0x1000', { gpa: 0xfee00300 }), true);
    assert.equal(holds('cr2 in 0xffffffff80000000..+0x1000', { cr2: -0x80000000 + 8 }), true);
  });

  it('does not hold for a field that the event lacks', () => {
    assert.equal(holds('gpa != 5', { reason: 10 }), false);
    assert.equal(holds('!gpa', { reason: 10 }), true);
  });

  it('compares texts', () => {
    assert.equal(holds('instruction == "CPUID"', { instruction: 'CPUID' }), true);
    assert.equal(holds('instruction == "HLT"', { instruction: 'CPUID' }), false);
  });

  for (const [text, message] of [
    ['', /empty/],
    ['reson == 1', /'reson' is not a field of a VM exit; did you mean 'reason'\? it has: reason, gpa/],
    ['reason == EPT_VIOLATON', /did you mean 'EPT_VIOLATION'/],
    ['reason ==', /the expression ends/],
    ['reason == (1', /expected '\)'/],
    ['reason = 1', /write '==' to compare/],
    ['gpa in 5', /such as 0x1000\.\.0x2000/],
    ['u32[gpa] == 1', /not memory or types/],
    ['*gpa == 1', /cannot read memory/],
  ] as const) {
    it(`says what is wrong with "${text}"`, () => {
      assert.throws(() => compileCondition(text, 'a VM exit', KNOWN), (error) => error instanceof ExpressionError && message.test(error.message));
    });
  }
});
