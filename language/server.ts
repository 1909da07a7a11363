/** The language server of x86 assembly: Language Server Protocol over stdio or IPC, for any editor. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createConnection, DidChangeWatchedFilesNotification, FileChangeType, ProposedFeatures, TextDocuments, TextDocumentSyncKind } from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { completion, resolveCompletion } from './features/completion.js';
import { diagnostics } from './features/diagnostics.js';
import { documentSymbols } from './features/document-symbols.js';
import { hover } from './features/hover.js';
import { definition, references } from './features/navigation.js';
import { Workspace } from './workspace.js';

const SOURCE = /\.(?:s|asm|nasm|inc)$/i;
const IGNORED = /^(?:node_modules|\..*)$/;
const MOST_FILES = 2000, MOST_BYTES = 1 << 20, DEEPEST_FOLDER = 12;

function read(uri: string): string | undefined {
  try {
    const file = fileURLToPath(uri);
    return statSync(file).size <= MOST_BYTES ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

/** The assembly files of a folder, as far as there are not too many. */
function* sourcesIn(folder: string, depth = 0): Generator<string> {
  if (depth > DEEPEST_FOLDER) return;
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    if (IGNORED.test(entry.name)) continue;
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* sourcesIn(at, depth + 1);
    else if (entry.isFile() && SOURCE.test(entry.name)) yield at;
  }
}

const connection = createConnection(ProposedFeatures.all);
const documents = new TextDocuments(TextDocument);
const workspace = new Workspace(read);
let watches = false;

connection.onInitialize(({ workspaceFolders, capabilities }) => {
  watches = capabilities.workspace?.didChangeWatchedFiles?.dynamicRegistration ?? false;
  let left = MOST_FILES;
  for (const { uri } of workspaceFolders ?? []) {
    if (!uri.startsWith('file:')) continue;
    for (const file of sourcesIn(fileURLToPath(uri))) if (left-- > 0) workspace.add(pathToFileURL(file).href);
  }
  return {
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Incremental,
      hoverProvider: true,
      documentSymbolProvider: true,
      definitionProvider: true,
      referencesProvider: true,
      completionProvider: { resolveProvider: true, triggerCharacters: ['.', '%', '#'] },
    },
    serverInfo: { name: 'ringside' },
  };
});

connection.onInitialized(() => {
  if (watches) void connection.client.register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern: '**/*.{s,S,asm,nasm,inc,h}' }] });
});

/** A change of one file can settle or make complaints in those that include it. */
function judge(): void {
  for (const { uri } of documents.all()) void connection.sendDiagnostics({ uri, diagnostics: diagnostics(workspace, uri) });
}

documents.onDidChangeContent(({ document }) => {
  workspace.setOpen(document.uri, document.getText());
  judge();
});
documents.onDidClose(({ document }) => {
  workspace.close(document.uri);
  void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
});
connection.onDidChangeWatchedFiles(({ changes }) => {
  for (const { uri, type } of changes) {
    if (type === FileChangeType.Deleted) workspace.remove(uri);
    else {
      workspace.forget(uri);
      if (SOURCE.test(uri)) workspace.add(uri);
    }
  }
  judge();
});

connection.onHover(({ textDocument, position }) => hover(workspace, textDocument.uri, position) ?? null);
connection.onDocumentSymbol(({ textDocument }) => documentSymbols(workspace, textDocument.uri));
connection.onDefinition(({ textDocument, position }) => definition(workspace, textDocument.uri, position));
connection.onReferences(({ textDocument, position, context }) => references(workspace, textDocument.uri, position, context.includeDeclaration));
connection.onCompletion(({ textDocument, position }) => completion(workspace, textDocument.uri, position));
connection.onCompletionResolve(resolveCompletion);

documents.listen(connection);
connection.listen();
