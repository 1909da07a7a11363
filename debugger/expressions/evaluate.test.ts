/** Values of expressions over a small machine. */
import assert from 'node:assert/strict';
import { typeName, VOID, type RecordType, type Type } from '../symbols/types.js';
import { I64, INT } from './basic-types.js';
import { evaluate, isTrue } from './evaluate.js';
import { ExpressionError } from './expression-error.js';
import { parse } from './parser.js';
import { NoValue, type Scope } from './scope.js';
import { constants, layers, objectWith, registers } from './scopes.js';
import { pointerTo } from './storage.js';

const INTEGER: Type = INT;
const CHAR: Type = { is: 'base', name: 'char', size: 1, encoding: 'character' };
const DOUBLE: Type = { is: 'base', name: 'double', size: 8, encoding: 'float' };

const PAGE: RecordType = {
  is: 'record',
  kind: 'struct',
  name: 'page',
  size: 24,
  incomplete: false,
  get members() {
    return [
      { name: 'next', type: pointerTo(PAGE, 8), offset: 0 },
      { name: 'count', type: INTEGER, offset: 8 },
      { name: 'present', type: INTEGER, offset: 12, bits: { offset: 96, width: 1 } },
      { name: 'level', type: { is: 'base', name: 'unsigned int', size: 4, encoding: 'unsigned' }, offset: 12, bits: { offset: 97, width: 3 } },
      { name: 'letters', type: { is: 'array', element: CHAR, count: 4 }, offset: 16 },
      { name: '', type: { is: 'record', kind: 'union', name: undefined, size: 4, incomplete: false, members: [{ name: 'raw', type: INTEGER, offset: 0 }] }, offset: 20 },
    ] as const;
  },
};

/** A page at 0x1000 that points to itself; the bytes at 0x2000 are 0, 1, 2, …; physical memory is filled with 0xAA, that of the guest with 0xBB. */
function memory(space: string, address: bigint, bytes: number): Uint8Array | undefined {
  if (space !== 'linear') return new Uint8Array(bytes).fill(space === 'host-physical' ? 0xaa : 0xbb);
  const image = new DataView(new ArrayBuffer(24));
  image.setBigUint64(0, 0x1000n, true);
  image.setInt32(8, -7, true);
  image.setUint32(12, 0b1011, true);
  [...'abc'].forEach((letter, index) => image.setUint8(16 + index, letter.charCodeAt(0)));
  image.setInt32(20, 99, true);
  const at = Number(address);
  if (at >= 0x1000 && at + bytes <= 0x1018) return new Uint8Array(image.buffer, at - 0x1000, bytes);
  if (at >= 0x2000 && at + bytes <= 0x2100) return Uint8Array.from({ length: bytes }, (_, index) => at - 0x2000 + index);
  return undefined;
}

const variables: Partial<Scope> = {
  name(name) {
    switch (name) {
      case 'page':
        return { is: 'aggregate', type: PAGE, place: { space: 'linear', address: 0x1000n } };
      case 'p':
        return { is: 'number', type: pointerTo(PAGE, 8), value: 0x1000n, place: { space: 'linear', address: 0x3000n } };
      case 'words':
        return { is: 'number', type: pointerTo(INTEGER, 8), value: 0x2000n };
      case 'nothing':
        return { is: 'number', type: pointerTo(VOID, 8), value: 0x2000n };
      case 'i':
        return { is: 'number', type: INTEGER, value: -1n };
      case 'ratio':
        return { is: 'aggregate', type: DOUBLE, place: { space: 'linear', address: 0x2000n } };
      case 'inRegisters':
        return { is: 'aggregate', type: PAGE, place: memory('linear', 0x1000n, 24)! };
      case 'access':
        return { is: 'text', text: 'write' };
      case 'gone':
        throw new NoValue("'gone' has no value here: optimized out");
      default:
        return undefined;
    }
  },
  read: memory,
  type: (name) => (name === 'struct page' || name === 'page_t' ? PAGE : undefined),
  names: () => ['page', 'words', 'ratio'],
};

const SCOPE = layers(
  8,
  variables,
  registers(['rax', 'rsp', 'cr3', 'cr2', 'efer', 'rflags'], (name) => ({ rax: 0xffffffff_fffffffen, rsp: 0x2000n, cr3: 0x5000n, cr2: 0x1800n, efer: 0xd01n, rflags: 2n })[name]),
  objectWith('vmcs', ['guest RIP', 'exit reason', 'EPT pointer (EPTP)'], (member) => ({ 'guest RIP': 0x7c00n, 'exit reason': 48n })[member] ?? 0n),
  constants([['EPT violation', 48], ['HLT', 12], ['#PF', 14n]]),
);

