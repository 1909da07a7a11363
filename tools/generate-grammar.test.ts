import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';
import { ATT_MNEMONICS, PLAIN_MNEMONICS } from '../language/mnemonics.js';
import { GRAMMARS } from './generate-grammar.js';

const root = path.join(import.meta.dirname, '..');
const committed = (file: string): string => readFileSync(path.join(root, 'syntaxes', file), 'utf8');
const fileOf = (scopeName: string): string | undefined => Object.entries(GRAMMARS).find(([, text]) => (JSON.parse(text) as { scopeName: string }).scopeName === scopeName)?.[0];

async function load(): Promise<textmate.IGrammar> {
  await oniguruma.loadWASM(readFileSync(createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm')));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({ createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns), createOnigString: (text) => new oniguruma.OnigString(text) }),
    loadGrammar: (scopeName) => {
      const file = fileOf(scopeName);
      return Promise.resolve(file === undefined ? null : textmate.parseRawGrammar(committed(file), file));
    },
  });
  return (await registry.loadGrammar('source.x86asm'))!;
}

type Token = readonly [text: string, scope: string];

/** The innermost scope of each word, without the language's name; what has none is left out. */
function tokenize(grammar: textmate.IGrammar, source: string): Token[][] {
  let stack = textmate.INITIAL;
  return source.split('\n').map((line) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    stack = ruleStack;
    const merged: { start: number; end: number; scope: string }[] = [];
    for (const { startIndex: start, endIndex: end, scopes } of tokens) {
      const scope = scopes.at(-1)!, last = merged.at(-1);
      if (last?.scope === scope) last.end = end;
      else merged.push({ start, end, scope });
    }
    return merged.flatMap(({ start, end, scope }): Token[] => {
      const text = line.slice(start, end).trim();
      return text === '' || /^(?:source|meta)\./.test(scope) ? [] : [[text, scope.replace(/\.x86asm$/, '')]];
    });
  });
}

const LABEL = 'entity.name.function.label', COLON = 'punctuation.separator.label', COMMA = 'punctuation.separator.operand', REGISTER = 'variable.language.register';
const DIRECTIVE = 'keyword.control.directive', MNEMONIC = 'keyword.mnemonic', FLOW = 'keyword.control.flow', VMX = 'keyword.other.vmx', SYMBOL = 'variable.other.symbol';
const IMMEDIATE = 'punctuation.definition.immediate', HEX = 'constant.numeric.hex', DECIMAL = 'constant.numeric.decimal';

