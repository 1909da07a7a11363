/** For tests: a workspace in memory, and the place that a ‸ marks in one of its files. */
import type { Position } from 'vscode-languageserver-types';
import { Workspace } from './workspace.js';

const CURSOR = '‸';

export interface Place {
  readonly workspace: Workspace;
  readonly uri: string;
  readonly position: Position;
}

export const uriOf = (name: string): string => `file:///work/${name}`;

/** All files are known; the one with the cursor is open. */
export function workspaceOf(files: Readonly<Record<string, string>>): Place {
  const workspace = new Workspace((uri) => files[uri.replace(uriOf(''), '')]?.replace(CURSOR, ''));
  let place: Place = { workspace, uri: uriOf(Object.keys(files)[0]!), position: { line: 0, character: 0 } };
  for (const [name, text] of Object.entries(files)) {
    const at = text.indexOf(CURSOR);
    workspace.add(uriOf(name));
    if (at < 0) continue;
    const before = text.slice(0, at).split('\n');
    place = { workspace, uri: uriOf(name), position: { line: before.length - 1, character: before.at(-1)!.length } };
    workspace.setOpen(uriOf(name), text.replace(CURSOR, ''));
  }
  return place;
}