const VALUES: readonly [string, bigint, string?][] = [
  ['1 + 2 * 3', 7n, 'i64'],
  ['7 / 2', 3n],
  ['-7 / 2', -3n],
  ['-7 % 3', -1n],
  ['rax', 0xffffffff_fffffffen, 'u64'],
  ['$rax', 0xffffffff_fffffffen],
  ['$RAX', 0xffffffff_fffffffen],
  ['rax + 3', 1n, 'u64'],
  ['rax + 1 == -1', 1n, 'int'],
  ['0 - 1', -1n],
  ['rsp - 0x2001 > 0', 1n],
  ['i < 0', 1n],
  ['i == -1', 1n],
  ['~0xfff & cr3', 0x5000n],
  ['~0', -1n],
  ['-rsp', 0xffffffff_ffffe000n],
  ['1 << 4', 16n],
  ['1 << 64', 0n],
  ['-16 >> 2', -4n],
  ['rax >> 63', 1n],
  ['rax >> 64', 0n],
  ['0xffffffffffffffff', 0xffffffff_ffffffffn, 'u64'],
  ['0x7fffffffffffffff + 1', -0x8000000000000000n],
  ['6 & 3 | 8 ^ 1', 11n],
  ['!0', 1n],
  ['!rax', 0n],
  ['0 && gone', 0n],
  ['1 || gone', 1n],
  ['1 ? 2 : gone', 2n],
  ['0 ? gone : 3', 3n],
  ['(u8)0x1ff', 0xffn, 'u8'],
  ['(i8)0xff', -1n, 'i8'],
  ['(signed char)0x80', -128n],
  ['(unsigned short)-1', 0xffffn],
  ['(u32)rax', 0xfffffffen],
  ['(int)rax', -2n, 'int'],
  ['(bool)2', 1n],
  ['(uint16_t)0x12345', 0x2345n],
  ['u8[0x2003]', 3n, 'u8'],
  ['u16[rsp + 1]', 0x0201n],
  ['u32[rsp]', 0x03020100n],
  ['u64[rsp]', 0x0706050403020100n],
  ['i16[0x20ff - 1]', -2n],
  ['phys u32[0]', 0xaaaaaaaan],
  ['gpa u64[0x1234]', 0xbbbbbbbb_bbbbbbbbn],
  ['*rsp', 0x0706050403020100n],
  ['*(u8*)0x2005', 5n],
  ['*(unsigned short *)(rsp + 2)', 0x0302n],
  ['words[1]', 0x07060504n, 'int'],
  ['*words', 0x03020100n],
  ['*(words + 2)', 0x0b0a0908n],
  ['words + 1', 0x2004n, 'int *'],
  ['2 + words', 0x2008n],
  ['&words[3] - words', 3n],
  ['&words[3] - 1', 0x2008n],
  ['p->count', -7n],
  ['p->next->next->count', -7n],
  ['page.count', -7n],
  ['p.count', -7n],
  ['(*p).count', -7n],
  ['&page', 0x1000n, 'struct page *'],
  ['&page.count', 0x1008n, 'int *'],
  ['&p', 0x3000n, 'struct page **'],
  ['page.present', -1n],
  ['page.level', 5n],
  ['page.raw', 99n],
  ['page.letters[1]', 98n, 'char'],
  ["p->letters[0] == 'a'", 1n],
  ['page.letters + 0', 0x1010n, 'char *'],
  ['inRegisters.count', -7n],
  ['inRegisters.level', 5n],
  ['inRegisters.letters[2]', 99n],
  ['((struct page *)0x1000)->raw', 99n],
  ['((page_t *)0x1000)->raw', 99n],
  ['((page_t *)0 + 2)', 48n],
  ['sizeof(struct page)', 24n, 'u64'],
  ['sizeof(page) + sizeof p->letters', 28n],
  ['sizeof(u16) * 2', 4n],
  ['sizeof(page_t)', 24n],
  ['sizeof(void *)', 8n],
  ['vmcs.guest_rip', 0x7c00n],
  ['$vmcs.guest_rip', 0x7c00n],
  ['vmcs["guest RIP"]', 0x7c00n],
  ['vmcs.exit_reason == EPT_VIOLATION', 1n],
  ['vmcs.exit_reason == ept_violation', 1n],
  ['vmcs["exit reason"] == HLT', 0n],
  ['#PF', 14n],
  ['$efer >> 8 & 1', 1n],
  ['cr2 in 0x1000..0x1800', 0n],
  ['cr2 in 0x1800..0x2000', 1n],
  ['cr2 in 0x1000..+0x801', 1n],
  ['cr2 in 0x1000..+0x800', 0n],
  ['rax in -16..+16', 1n],
  ['i in -2..0', 1n],
  ['access == "write"', 1n],
  ['access != "read"', 1n],
];

