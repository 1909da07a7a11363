/** Which names an expression uses, and whether an event has them. */
import assert from 'node:assert/strict';
import { ExpressionError } from './expression-error.js';
import { checkFields, freeNames } from './free-names.js';
import { parse } from './parser.js';

describe('free names', () => {
  const table: readonly [string, string[]][] = [
    ['1 + 2', []],
    ['error & 2 && cr2 in base..+len', ['error', 'cr2', 'base', 'len']],
    ['vmcs.guest_rip == $rip', ['vmcs', '$rip']],
    ['vmcs["guest RIP"]', ['vmcs']],
    ['(struct page *)rdi ? a : b', ['rdi', 'a', 'b']],
    ['phys u32[cr3] + gpa u8[x]', ['cr3', 'x']],
    ['sizeof(int) + sizeof(y) + -z', ['y', 'z']],
    ['a + a[b] + *a', ['a', 'b']],
  ];
  for (const [text, names] of table) it(`${text} uses ${names.join(', ') || 'none'}`, () => assert.deepEqual(freeNames(parse(text)), names));

  const FIELDS = ['error', 'cr2', 'rip', 'cpl'];
  const isRegister = (name: string) => name === 'rax' || name.startsWith('$');
  const check = (text: string) => checkFields(parse(text), 'a page fault', FIELDS, isRegister);

  it('accepts fields and what is known otherwise', () => check('error & 4 && cr2 in 0..0x1000 && rax == $rcx'));

  it('refuses what an event does not have, and says what it has', () => {
    assert.throws(
      () => check('error && gpa == 1'),
      (error) => {
        assert.ok(error instanceof ExpressionError);
        assert.equal(error.column, 10);
        assert.equal(error.sentence, "'gpa' is not a field of a page fault; it has: error, cr2, rip, cpl");
        return true;
      },
    );
    assert.throws(() => check('eror'), /'eror' is not a field of a page fault; did you mean 'error'\? it has: /);
  });
});
