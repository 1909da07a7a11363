/**
 * Writes the TextMate grammars of x86 assembly: mnemonics, registers and directives from the tables that the language server reads.
 * `npm run grammar` after a change of the instruction set; a test compares.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { C_PREPROCESSOR, GNU_LINE, NASM_LINE, NASM_PREPROCESSOR } from '../language/dialect.js';
import { GNU_DIRECTIVES, NASM_DIRECTIVES } from '../language/directives.js';
import { ATT_MNEMONICS, PLAIN_MNEMONICS, PREFIXES, readingsOf } from '../language/mnemonics.js';
import { REGISTERS } from '../language/registers.js';

type Captures = Readonly<Record<string, { readonly name: string } | { readonly patterns: readonly Rule[] }>>;
interface Rule {
  readonly name?: string;
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly include?: string;
  readonly captures?: Captures;
  readonly beginCaptures?: Captures;
  readonly patterns?: readonly Rule[];
}
interface Grammar {
  readonly name: string;
  readonly scopeName: string;
  readonly patterns: readonly Rule[];
  readonly repository: Readonly<Record<string, Rule>>;
}

const NEVER = '(?!)';
const scope = (name: string): string => `${name}.x86asm`;
const named = (names: Readonly<Record<number, string>>): Captures => Object.fromEntries(Object.entries(names).map(([group, name]) => [group, { name: scope(name) }]));
const words = (all: Iterable<string>): string => [...all].sort().map((word) => word.replace(/[.()]/g, '\\$&')).join('|');
const include = (...names: string[]): Rule[] => names.map((name) => ({ include: name.startsWith('source.') ? name : `#${name}` }));

type Family = 'control' | 'vmx' | 'mnemonic';
const SCOPES: Readonly<Record<Family, string>> = { control: 'keyword.control.flow', vmx: 'keyword.other.vmx', mnemonic: 'keyword.mnemonic' };
const TRANSFERS = /^(?:JMP|CALL|RET|INT\w?|IRET|SYSCALL|SYSRET|SYSENTER|SYSEXIT|HLT|BOUND)$/;

function familyOf(mnemonic: string): Family {
  const [first] = readingsOf(mnemonic, 'AT&T');
  if (first?.instruction.feature === 'VMX') return 'vmx';
  const transfers = first !== undefined && (TRANSFERS.test(first.instruction.name) || first.forms.some(({ operands }) => operands[0]?.kind === 'relative'));
  return transfers ? 'control' : 'mnemonic';
}

/** A statement: the mnemonic, then operands up to the end of it. */
function instructions(mnemonics: Iterable<string>, end: string): Rule[] {
  const families = new Map<Family, string[]>(Object.keys(SCOPES).map((family) => [family as Family, []]));
  for (const mnemonic of mnemonics) families.get(familyOf(mnemonic))!.push(mnemonic);
  return [...families].map(([family, members]) => ({
    begin: `(?i)(?<![\\w.%$\\\\])(${words(members)})(?![\\w.$@?~\\\\])`, end,
    beginCaptures: named({ 1: SCOPES[family] }),
    patterns: include('operands'),
  }));
}

const PREFIX: Rule = { match: `(?i)(?<![\\w.%$])(?:${words(Object.keys(PREFIXES))})(?![\\w.:$])`, name: scope('keyword.other.prefix') };
const REGISTER_NAMES = `st\\s*\\(\\s*[0-7]\\s*\\)|${words(REGISTERS.keys())}`;
const OPERATOR: Rule = { match: '<<|>>|&&|\\|\\||[-+*/&|^~!<>=]+', name: scope('keyword.operator') };
const SEPARATOR: Rule = { match: ',', name: scope('punctuation.separator.operand') };
const SIZE: Rule = { match: '(?i)\\b(?:byte|word|dword|qword|tword|tbyte|oword|[xy]mmword|ptr|offset|flat|short|near|far|strict|rel|abs|wrt|seg|dup)\\b', name: scope('storage.modifier.size') };
const ESCAPE: Rule = { match: '\\\\(?:[0-7]{1,3}|x[0-9A-Fa-f]+|.)', name: scope('constant.character.escape') };

