/** Trees of expressions, and what the parser says about wrong ones. */
import assert from 'node:assert/strict';
import { ExpressionError } from './expression-error.js';
import { parse } from './parser.js';
import { isTypeSyntax, type Node } from './tree.js';

/** The tree with every operation in parentheses. */
function show(node: Node): string {
  switch (node.is) {
    case 'number':
      return node.value.toString();
    case 'text':
      return `"${node.text}"`;
    case 'name':
      return node.name;
    case 'member':
      return `${show(node.object)}.${node.name}`;
    case 'index':
      return `${show(node.object)}[${show(node.index)}]`;
    case 'read':
      return `${node.space}:${node.type}[${show(node.address)}]`;
    case 'unary':
      return `(${node.operator}${show(node.operand)})`;
    case 'binary':
    case 'logic':
      return `(${show(node.left)} ${node.operator} ${show(node.right)})`;
    case 'choice':
      return `(${show(node.condition)} ? ${show(node.yes)} : ${show(node.no)})`;
    case 'range':
      return `(${show(node.value)} in ${show(node.start)}..${node.length ? '+' : ''}${show(node.end)})`;
    case 'cast':
      return `((${node.type.words}${'*'.repeat(node.type.pointers)})${show(node.operand)})`;
    case 'size':
      return `sizeof(${isTypeSyntax(node.of) ? node.of.words + '*'.repeat(node.of.pointers) : show(node.of)})`;
  }
}

const TREES: readonly [string, string][] = [
  ['1 + 2 * 3', '(1 + (2 * 3))'],
  ['1 - 2 - 3', '((1 - 2) - 3)'],
  ['a << 2 + 1', '(a << (2 + 1))'],
  ['a & b == c', '(a & (b == c))'],
  ['a | b ^ c & d', '(a | (b ^ (c & d)))'],
  ['a || b && c | d', '(a || (b && (c | d)))'],
  ['a < b == c > d', '((a < b) == (c > d))'],
  ['a ? b : c ? d : e', '(a ? b : (c ? d : e))'],
  ['!a == ~b', '((!a) == (~b))'],
  ['-a * -b', '((-a) * (-b))'],
  ['*p[1]', '(*p[1])'],
  ['&s.x', '(&s.x)'],
  ['p->next->value', 'p.next.value'],
  ['a.b[3].c', 'a.b[3].c'],
  ['$rax + rbx', '($rax + rbx)'],
  ['$vmcs.guest_rip', '$vmcs.guest_rip'],
  ['vmcs["guest RIP"] & 0xfff', '(vmcs["guest RIP"] & 4095)'],
  ['0x1_000', '4096'],
  ['1_000', '1000'],
  ['0b1010', '10'],
  ['0ffh', '255'],
  ['1000h', '4096'],
  ['10UL', '10'],
  ["'A'", '65'],
  ["'\\n' + '\\x41' + '\\0' + '\\''", '(((10 + 65) + 0) + 39)'],
  ['u32[rsp + 8]', 'linear:u32[(rsp + 8)]'],
  ['phys u32[0xfee00000]', 'host-physical:u32[4276092928]'],
  ['gpa u64[cr3 & ~0xfff]', 'guest-physical:u64[(cr3 & (~4095))]'],
  ['gva i8[rip]', 'guest linear:i8[rip]'],
  ['gpa == 0x1000', '(gpa == 4096)'],
  ['u8[u64[rsp]]', 'linear:u8[linear:u64[rsp]]'],
  ['cr2 in 0x1000..0x2000', '(cr2 in 4096..8192)'],
  ['cr2 in base..+len && cpl == 3', '((cr2 in base..+len) && (cpl == 3))'],
  ['rip in a + 1..b + 2', '(rip in (a + 1)..(b + 2))'],
  ['(u32)x', '((u32)x)'],
  ['(u32)-1', '((u32)(-1))'],
  ['(unsigned char*)p', '((unsigned char*)p)'],
  ['*(unsigned long *)(rsp + 8)', '(*((unsigned long*)(rsp + 8)))'],
  ['((struct page *)rdi)->flags', '((struct page*)rdi).flags'],
  ['(page_t *)rdi', '((page_t*)rdi)'],
  ['(page_t)rdi', '((page_t)rdi)'],
  ['(const struct page *)rdi', '((struct page*)rdi)'],
  ['(uint64_t)x + 1', '(((uint64_t)x) + 1)'],
  ['(a) - b', '(a - b)'],
  ['(a) * b', '(a * b)'],
  ['(a) & b', '(a & b)'],
  ['(a) in 1..2', '(a in 1..2)'],
  ['(char)(long)x', '((char)((long)x))'],
  ['sizeof(int)', 'sizeof(int)'],
  ['sizeof(struct page *) + 1', '(sizeof(struct page*) + 1)'],
  ['sizeof x', 'sizeof(x)'],
  ['sizeof(x)', 'sizeof(x)'],
  ['vector == #PF', '(vector == #PF)'],
  ['vm::exits', 'vm::exits'],
];

const WRONG: readonly [string, number, RegExp][] = [
  ['', 1, /the expression is empty/],
  ['   ', 1, /the expression is empty/],
  ['1 +', 4, /expected a number, a name, or an expression in parentheses, but the expression ends here/],
  ['(1 + 2', 7, /expected '\)', but the expression ends here/],
  ['1 2', 3, /expected an operator or the end of the expression, but a number stands here/],
  ['a b', 3, /expected an operator or the end of the expression, but 'b' stands here/],
  ['a = 1', 3, /cannot assign: write '=='/],
  ['a.', 3, /expected the name of a member/],
  ['a.5', 3, /expected the name of a member, but a number stands here/],
  ['a[1', 4, /expected '\]'/],
  ['a ? b', 6, /expected ':' and the other value/],
  ['a in 1', 7, /expected '\.\.' and the end of the range, such as 0x1000\.\.0x2000/],
  ['a in 1..', 9, /expected a number, a name/],
  ['phys foo[1]', 6, /expected a width and an address, such as u32\[0x1000\], but 'foo' stands here/],
  ['phys u32', 6, /expected a width and an address/],
  ['1.5 + x', 1, /not implemented: floating-point numbers/],
  ['0x', 1, /'0x' is not a number/],
  ['0xfg', 1, /'0xfg' is not a number/],
  ['12ab', 1, /'12ab' is not a number/],
  ['0755', 1, /octal numbers are not known here/],
  ['0x10000000000000000', 1, /does not fit into 64 bits/],
  ["'ab'", 1, /is not one character/],
  ["'a", 1, /between two apostrophes/],
  ['vmcs["x', 6, /no closing quotation mark/],
  ['a @ b', 3, /'@' has no meaning/],
  ['f(1)', 2, /functions of the program cannot be called/],
  ['('.repeat(300), 101, /nested too deeply/],
  ['-'.repeat(300), 200, /nested too deeply/],
  ['1+'.repeat(3000), 4097, /longer than 4096 characters/],
];

describe('parsing expressions', () => {
  for (const [text, tree] of TREES) {
    it(`${text} is ${tree}`, () => assert.equal(show(parse(text).root), tree));
  }

  for (const [text, column, message] of WRONG) {
    it(`${text.slice(0, 30) || 'nothing'} is refused at column ${column}`, () => {
      assert.throws(
        () => parse(text),
        (error) => {
          assert.ok(error instanceof ExpressionError);
          assert.match(error.message, message);
          assert.equal(error.column, column);
          return true;
        },
      );
    });
  }

  it('keeps the text', () => assert.equal(parse('1 + 1').text, '1 + 1'));
});
