/** The address for a walk: what was handed in (by a panel, or a variable of the Variables view), or what the user types. */
import * as vscode from 'vscode';
import type { ShowWalk } from './protocol.js';
import { addressFrom } from './walk.js';

function addressIn(from: unknown): string | undefined {
  if (typeof from === 'string') return addressFrom(from);
  const value = (from as { variable?: { value?: unknown } } | undefined)?.variable?.value;
  return typeof value === 'string' ? addressFrom(/0x[0-9a-f]+/i.exec(value)?.[0] ?? '') : undefined;
}

function selectedText(): string {
  const editor = vscode.window.activeTextEditor;
  return editor === undefined ? '' : (addressFrom(editor.document.getText(editor.selection)) ?? '');
}

export async function askForAddress(from: unknown): Promise<ShowWalk | undefined> {
  const { space = 'linear', linear } = (typeof from === 'object' && from !== null ? from : {}) as Partial<ShowWalk>;
  const given = linear === undefined ? addressIn(from) : addressFrom(linear);
  if (given !== undefined) return { linear: given, space };
  const typed = await vscode.window.showInputBox({
    title: 'Show the walk of a linear address',
    value: selectedText(),
    placeHolder: '0xffff800000001000',
    validateInput: (text) => (addressFrom(text) === undefined ? 'Type hexadecimal digits, with or without 0x.' : undefined),
  });
  const address = typed === undefined ? undefined : addressFrom(typed);
  return address === undefined ? undefined : { linear: address, space };
}
