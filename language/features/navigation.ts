/** Definitions and references of labels, constants and macros, across included files and the modules of the workspace. */
import type { Location, Position } from 'vscode-languageserver-types';
import { isNumericReference, resolveNumeric } from '../symbols.js';
import { spotAt, type SourceFile, type Workspace } from '../workspace.js';
import { locationOf } from './places.js';

export function definition(workspace: Workspace, uri: string, position: Position): Location[] {
  const file = workspace.file(uri);
  if (!file) return [];
  const { reference, definition: own, include } = spotAt(file, position);
  if (include !== undefined) {
    const found = workspace.resolve(file, include);
    return found ? [locationOf(found.uri, { text: '', line: 0, start: 0, end: 0 })] : [];
  }
  if (reference && file.assembler === 'GNU' && isNumericReference(reference.place.text)) {
    const target = resolveNumeric(file.definitions, reference.place);
    return target ? [locationOf(uri, target.place)] : [];
  }
  const name = own?.name ?? reference?.name;
  if (name === undefined || own?.kind === 'numeric label') return own ? [locationOf(uri, own.place)] : [];
  return workspace.definitions(file, name).map(({ file: { uri: where }, item }) => locationOf(where, item.place));
}

function numericReferences(file: SourceFile, place: { line: number; start: number }): Location[] {
  return file.references
    .filter((reference) => isNumericReference(reference.place.text))
    .filter((reference) => {
      const target = resolveNumeric(file.definitions, reference.place)?.place;
      return target?.line === place.line && target.start === place.start;
    })
    .map((reference) => locationOf(file.uri, reference.place));
}

export function references(workspace: Workspace, uri: string, position: Position, includeDeclaration: boolean): Location[] {
  const file = workspace.file(uri);
  if (!file) return [];
  const { reference, definition: own } = spotAt(file, position);
  const isNumeric = file.assembler === 'GNU' && (own?.kind === 'numeric label' || (reference !== undefined && isNumericReference(reference.place.text)));
  if (isNumeric) {
    const target = own?.place ?? resolveNumeric(file.definitions, reference!.place)?.place;
    return target ? [...(includeDeclaration ? [locationOf(uri, target)] : []), ...numericReferences(file, target)] : [];
  }
  const name = own?.name ?? reference?.name;
  if (name === undefined) return [];
  const declarations = includeDeclaration ? workspace.definitions(file, name).map(({ file: { uri: where }, item }) => locationOf(where, item.place)) : [];
  const uses = workspace.references(file, name).map(({ file: { uri: where }, item }) => locationOf(where, item.place));
  return [...declarations, ...uses];
}