describe('the grammars of assembly', () => {
  let grammar: textmate.IGrammar;
  before(async () => { grammar = await load(); });

  for (const [file, text] of Object.entries(GRAMMARS)) {
    it(`${file} is as generated from the instruction definitions`, () => {
      assert.ok(committed(file) === text, `syntaxes/${file} is stale: run npm run grammar and commit the file`);
    });
  }

  const gnu = (line: string): Token[] => tokenize(grammar, `        .text\n${line}`)[1]!;
  const nasm = (line: string): Token[] => tokenize(grammar, `bits 64\n${line}`)[1]!;

  const GNU_LINES: Readonly<Record<string, Token[]>> = {
    'start:  movl $0x83, %eax': [['start', LABEL], [':', COLON], ['movl', MNEMONIC], ['$', IMMEDIATE], ['0x83', HEX], [',', COMMA], ['%eax', REGISTER]],
    '1:      jmp 1b': [['1', LABEL], [':', COLON], ['jmp', FLOW], ['1b', 'variable.other.symbol.local-label']],
    '        vmwriteq %rax, %rdx # guest RIP': [['vmwriteq', VMX], ['%rax', REGISTER], [',', COMMA], ['%rdx', REGISTER], ['# guest RIP', 'comment.line.number-sign']],
    '        rep movsb; ret // back': [['rep', 'keyword.other.prefix'], ['movsb', MNEMONIC], [';', 'punctuation.terminator.statement'], ['ret', FLOW], ['// back', 'comment.line.double-slash']],
    '        mov rax, qword ptr [rbx + 8*rcx]': [['mov', MNEMONIC], ['rax', REGISTER], [',', COMMA], ['qword', 'storage.modifier.size'], ['ptr', 'storage.modifier.size'], ['rbx', REGISTER], ['+', 'keyword.operator'], ['8', DECIMAL], ['*', 'keyword.operator'], ['rcx', REGISTER]],
    '#define PORT 0xe9 /* console */': [['#define', 'keyword.control.directive.preprocessor'], ['PORT', 'entity.name.function.preprocessor'], ['0xe9', HEX], ['/* console */', 'comment.block']].map(([text, scope]) => [text!, scope!] as const),
    '        .ascii "a\\n;#", "b"': [['.ascii', DIRECTIVE], ['"a', 'string.quoted.double'], ['\\n', 'constant.character.escape'], [';#"', 'string.quoted.double'], [',', COMMA], ['"b"', 'string.quoted.double']],
    '        .macro save register': [['.macro', DIRECTIVE], ['save', 'entity.name.function.macro'], ['register', 'variable.parameter.macro']],
    '        pushq %\\register': [['pushq', MNEMONIC], ['%\\register', 'variable.parameter.macro']],
    '        save rbp': [['save', 'support.function.macro'], ['rbp', REGISTER]],
    '        .set limit, 0b101': [['.set', DIRECTIVE], ['limit', 'variable.other.constant'], [',', COMMA], ['0b101', 'constant.numeric.binary']],
    '        call loop_start@PLT': [['call', FLOW], ['loop_start', SYMBOL], ['@PLT', 'storage.modifier.symbol']],
    '        jmp test': [['jmp', FLOW], ['test', SYMBOL]],
  };
  for (const [line, tokens] of Object.entries(GNU_LINES)) it(`GNU: ${line.trim()}`, () => { assert.deepEqual(gnu(line), tokens); });

  const NASM_LINES: Readonly<Record<string, Token[]>> = {
    'start: mov eax, [rel table + 4] ; first': [['start', LABEL], [':', COLON], ['mov', MNEMONIC], ['eax', REGISTER], [',', COMMA], ['rel', 'storage.modifier.size'], ['table', SYMBOL], ['+', 'keyword.operator'], ['4', DECIMAL], ['; first', 'comment.line.semicolon']],
    'table dd 0ffh, 101b, 17o': [['table', LABEL], ['dd', DIRECTIVE], ['0ffh', HEX], [',', COMMA], ['101b', 'constant.numeric.binary'], [',', COMMA], ['17o', 'constant.numeric.octal']],
    'SIZE equ $ - table': [['SIZE', 'variable.other.constant'], ['equ', DIRECTIVE], ['$', 'variable.language.position'], ['-', 'keyword.operator'], ['table', SYMBOL]],
    '%define PORT 0xe9': [['%define', 'keyword.control.directive.preprocessor'], ['PORT', 'entity.name.function.preprocessor'], ['0xe9', HEX]],
    '%macro outb 2': [['%macro', 'keyword.control.directive.preprocessor'], ['outb', 'entity.name.function.macro'], ['2', DECIMAL]],
    '    mov al, %2': [['mov', MNEMONIC], ['al', REGISTER], [',', COMMA], ['%2', 'variable.parameter.macro']],
    '    times 510-($-$$) db 0': [['times', DIRECTIVE], ['510', DECIMAL], ['-', 'keyword.operator'], ['$', 'variable.language.position'], ['-', 'keyword.operator'], ['$$', 'variable.language.position'], ['db', DIRECTIVE], ['0', DECIMAL]],
    "    db 'it; is', 10": [['db', DIRECTIVE], ["'it; is'", 'string.quoted.single'], [',', COMMA], ['10', DECIMAL]],
    '.again: loop .again': [['.again', LABEL], [':', COLON], ['loop', FLOW], ['.again', SYMBOL]],
    '    vmread rax, rdx': [['vmread', VMX], ['rax', REGISTER], [',', COMMA], ['rdx', REGISTER]],
    'section .text': [['section', DIRECTIVE], ['.text', 'entity.name.section']],
    '    lock cmpxchg [rdi], rsi': [['lock', 'keyword.other.prefix'], ['cmpxchg', MNEMONIC], ['rdi', REGISTER], [',', COMMA], ['rsi', REGISTER]],
  };
  for (const [line, tokens] of Object.entries(NASM_LINES)) {
    const isBracket = ([text]: Token): boolean => !/^[[\]()]/.test(text);
    it(`NASM: ${line.trim()}`, () => { assert.deepEqual(nasm(line).filter(isBracket), tokens); });
  }

  it('a block comment ends where it ends, also behind an instruction', () => {
    const lines = tokenize(grammar, '.text\n movl %eax, %ebx /* one\n two */\n ret');
    assert.deepEqual(lines[2], [['two */', 'comment.block']]);
    assert.deepEqual(lines[3], [['ret', FLOW]]);
  });

  it('a #define goes on behind a backslash', () => {
    const lines = tokenize(grammar, '#define A 1 + \\\n  0x2\n movl $A, %eax');
    assert.deepEqual(lines[1], [['0x2', HEX]]);
    assert.deepEqual(lines[2]![0], ['movl', MNEMONIC]);
  });

  it('what only one assembler accepts decides for the rest of the file', () => {
    assert.deepEqual(tokenize(grammar, '; boot sector\norg 0x7c00\n xor ax, ax ; zero')[2]!.at(-1), ['; zero', 'comment.line.semicolon']);
    assert.deepEqual(tokenize(grammar, '/* boot */\n cli; hlt')[1], [['cli', MNEMONIC], [';', 'punctuation.terminator.statement'], ['hlt', FLOW]]);
    assert.deepEqual(tokenize(grammar, ' cli\n movw %ax, %ds # flat')[1]!.at(-1), ['# flat', 'comment.line.number-sign']);
  });

  it('every mnemonic is a keyword', () => {
    const isKeyword = (tokens: Token[]): boolean => tokens[0]?.[1].startsWith('keyword.') ?? false;
    const lost = [...PLAIN_MNEMONICS, ...ATT_MNEMONICS].filter((mnemonic) => !isKeyword(gnu(` ${mnemonic}`)));
    assert.deepEqual([...lost, ...[...PLAIN_MNEMONICS].filter((mnemonic) => !isKeyword(nasm(` ${mnemonic}`)))], []);
  });
});
