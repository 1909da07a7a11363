/** Only what is certain: a label defined twice, and `1f` or `1b` without such a label. */
import { DiagnosticSeverity, type Diagnostic } from 'vscode-languageserver-types';
import { isHeader } from '../dialect.js';
import { isNumericReference, resolveNumeric, type Definition } from '../symbols.js';
import type { SourceFile, Workspace } from '../workspace.js';
import { locationOf, rangeOf } from './places.js';

const SOURCE = 'Ringside';

export function diagnostics(workspace: Workspace, uri: string): Diagnostic[] {
  const file = workspace.file(uri);
  if (!file || isHeader(uri)) return [];
  return [...duplicates(file), ...(file.assembler === 'GNU' ? undefinedNumericLabels(file, workspace) : [])];
}

function duplicates(file: SourceFile): Diagnostic[] {
  const first = new Map<string, Definition>();
  return file.definitions.flatMap((definition) => {
    const { name, kind, place, isCertain, isVariable } = definition;
    if (!isCertain || isVariable || !['label', 'constant'].includes(kind)) return [];
    const before = first.get(name);
    if (!before) {
      first.set(name, definition);
      return [];
    }
    return [{
      range: rangeOf(place), severity: DiagnosticSeverity.Error, source: SOURCE, message: `"${name}" is already defined in line ${before.place.line + 1}. Give one of them another name.`,
      relatedInformation: [{ location: locationOf(file.uri, before.place), message: 'The first definition.' }],
    }];
  });
}

function undefinedNumericLabels(file: SourceFile, workspace: Workspace): Diagnostic[] {
  const { files, isWhole } = workspace.closure(file);
  if (!isWhole) return [];
  const elsewhere = files.filter((other) => other !== file).flatMap(({ definitions }) => definitions.filter(({ kind }) => kind === 'numeric label').map(({ name }) => name));
  const inMacros = file.definitions.filter(({ kind, isCertain }) => kind === 'numeric label' && !isCertain).map(({ name }) => name.replace(/\D.*$/, ''));
  const somewhere = new Set([...elsewhere, ...inMacros]);
  return file.references.flatMap(({ place }) => {
    const number = place.text.slice(0, -1);
    if (!isNumericReference(place.text) || somewhere.has(number) || isInMacro(file, place.line) || resolveNumeric(file.definitions, place)) return [];
    const direction = place.text.endsWith('f') ? 'after' : 'before';
    return [{ range: rangeOf(place), severity: DiagnosticSeverity.Error, source: SOURCE, message: `There is no label "${number}:" ${direction} this line.` }];
  });
}

const isInMacro = (file: SourceFile, line: number): boolean => file.statements.some(({ rest, inMacro, kind }) => (inMacro || kind === 'preprocessor') && rest.line === line);