const WRONG: readonly [string, number, RegExp][] = [
  ['raxx + 1', 1, /^'raxx' is not known here; did you mean 'rax'\?/],
  ['1 + wrods', 5, /'wrods' is not known here; did you mean 'words'\?/],
  ['zzzzzzzz', 1, /^'zzzzzzzz' is not known here \(column 1\)$/],
  ['vmcs.guest_rpi', 6, /^vmcs has no 'guest_rpi'; did you mean 'guest_rip'\?/],
  ['vmcs[3]', 6, /vmcs is indexed with a name, such as vmcs\["…"\]/],
  ['vmcs + 1', 1, /vmcs has members: write vmcs\.name/],
  ['page.cuont', 6, /struct page: it has no 'cuont'; did you mean 'count'\?/],
  ['page + 1', 1, /expected a number, but this is a struct page/],
  ['rax.x', 5, /'\.x' wants a struct, but this is a number \(u64\)/],
  ['rax[1]', 4, /expected an array or a pointer.*memory is read with u8\[…\]/],
  ['*nothing', 1, /has no type: cast it first/],
  ['u32[0x9000]', 1, /memory is not readable at 0x9000/],
  ['1 / 0', 3, /division by zero/],
  ['1 % (rsp - rsp)', 3, /division by zero/],
  ['1 << -1', 3, /a shift by -1 has no meaning/],
  ['(foo *)rax', 2, /the type 'foo' is not known here/],
  ['(struct page)1', 1, /a number cannot become struct page/],
  ['&rax', 1, /'&' wants something that lies in memory/],
  ['words + words', 7, /two pointers cannot be added/],
  ['gone', 1, /'gone' has no value here: optimized out/],
  ['ratio + 1', 1, /not implemented: floating-point arithmetic/],
  ['access + 1', 1, /expected a number, but "write" is a text/],
  ['inRegisters.letters[4]', 20, /lies outside the value, which is in registers/],
  ['sizeof(void)', 1, /the size of void is not known/],
];

describe('evaluating expressions', () => {
  for (const [text, expected, type] of VALUES) {
    it(`${text} is ${expected}`, () => {
      const value = evaluate(parse(text), SCOPE);
      assert.ok(value.is === 'number');
      assert.equal(value.value, expected);
      if (type !== undefined) assert.equal(typeName(value.type), type);
    });
  }

  for (const [text, column, message] of WRONG) {
    it(`${text} fails at column ${column}`, () => {
      assert.throws(
        () => evaluate(parse(text), SCOPE),
        (error) => {
          assert.ok(error instanceof ExpressionError, String(error));
          assert.match(error.message, message);
          assert.equal(error.column, column);
          return true;
        },
      );
    });
  }

  it('a struct and an array stay what they are', () => {
    assert.deepEqual(evaluate(parse('*p'), SCOPE), { is: 'aggregate', type: PAGE, place: { space: 'linear', address: 0x1000n } });
    assert.equal(evaluate(parse('p->letters'), SCOPE).is, 'aggregate');
    assert.deepEqual(evaluate(parse('vmcs'), SCOPE), { is: 'object', name: 'vmcs' });
  });

  it('a value in memory says where it lies, so that it can be set', () => {
    const value = evaluate(parse('gpa u16[0x40]'), SCOPE);
    assert.deepEqual(value.is === 'number' && value.place, { space: 'guest-physical', address: 0x40n });
  });

  it('one tree is evaluated again and again', () => {
    let count = 0n;
    const condition = parse('count == 3');
    const scope = layers(8, { name: (name) => (name === 'count' ? { is: 'number', type: I64, value: count } : undefined) });
    const outcomes: boolean[] = [];
    for (count = 1n; count <= 4n; count++) outcomes.push(isTrue(condition, scope));
    assert.deepEqual(outcomes, [false, false, true, false]);
  });

  it('pointers of a 32-bit program are 4 bytes', () => {
    const narrow: Scope = { ...SCOPE, pointerSize: 4 };
    const number = (text: string) => {
      const value = evaluate(parse(text), narrow);
      return value.is === 'number' ? value.value : undefined;
    };
    assert.equal(number('sizeof(char *)'), 4n);
    assert.equal(number('*rsp'), 0x03020100n);
    assert.equal(number('(char *)0xffffffff + 2'), 1n);
    assert.equal(number('sizeof(long)'), 4n);
  });
});