/** Tokenised lines end in a line feed; `$` would match behind it too. */
const CONTINUED_END = '(?<!\\\\)(?=\\n)';
const GNU_END = '$|(?=;)';
const gnu: Grammar = {
  name: 'x86 Assembly (GNU)', scopeName: 'source.x86asm.gnu',
  patterns: include('preprocessor', 'comments', 'label', 'assignment', 'macro', 'section', 'directive', 'prefix', 'instructions', 'call', 'separator'),
  repository: {
    comments: { patterns: [
      { begin: '/\\*', end: '\\*/', name: scope('comment.block') },
      { match: '//.*$', name: scope('comment.line.double-slash') },
      { match: '#.*$', name: scope('comment.line.number-sign') },
    ] },
    preprocessor: { patterns: [
      { begin: '^\\s*(#\\s*define)\\s+([A-Za-z_]\\w*)', end: CONTINUED_END, name: scope('meta.preprocessor'), beginCaptures: named({ 1: 'keyword.control.directive.preprocessor', 2: 'entity.name.function.preprocessor' }),
        patterns: [{ match: '\\\\$', name: scope('constant.character.escape.line-continuation') }, ...include('blockComments', 'operands')] },
      { begin: '^\\s*(#\\s*include)\\b', end: '$', name: scope('meta.preprocessor'), beginCaptures: named({ 1: 'keyword.control.directive.preprocessor' }),
        patterns: [{ match: '<[^>]*>', name: scope('string.quoted.other.lt-gt.include') }, ...include('blockComments', 'string')] },
      { begin: `^\\s*(${C_PREPROCESSOR})`, end: CONTINUED_END, name: scope('meta.preprocessor'), beginCaptures: named({ 1: 'keyword.control.directive.preprocessor' }), patterns: [{ match: '\\bdefined\\b', name: scope('keyword.operator.defined') }, ...include('blockComments', 'operands')] },
    ] },
    blockComments: { patterns: [{ begin: '/\\*', end: '\\*/', name: scope('comment.block') }, { match: '//.*$', name: scope('comment.line.double-slash') }] },
    label: { match: '([A-Za-z_.$\\\\][\\w.$\\\\@()]*|\\d+(?:\\\\@)?)\\s*(:)(?![:=])', captures: named({ 1: 'entity.name.function.label', 2: 'punctuation.separator.label' }) },
    assignment: { begin: '([A-Za-z_.$][\\w.$]*)\\s*(=)(?!=)', end: GNU_END, beginCaptures: named({ 1: 'variable.other.constant', 2: 'keyword.operator.assignment' }), patterns: include('operands') },
    macro: { begin: '(\\.macro)\\s+([A-Za-z_.$][\\w.$]*)', end: GNU_END, beginCaptures: named({ 1: 'keyword.control.directive', 2: 'entity.name.function.macro' }),
      patterns: [{ match: '([A-Za-z_]\\w*)(?:(:)(req|vararg))?', captures: named({ 1: 'variable.parameter.macro', 3: 'storage.modifier.parameter' }) }, ...include('comments', 'string', 'number')] },
    section: { begin: '(\\.(?:push)?section)\\s+([\\w.$-]+)', end: GNU_END, beginCaptures: named({ 1: 'keyword.control.directive', 2: 'entity.name.section' }), patterns: include('operands') },
    directive: { patterns: [
      { begin: '(\\.(?:set|equ|equiv))\\s+([A-Za-z_.$][\\w.$]*)', end: GNU_END, beginCaptures: named({ 1: 'keyword.control.directive', 2: 'variable.other.constant' }), patterns: include('operands') },
      { begin: `(?i)(${words(GNU_DIRECTIVES.keys())})(?![\\w.$])`, end: GNU_END, beginCaptures: named({ 1: 'keyword.control.directive' }), patterns: include('operands') },
      { begin: '(?<![\\w.$])\\.[A-Za-z_]\\w*', end: GNU_END, beginCaptures: named({ 0: 'keyword.control.directive.other' }), patterns: include('operands') },
    ] },
    prefix: PREFIX,
    instructions: { patterns: instructions([...PLAIN_MNEMONICS, ...ATT_MNEMONICS], GNU_END) },
    call: { begin: '(?<![\\w.%$\\\\])[A-Za-z_\\\\][\\w.$\\\\@]*', end: GNU_END, beginCaptures: named({ 0: 'support.function.macro' }), patterns: include('operands') },
    separator: { match: ';', name: scope('punctuation.terminator.statement') },
    operands: { patterns: [
      ...include('comments', 'string', 'argument', 'register'),
      { match: '@[A-Za-z_]\\w*', name: scope('storage.modifier.symbol') },
      SIZE,
      ...include('number'),
      { match: '\\$', name: scope('punctuation.definition.immediate') },
      { match: '[A-Za-z_.][\\w.$]*', name: scope('variable.other.symbol') },
      OPERATOR, SEPARATOR,
    ] },
    argument: { match: '%?\\\\(?:[A-Za-z_]\\w*|@|\\(\\))', name: scope('variable.parameter.macro') },
    register: { match: `(?i)%(?:${REGISTER_NAMES})\\b|%st\\s*\\(\\s*[0-7]\\s*\\)|(?<![\\w.$\\\\])(?:${words(REGISTERS.keys())})(?![\\w.$(])`, name: scope('variable.language.register') },
    string: { patterns: [
      { begin: '"', end: '"|$', name: scope('string.quoted.double'), patterns: [ESCAPE] },
      { match: "'(?:\\\\.|[^\\\\])'?", name: scope('string.quoted.single.character') },
    ] },
    number: { patterns: [
      { match: '(?i)(?<![\\w.])0x[0-9a-f]+[ul]*\\b', name: scope('constant.numeric.hex') },
      { match: '(?i)(?<![\\w.])0b[01]+\\b', name: scope('constant.numeric.binary') },
      { match: '(?<![\\w.])\\d+[bf](?![\\w.])', name: scope('variable.other.symbol.local-label') },
      { match: '(?i)(?<![\\w.])(?:\\d+\\.\\d*(?:e[-+]?\\d+)?|0[f-h]-?\\d+(?:\\.\\d*)?(?:e[-+]?\\d+)?)\\b', name: scope('constant.numeric.float') },
      { match: '(?<![\\w.])0[0-7]+\\b', name: scope('constant.numeric.octal') },
      { match: '(?i)(?<![\\w.])\\d+[ul]*\\b', name: scope('constant.numeric.decimal') },
    ] },
  },
};

