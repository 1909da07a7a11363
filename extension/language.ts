/** The assembly language in this editor: the language server's client, values of registers in hovers, what the debugger may evaluate. */
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import { detectAssembler } from '../language/dialect.js';
import { findRegister } from '../language/registers.js';
import type { Sessions } from './debugging/sessions.js';
import { expressionAt, registerValueText } from './register-value.js';

const LANGUAGE = 'x86asm';
/** `%rax`, `r8d`, `st(1)`. */
const REGISTER_WORD = /%?\bst\(\d\)|%?\b\w+/;

export function startLanguage(context: vscode.ExtensionContext, sessions: Sessions): void {
  context.subscriptions.push(vscode.languages.registerEvaluatableExpressionProvider(LANGUAGE, { provideEvaluatableExpression: evaluatableExpression }), commentsOfActiveEditor());
  const module = vscode.Uri.joinPath(context.extensionUri, 'dist', 'language-server.js').fsPath;
  if (!existsSync(module)) return;
  const server = { module, transport: TransportKind.ipc };
  const client = new LanguageClient('ringside', 'Ringside assembly', { run: server, debug: server }, {
    documentSelector: [{ language: LANGUAGE }],
    middleware: {
      provideHover: async (document, position, token, next) => {
        const hover = await next(document, position, token);
        if (!hover) return hover;
        const value = await valueOfRegister(document, position, hover, sessions);
        return value === undefined ? hover : new vscode.Hover([...hover.contents, new vscode.MarkdownString(value)], hover.range);
      },
    },
  });
  let begun = false;
  const begin = (document: vscode.TextDocument): void => {
    if (begun || document.languageId !== LANGUAGE) return;
    begun = true;
    void client.start();
  };
  vscode.workspace.textDocuments.forEach(begin);
  context.subscriptions.push(vscode.workspace.onDidOpenTextDocument(begin), { dispose: () => void (begun && client.stop()) });
}

const textOf = (content: vscode.MarkdownString | vscode.MarkedString): string => (typeof content === 'string' ? content : content.value);

/** The server has judged whether the word is a register here; its value comes from the session while the machine stands. */
async function valueOfRegister(document: vscode.TextDocument, position: vscode.Position, hover: vscode.Hover, sessions: Sessions): Promise<string | undefined> {
  const range = document.getWordRangeAtPosition(position, REGISTER_WORD);
  const register = range && findRegister(document.getText(range));
  const { current } = sessions;
  if (!register || !current || current.run.isRunning || !hover.contents.some((content) => textOf(content).startsWith(`**${register.name.toUpperCase()}** `))) return undefined;
  const item = vscode.debug.activeStackItem;
  const frameId = item instanceof vscode.DebugStackFrame && item.session.id === current.session.id ? item.frameId : undefined;
  try {
    const { result } = (await current.session.customRequest('evaluate', { expression: `$${register.name}`, context: 'hover', format: { hex: true }, ...(frameId !== undefined && { frameId }) })) as { result: string };
    return registerValueText(register, result);
  } catch {
    return undefined;
  }
}

/** Labels and constants are the debugger's; for mnemonics and registers, which get none, the editor shows the hover above. */
function evaluatableExpression(document: vscode.TextDocument, position: vscode.Position): vscode.EvaluatableExpression | undefined {
  const range = document.getWordRangeAtPosition(position);
  if (!range) return undefined;
  const expression = expressionAt(document.lineAt(position).text, range.start.character, range.end.character);
  return expression === undefined ? undefined : new vscode.EvaluatableExpression(range, expression);
}

/** One language, two assemblers: what "Toggle Line Comment" writes goes by the file in the active editor. */
function commentsOfActiveEditor(): vscode.Disposable {
  let configuration: vscode.Disposable | undefined;
  const apply = (editor: vscode.TextEditor | undefined): void => {
    if (editor?.document.languageId !== LANGUAGE) return;
    configuration?.dispose();
    const isNasm = detectAssembler(editor.document.uri.path, editor.document.getText()) === 'NASM';
    configuration = vscode.languages.setLanguageConfiguration(LANGUAGE, { comments: isNasm ? { lineComment: ';' } : { lineComment: '#', blockComment: ['/*', '*/'] } });
  };
  apply(vscode.window.activeTextEditor);
  const listening = vscode.window.onDidChangeActiveTextEditor(apply);
  return { dispose: () => { listening.dispose(); configuration?.dispose(); } };
}
