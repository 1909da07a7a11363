import assert from 'node:assert/strict';
import { parse, type Statement } from './parser.js';

/** `labels: prefixes head | operand | operand`. */
function show({ labels, prefixes, head, operands, kind }: Statement): string {
  const before = labels.map(({ text }) => `${text}:`).join(' ');
  const words = [...prefixes, ...(head ? [head] : [])].map(({ text }) => text).join(' ');
  return [[before, kind === 'assignment' ? `${words} =` : words].filter(Boolean).join(' '), ...operands.map(({ text }) => text)].join(' | ');
}
const lines = (file: string, text: string): string[] => parse(`file:///${file}`, text).statements.filter(({ kind, labels }) => kind !== 'empty' || labels.length > 0).map(show);

type Table = Readonly<Record<string, readonly string[]>>;
const check = (file: string, first: string, table: Table): void => {
  for (const [text, expected] of Object.entries(table)) it(JSON.stringify(text), () => { assert.deepEqual(lines(file, `${first}\n${text}`).slice(1), expected); });
};

describe('the parser, AT&T syntax', () => {
  check('a.S', '.text', {
    'start: movl $0x83, %eax # present': ['start: movl | $0x83 | %eax'],
    '1:  jmp 1b': ['1: jmp | 1b'],
    'a: b: ret': ['a: b: ret'],
    'cli; hlt // stop': ['cli', 'hlt'],
    'lock xaddl %ecx, (%rdi, %rax, 8)': ['lock xaddl | %ecx | (%rdi, %rax, 8)'],
    'rep; movsb': ['rep', 'movsb'],
    'movb $\'#\', %al': ['movb | $""" | %al'],
    '.ascii "a;b#c\\"", "d"': ['.ascii | """"""""" | """'],
    '.ascii "open': ['.ascii | """""'],
    'movl %fs:8(%rax), %ebx': ['movl | %fs:8(%rax) | %ebx'],
    'limit = . - start': ['limit = | . - start'],
    '. = 0x1fe': ['. = | 0x1fe'],
    '.set a, (1, 2)': ['.set | a | (1, 2)'],
    'nop /* a\nmov %eax, %ebx\n*/ ret': ['nop', 'ret'],
    '#define PORT 0xe9\n#if PORT': ['#define | PORT | 0xe9', '#if | PORT'],
    '#define A \\\n  1: jmp 1b\nret': ['#define | A | \\', 'ret'],
    '# if this were English': ['# | if | this | were | English'].slice(1),
    '\\name\\@: pushq %\\register': ['\\name\\@: pushq | %\\register'],
    '.Llocal: ret': ['.Llocal: ret'],
    ') ] } , : =': [],
    '"': [],
  });
});

describe('the parser, Intel syntax of the GNU assembler', () => {
  check('a.S', '.intel_syntax noprefix', {
    'mov rax, qword ptr [rbx + 8*rcx]': ['mov | rax | qword ptr [rbx + 8*rcx]'],
    'lea rdi, [rip + table]; call f': ['lea | rdi | [rip + table]', 'call | f'],
    'mov eax, dword ptr es:[rdi]': ['mov | eax | dword ptr es:[rdi]'],
  });
  it('begins and ends with its directives', () => {
    const dialects = parse('file:///a.S', '.text\nret\n.intel_syntax noprefix\nret\n.att_syntax\nret').statements.filter(({ head }) => head?.text === 'ret').map(({ dialect }) => dialect);
    assert.deepEqual(dialects, ['AT&T', 'GNU Intel', 'AT&T']);
  });
});

describe('the parser, NASM syntax', () => {
  check('a.asm', 'bits 64', {
    'start: mov eax, [rel table + 4] ; first': ['start: mov | eax | [rel table + 4]'],
    'table dd 1, 2': ['table: dd | 1 | 2'],
    'SIZE equ $ - table': ['SIZE: equ | $ - table'],
    'again loop again': ['again: loop | again'],
    '.local: jmp .local': ['.local: jmp | .local'],
    'buffer: resb 512': ['buffer: resb | 512'],
    "db 'it''s; here', `a\\`b`, \"c\"": ['db | """"""""""""" | """""" | """'],
    '[section .text]': ['section | .text]'],
    '%define PORT 0xe9': ['%define | PORT 0xe9'],
    '%macro save 1\npush %1\n%endmacro': ['%macro | save 1', 'push | %1', '%endmacro'],
    '%%loop: dec ecx': ['%%loop: dec | ecx'],
    'mov eax, # 5': ['mov | eax | # 5'],
    'lock cmpxchg [rdi], rsi': ['lock cmpxchg | [rdi] | rsi'],
    'times 3 nop': ['times | 3 nop'],
    'unknown': ['unknown'],
  });
});

describe('the parser', () => {
  it('knows what stands in macros and under conditions', () => {
    const { statements } = parse('file:///a.S', '.macro m\na:\n.endm\n.if 1\nb:\n.endif\n#ifdef X\nc:\n#endif\nd:');
    const places = statements.flatMap(({ labels, inMacro, isConditional }) => labels.map(({ text }) => [text, inMacro, isConditional]));
    assert.deepEqual(places, [['a', true, false], ['b', false, true], ['c', false, true], ['d', false, false]]);
  });
  it('never fails, whatever it is given', () => {
    let seed = 1;
    const random = (below: number): number => { seed = (seed * 1103515245 + 12345) % 2 ** 31; return Math.floor((seed / 2 ** 31) * below); };
    const pieces = ['mov', ' ', '\n', '"', "'", '`', '/*', '*/', '#', '//', ';', ':', '%', '$', '(', ')', '[', ']', ',', '\\', '=', '.macro', '.endm', '%rax', 'equ', '1b', '.text', '#define', '%if', '\r', 'é', '\0'];
    for (let run = 0; run < 500; run++) {
      const text = Array.from({ length: random(60) }, () => pieces[random(pieces.length)]).join('');
      for (const file of ['a.S', 'a.asm', 'a.h', 'a.nasm']) {
        const { lines: all, code, statements } = parse(`file:///${file}`, text);
        assert.equal(code.length, all.length);
        assert.ok(code.every((line, index) => line.length === all[index]!.length), JSON.stringify(text));
        for (const { head } of statements) if (head) assert.equal(code[head.line]!.slice(head.start, head.end), head.text);
      }
    }
  });
});
