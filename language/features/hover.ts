/** Hover: what a mnemonic, register, directive, symbol or number is. */
import type { Hover, Position } from 'vscode-languageserver-types';
import { GNU_DIRECTIVES, NASM_DIRECTIVES } from '../directives.js';
import { PREFIXES } from '../mnemonics.js';
import { constantValue, numberAt } from '../numbers.js';
import { operandsOf } from '../operands.js';
import type { Span, Statement } from '../parser.js';
import { describeRegister, findRegister } from '../registers.js';
import { isNumericReference, resolveNumeric, type Definition } from '../symbols.js';
import { describeVmcsEncoding } from '../vmcs-encodings.js';
import { spotAt, type Located, type SourceFile, type Workspace } from '../workspace.js';
import { mnemonicText } from './instruction-text.js';

/** An encoding is put into a register shortly before it is used. */
const STATEMENTS_BEFORE_USE = 6;
const TRANSFER = /^vm(?:read|write)[lq]?$/i;
const LOADS = /^(?:mov|push)/i;
/** Smaller numbers mean all sorts of things. */
const FIRST_TELLING_ENCODING = 0x800;

const markdown = (value: string, span?: { line: number; start: number; end: number }): Hover => ({
  contents: { kind: 'markdown', value },
  ...(span && { range: { start: { line: span.line, character: span.start }, end: { line: span.line, character: span.end } } }),
});
const holds = ({ start, end }: Span, character: number): boolean => start <= character && character <= end;

export function hover(workspace: Workspace, uri: string, position: Position): Hover | undefined {
  const file = workspace.file(uri);
  const { line, character } = position;
  const code = file?.code[line];
  if (file === undefined || code === undefined) return undefined;
  const spot = spotAt(file, position), { statement } = spot;
  return registerHover(code, line, character, statement)
    ?? (statement && headHover(file, workspace, statement, character))
    ?? symbolHover(file, workspace, spot, statement)
    ?? (statement && numberHover(file, statement, code, character));
}

function registerHover(code: string, line: number, character: number, statement: Statement | undefined): Hover | undefined {
  for (const { 0: text, index } of code.matchAll(/%?(?:\bst\s*\(\s*\d\s*\)|\b\w+\b)/gi)) {
    if (index > character || character > index + text.length) continue;
    const register = findRegister(text);
    if (!register || (statement?.dialect === 'AT&T' && !text.startsWith('%'))) return undefined;
    return markdown(`**${register.name.toUpperCase()}** — ${describeRegister(register)}`, { line, start: index, end: index + text.length });
  }
  return undefined;
}

function headHover(file: SourceFile, workspace: Workspace, statement: Statement, character: number): Hover | undefined {
  const prefix = statement.prefixes.find((span) => holds(span, character));
  if (prefix) return markdown(`**${prefix.text.toUpperCase()}** — ${PREFIXES[prefix.text.toLowerCase()]!}`, prefix);
  const { head } = statement;
  if (!head || !holds(head, character)) return undefined;
  const name = head.text.toLowerCase();
  const directive = (statement.dialect === 'NASM' ? NASM_DIRECTIVES : GNU_DIRECTIVES).get(name);
  if (directive) return markdown(`**${name}** — ${directive.summary}`, head);
  if (statement.kind !== 'instruction' || workspace.definitions(file, head.text).some(({ item }) => item.kind === 'macro')) return undefined;
  if (name in PREFIXES) return markdown(`**${name.toUpperCase()}** — ${PREFIXES[name]!}`, head);
  const text = mnemonicText(name, statement.dialect, operandsOf(statement));
  return text === undefined ? undefined : markdown(text, head);
}

/** Whether a number loaded by a statement may well be the encoding of a VMCS field. */
function isNearTransfer(file: SourceFile, statement: Statement): boolean {
  if (statement.head && TRANSFER.test(statement.head.text)) return true;
  if (!statement.head || !LOADS.test(statement.head.text)) return false;
  const index = file.statements.indexOf(statement);
  return file.statements.slice(index + 1, index + 1 + STATEMENTS_BEFORE_USE).some(({ head }) => head !== undefined && TRANSFER.test(head.text));
}

function vmcsField(value: bigint, isCertain: boolean): string | undefined {
  const field = value <= 0xffffn ? describeVmcsEncoding(Number(value)) : undefined;
  if (!field || (!isCertain && value < FIRST_TELLING_ENCODING)) return undefined;
  return isCertain ? field.text : `As an encoding: ${field.text}`;
}

const inBothBases = (value: bigint): string => `\`0x${value.toString(16)}\` = ${value}`;

function valueText(definition: Definition, file: SourceFile, isCertain: boolean): string {
  const expression = definition.value ?? '', value = constantValue(expression, file.assembler);
  if (value === undefined) return expression === '' ? '' : `\`${expression}\``;
  return [inBothBases(value), vmcsField(value, isCertain)].filter(Boolean).join('\n\n');
}

function describeDefinition({ file, item }: Located<Definition>, from: SourceFile, isCertain: boolean): string {
  const where = file === from ? `line ${item.place.line + 1}` : `${decodeURIComponent(file.uri).split('/').at(-1)!}, line ${item.place.line + 1}`;
  const isGlobal = item.kind === 'label' && file.globals.has(item.name);
  const title = `**${item.name}** — ${isGlobal ? 'global label' : item.kind}, ${where}`;
  if (item.kind === 'constant') return [title, valueText(item, file, isCertain)].filter(Boolean).join('\n\n');
  return item.kind === 'macro' && item.value ? `${title}\n\nParameters: \`${item.value}\`` : title;
}

function symbolHover(file: SourceFile, workspace: Workspace, spot: ReturnType<typeof spotAt>, statement: Statement | undefined): Hover | undefined {
  const { definition, reference, include } = spot;
  if (include !== undefined) {
    const found = workspace.resolve(file, include);
    return markdown(found ? decodeURIComponent(found.uri.replace(/^file:\/\//, '')) : `\`${include}\` is not beside this file, nor the only file of that name in the workspace.`);
  }
  if (definition) return markdown(describeDefinition({ file, item: definition }, file, false), definition.place);
  if (!reference) return undefined;
  if (isNumericReference(reference.place.text) && file.assembler === 'GNU') {
    const target = resolveNumeric(file.definitions, reference.place);
    return target && markdown(describeDefinition({ file, item: target }, file, false), reference.place);
  }
  const found = workspace.definitions(file, reference.name);
  const isCertain = statement !== undefined && isNearTransfer(file, statement);
  const texts = [...new Set(found.map((located) => describeDefinition(located, file, isCertain)))];
  return texts.length === 0 ? undefined : markdown(texts.join('\n\n---\n\n'), reference.place);
}

function numberHover(file: SourceFile, statement: Statement, code: string, character: number): Hover | undefined {
  const number = numberAt(code, character, file.assembler);
  if (!number) return undefined;
  const { line } = statement.rest;
  const defines = file.definitions.some(({ kind, place }) => kind === 'constant' && place.line === line);
  const isCertain = isNearTransfer(file, statement);
  const field = isCertain || defines ? vmcsField(number.value, isCertain) : undefined;
  return markdown([inBothBases(number.value), field].filter(Boolean).join('\n\n'), { line, start: number.start, end: number.end });
}