const NASM_END = '$';
const NASM_NAME = '[A-Za-z_.?@][\\w.$#@~?]*';
const DATA = [...NASM_DIRECTIVES].filter(([, { names }]) => names === 'data').map(([name]) => name);
const nasm: Grammar = {
  name: 'x86 Assembly (NASM)', scopeName: 'source.x86asm.nasm',
  patterns: include('comment', 'preprocessor', 'label', 'section', 'directive', 'prefix', 'instructions', 'labelWithoutColon', 'call'),
  repository: {
    comment: { match: ';.*$', name: scope('comment.line.semicolon') },
    preprocessor: { patterns: [
      { begin: `(?i)(%i?macro)\\s+(${NASM_NAME})`, end: NASM_END, beginCaptures: named({ 1: 'keyword.control.directive.preprocessor', 2: 'entity.name.function.macro' }), patterns: include('operands') },
      { begin: `(?i)(%(?:[ix]?define|i?assign|defstr|deftok|undef|strlen|substr|strcat))\\s+(${NASM_NAME})`, end: NASM_END, beginCaptures: named({ 1: 'keyword.control.directive.preprocessor', 2: 'entity.name.function.preprocessor' }), patterns: include('operands') },
      { begin: `(?i)(${NASM_PREPROCESSOR})`, end: NASM_END, beginCaptures: named({ 1: 'keyword.control.directive.preprocessor' }), patterns: include('operands') },
    ] },
    label: { match: `((?:%%|%\\$+)?${NASM_NAME})\\s*(:)(?!:)`, captures: named({ 1: 'entity.name.function.label', 2: 'punctuation.separator.label' }) },
    labelWithoutColon: { patterns: [
      { begin: `(?i)(?<![\\w.$])(${NASM_NAME})\\s+(equ)\\b`, end: NASM_END, beginCaptures: named({ 1: 'variable.other.constant', 2: 'keyword.control.directive' }), patterns: include('operands') },
      { match: `(?i)(?<![\\w.$])(${NASM_NAME})(?=\\s+(?:${words(DATA)})\\b)`, captures: named({ 1: 'entity.name.function.label' }) },
      { match: `(?i)(?<![\\w.$])(${NASM_NAME})(?=\\s+(?:${words([...PLAIN_MNEMONICS, ...Object.keys(PREFIXES)])})(?![\\w.:]))`, captures: named({ 1: 'entity.name.function.label' }) },
    ] },
    section: { begin: '(?i)\\[?\\s*\\b(section|segment)\\s+([\\w.$]+)', end: NASM_END, beginCaptures: named({ 1: 'keyword.control.directive', 2: 'entity.name.section' }), patterns: include('operands') },
    directive: { patterns: [
      { begin: '(?i)(?<![\\w.%$])(times)(?![\\w.$])', end: NASM_END, beginCaptures: named({ 1: 'keyword.control.directive' }), patterns: include('directive', 'prefix', 'instructions', 'operands') },
      { begin: `(?i)(?<![\\w.%$])(${words(NASM_DIRECTIVES.keys())})(?![\\w.$])`, end: NASM_END, beginCaptures: named({ 1: 'keyword.control.directive' }), patterns: include('operands') },
    ] },
    prefix: PREFIX,
    instructions: { patterns: instructions(PLAIN_MNEMONICS, NASM_END) },
    call: { begin: `(?<![\\w.%$])${NASM_NAME}`, end: NASM_END, beginCaptures: named({ 0: 'support.function.macro' }), patterns: include('operands') },
    operands: { patterns: [
      ...include('comment', 'string', 'argument'),
      { match: `(?i)(?<![\\w.$])(?:${REGISTER_NAMES})(?![\\w.$])`, name: scope('variable.language.register') },
      SIZE,
      ...include('number'),
      { match: '\\${1,2}(?![\\w.])', name: scope('variable.language.position') },
      { match: NASM_NAME, name: scope('variable.other.symbol') },
      OPERATOR, SEPARATOR,
    ] },
    argument: { match: '%(?:\\d+|\\{[^}]*\\}|%[\\w.$]+|\\$+[\\w.]+|\\+|\\?|[-+]\\d)', name: scope('variable.parameter.macro') },
    string: { patterns: [
      { match: '"[^"]*(?:"|$)', name: scope('string.quoted.double') },
      { match: "'[^']*(?:'|$)", name: scope('string.quoted.single') },
      { begin: '`', end: '`|$', name: scope('string.quoted.other.backtick'), patterns: [ESCAPE] },
    ] },
    number: { patterns: [
      { match: '(?i)(?<![\\w.])(?:0[xh][0-9a-f_]+|\\$\\d[0-9a-f_]*|\\d[0-9a-f_]*h)\\b', name: scope('constant.numeric.hex') },
      { match: '(?i)(?<![\\w.])(?:0[by][01_]+|[01][01_]*[by])\\b', name: scope('constant.numeric.binary') },
      { match: '(?i)(?<![\\w.])(?:0[oq][0-7_]+|[0-7][0-7_]*[oq])\\b', name: scope('constant.numeric.octal') },
      { match: '(?i)(?<![\\w.])(?:\\d[\\d_]*\\.\\d*(?:e[-+]?\\d+)?|\\d+e[-+]?\\d+)\\b', name: scope('constant.numeric.float') },
      { match: '(?i)(?<![\\w.])(?:0[dt])?\\d[\\d_]*[dt]?\\b', name: scope('constant.numeric.decimal') },
    ] },
  },
};

/** The first line that only one assembler accepts decides for the rest of the file, as in the language server. */
const either: Grammar = {
  name: 'x86 Assembly', scopeName: 'source.x86asm',
  patterns: [
    { begin: `(?i)(?=${GNU_LINE})`, end: NEVER, patterns: include('source.x86asm.gnu') },
    { begin: `(?i)(?=${NASM_LINE})`, end: NEVER, patterns: include('source.x86asm.nasm') },
    ...include('source.x86asm.nasm'),
  ],
  repository: {},
};

const INFORMATION = 'Generated by tools/generate-grammar.ts: change the tables in language/ and the instruction definitions instead.';

/** File in syntaxes/ and its text. */
export const GRAMMARS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({ 'x86asm.tmLanguage.json': either, 'x86asm-gnu.tmLanguage.json': gnu, 'x86asm-nasm.tmLanguage.json': nasm }).map(([file, grammar]) => [file, `${JSON.stringify({ information_for_contributors: [INFORMATION], ...grammar }, null, 2)}\n`]),
);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of Object.entries(GRAMMARS)) writeFileSync(path.join(import.meta.dirname, '..', 'syntaxes', file), text);
}
