/** Starts the assembly language server the first time a file of its language is open. */
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';

const LANGUAGE = 'x86asm';

export function startLanguageClient(context: vscode.ExtensionContext): void {
  const module = vscode.Uri.joinPath(context.extensionUri, 'dist', 'language-server.js').fsPath;
  if (!existsSync(module)) return;
  const server = { module, transport: TransportKind.ipc };
  const client = new LanguageClient('ringside', 'Ringside assembly', { run: server, debug: server }, { documentSelector: [{ language: LANGUAGE }] });
  let begun = false;
  const begin = (document: vscode.TextDocument): void => {
    if (begun || document.languageId !== LANGUAGE) return;
    begun = true;
    void client.start();
  };
  vscode.workspace.textDocuments.forEach(begin);
  context.subscriptions.push(vscode.workspace.onDidOpenTextDocument(begin), { dispose: () => void (begun && client.stop()) });
}
