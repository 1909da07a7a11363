/** The outline: sections with the labels in them, NASM's local labels under their parents, macros and constants. */
import { SymbolKind, type DocumentSymbol } from 'vscode-languageserver-types';
import type { Definition } from '../symbols.js';
import type { SourceFile, Workspace } from '../workspace.js';
import { rangeOf } from './places.js';

const KINDS: Readonly<Record<Definition['kind'], SymbolKind>> = {
  label: SymbolKind.Function, 'numeric label': SymbolKind.Key, constant: SymbolKind.Constant, macro: SymbolKind.Method,
  section: SymbolKind.Namespace, structure: SymbolKind.Struct, common: SymbolKind.Variable,
};
const FOLLOWED_BY_DATA = /^(?:\.(?:byte|word|short|hword|value|int|long|quad|octa|ascii|asciz|string|float|double|single|zero|skip|space|fill|comm|lcomm)|d[bwdqtoyz]|res[bwdqtoyz])$/i;
const ENDS: Readonly<Record<string, RegExp>> = { macro: /^(?:\.endm|%endmacro)$/i, structure: /^endstruc$/i };

function isData(file: SourceFile, { place }: Definition): boolean {
  const next = file.statements.find(({ head, rest }) => head !== undefined && (rest.line > place.line || (rest.line === place.line && head.start > place.start)));
  return next?.head !== undefined && FOLLOWED_BY_DATA.test(next.head.text);
}

export function documentSymbols(workspace: Workspace, uri: string): DocumentSymbol[] {
  const file = workspace.file(uri);
  if (!file) return [];
  const roots: DocumentSymbol[] = [];
  let section: DocumentSymbol | undefined, label: DocumentSymbol | undefined;
  const lineEnd = (line: number) => ({ line, character: file.lines[line]?.length ?? 0 });
  const extend = (symbol: DocumentSymbol | undefined, line: number): void => { if (symbol && line > symbol.range.end.line) symbol.range = { ...symbol.range, end: lineEnd(line) }; };
  const under = (parent: DocumentSymbol | undefined, symbol: DocumentSymbol): void => { (parent ? (parent.children ??= []) : roots).push(symbol); };
  for (const definition of file.definitions) {
    const { name, kind, place } = definition, selectionRange = rangeOf(place);
    if (kind === 'numeric label') continue;
    const symbol: DocumentSymbol = {
      name, kind: kind === 'label' && isData(file, definition) ? SymbolKind.Variable : KINDS[kind],
      range: { start: selectionRange.start, end: lineEnd(endOf(file, definition)) }, selectionRange,
      ...((kind === 'constant' || kind === 'macro') && definition.value && { detail: definition.value }),
      ...(kind === 'label' && file.globals.has(name) && { detail: 'global' }),
    };
    if (kind === 'section') {
      extend(section, place.line - 1);
      extend(label, place.line - 1);
      label = undefined;
      section = symbol;
      roots.push(symbol);
    } else if (kind === 'label') {
      const isLocal = /^\.(?!\.)/.test(place.text) && label !== undefined && (file.assembler === 'NASM' || place.text.startsWith('.L'));
      if (!isLocal) {
        extend(label, place.line - 1);
        label = symbol;
      }
      under(isLocal ? label : section, symbol);
    } else under(kind === 'macro' ? undefined : section, symbol);
  }
  extend(label, file.lines.length - 1);
  extend(section, file.lines.length - 1);
  for (const root of roots) for (const child of root.children ?? []) if (child.range.end.line > root.range.end.line) root.range = { ...root.range, end: child.range.end };
  return roots;
}

function endOf(file: SourceFile, { kind, place }: Definition): number {
  const end = ENDS[kind];
  return (end && file.statements.find(({ head, rest }) => rest.line > place.line && head !== undefined && end.test(head.text))?.rest.line) ?? place.line;
}
