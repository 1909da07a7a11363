/** Completion of mnemonics, prefixes, directives, registers, labels, constants and macros. */
import { CompletionItemKind, type CompletionItem, type Position } from 'vscode-languageserver-types';
import type { Dialect } from '../dialect.js';
import { GNU_DIRECTIVES, NASM_DIRECTIVES } from '../directives.js';
import { ATT_MNEMONICS, PLAIN_MNEMONICS, PREFIXES, readingsOf } from '../mnemonics.js';
import { describeRegister, findRegister, REGISTERS } from '../registers.js';
import type { Definition } from '../symbols.js';
import type { SourceFile, Workspace } from '../workspace.js';
import { mnemonicText } from './instruction-text.js';

type Kind = 'mnemonic' | 'prefix' | 'directive' | 'register' | 'symbol';
/** What `resolve` needs to write the documentation, which would be long for a whole list. */
interface Data {
  readonly kind: Kind;
  readonly name: string;
  readonly dialect: Dialect;
}

const KINDS: Readonly<Record<Definition['kind'], CompletionItemKind>> = {
  label: CompletionItemKind.Function, 'numeric label': CompletionItemKind.Value, constant: CompletionItemKind.Constant, macro: CompletionItemKind.Method,
  section: CompletionItemKind.Module, structure: CompletionItemKind.Struct, common: CompletionItemKind.Variable,
};
/** What stands before the word: labels, prefixes, and nothing else. */
const AT_MNEMONIC = /^\s*(?:[\w.$@?~%]+:\s*)*(?:(?:lock|rep\w*|data16|addr32|bnd|notrack)\s+)*[%.#[]?[\w.]*$/i;
const WORD = /[%.#]?[A-Za-z_.@?~][\w.$@?~]*$|[%.#]?$/;

interface Context {
  readonly dialect: Dialect;
  readonly word: { readonly text: string; readonly start: number; readonly end: number };
  readonly line: number;
}

function item(label: string, kind: CompletionItemKind, detail: string, context: Context, data: Data): CompletionItem {
  const { word, line } = context;
  return { label, kind, detail, filterText: label, textEdit: { range: { start: { line, character: word.start }, end: { line, character: word.end } }, newText: label }, data };
}

function mnemonics(context: Context): CompletionItem[] {
  const { dialect } = context;
  const names = dialect === 'AT&T' ? [...PLAIN_MNEMONICS, ...ATT_MNEMONICS] : [...PLAIN_MNEMONICS];
  const isCapital = /^[A-Z]/.test(context.word.text);
  const spelled = (name: string): string => (isCapital ? name.toUpperCase() : name);
  return [
    ...names.map((name) => item(spelled(name), CompletionItemKind.Keyword, readingsOf(name, dialect)[0]?.instruction.summary ?? '', context, { kind: 'mnemonic', name, dialect })),
    ...Object.keys(PREFIXES).map((name) => item(spelled(name), CompletionItemKind.Keyword, 'prefix', context, { kind: 'prefix', name, dialect })),
  ];
}

function directives(context: Context): CompletionItem[] {
  const { dialect } = context, known = dialect === 'NASM' ? NASM_DIRECTIVES : GNU_DIRECTIVES;
  return [...known.keys()].map((name) => item(name, CompletionItemKind.Property, 'directive', context, { kind: 'directive', name, dialect }));
}

function registers(context: Context): CompletionItem[] {
  const { dialect } = context, prefix = dialect === 'AT&T' || context.word.text.startsWith('%') ? '%' : '';
  return [...REGISTERS.values()].map(({ name, kind }) => {
    const spelled = kind === 'st' ? name.replace(/^st(\d)$/, dialect === 'NASM' ? 'st$1' : 'st($1)') : name;
    return item(prefix + spelled, CompletionItemKind.Variable, 'register', context, { kind: 'register', name, dialect });
  });
}

function symbols(file: SourceFile, workspace: Workspace, context: Context, kinds: (kind: Definition['kind']) => boolean): CompletionItem[] {
  const seen = new Map<string, CompletionItem>();
  const offer = (owner: SourceFile, definition: Definition): void => {
    const { kind, value } = definition;
    const isOwnLocal = owner === file && definition.place.text.startsWith('.') && context.word.text.startsWith('.');
    const label = isOwnLocal ? definition.place.text : definition.name;
    if (kind === 'section' || kind === 'numeric label' || !kinds(kind) || seen.has(label) || /[\\{]/.test(label)) return;
    seen.set(label, item(label, KINDS[kind], kind === 'constant' && value ? value : kind, context, { kind: 'symbol', name: definition.name, dialect: context.dialect }));
  };
  for (const owner of workspace.closure(file).files) for (const definition of owner.definitions) offer(owner, definition);
  for (const owner of workspace.files()) for (const definition of owner.definitions) if (owner.globals.has(definition.name)) offer(owner, definition);
  return [...seen.values()];
}

export function completion(workspace: Workspace, uri: string, { line, character }: Position): CompletionItem[] {
  const file = workspace.file(uri);
  const code = file?.code[line]?.slice(0, character);
  if (file === undefined || code === undefined || isInsideStringOrComment(file, line, character)) return [];
  const text = WORD.exec(code)?.[0] ?? '';
  const dialect = file.statements.findLast(({ rest }) => rest.line <= line)?.dialect ?? (file.assembler === 'NASM' ? 'NASM' : 'AT&T');
  const context: Context = { dialect, line, word: { text, start: character - text.length, end: character } };
  const statement = file.assembler === 'GNU' ? (code.split(';').at(-1) ?? '') : code;
  if (AT_MNEMONIC.test(statement)) {
    if (dialect !== 'NASM' && text.startsWith('.')) return directives(context);
    return [...mnemonics(context), ...directives(context), ...symbols(file, workspace, context, (kind) => kind === 'macro')];
  }
  if (text.startsWith('%')) return registers(context);
  return [...registers(context), ...symbols(file, workspace, context, () => true)];
}

/** Comments are blanks, and strings quotation marks, in the cleaned line. */
function isInsideStringOrComment(file: SourceFile, line: number, character: number): boolean {
  const code = file.code[line]!, text = file.lines[line]!, before = character - 1;
  if (before < 0 || code[before] === text[before]) return code[before] === '"' && code[character] === '"' && text[character] !== '"';
  return true;
}

export function resolveCompletion(completed: CompletionItem): CompletionItem {
  const { kind, name, dialect } = completed.data as Data;
  const value = documentation(kind, name, dialect);
  return value === undefined ? completed : { ...completed, documentation: { kind: 'markdown', value } };
}

function documentation(kind: Kind, name: string, dialect: Dialect): string | undefined {
  switch (kind) {
    case 'mnemonic': return mnemonicText(name, dialect);
    case 'prefix': return PREFIXES[name];
    case 'directive': return (dialect === 'NASM' ? NASM_DIRECTIVES : GNU_DIRECTIVES).get(name)?.summary;
    case 'register': return describeRegister(findRegister(name)!);
    case 'symbol': return undefined;
  }
}
