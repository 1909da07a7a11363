import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createProtocolConnection, StreamMessageReader, StreamMessageWriter, type CompletionItem, type Diagnostic, type DocumentSymbol, type Hover, type InitializeResult, type Location, type MarkupContent, type ProtocolConnection } from 'vscode-languageserver/node';

const root = path.join(import.meta.dirname, '..');
const SERVER = path.join(root, 'dist', 'language-server.js');

describe('the language server, bundled, over stdio', () => {
  let folder: string, server: ChildProcess, connection: ProtocolConnection;
  const complaints = new Map<string, Diagnostic[]>();
  let told: { uri: string; now: () => void } | undefined;
  const uri = (name: string): string => pathToFileURL(path.join(folder, name)).href;
  const open = (name: string, text: string) => connection.sendNotification('textDocument/didOpen', { textDocument: { uri: uri(name), languageId: 'x86asm', version: 1, text } });
  const at = (name: string, line: number, character: number) => ({ textDocument: { uri: uri(name) }, position: { line, character } });
  const complaintsAfter = async (name: string, act: () => Promise<void>): Promise<string[]> => {
    const arrived = new Promise<void>((resolve) => { told = { uri: uri(name), now: resolve }; });
    await act();
    await arrived;
    return (complaints.get(uri(name)) ?? []).map(({ message }) => (typeof message === 'string' ? message : message.value));
  };
  let initialized: InitializeResult;

  before(async () => {
    assert.ok(existsSync(SERVER), 'dist/language-server.js is missing: run npm run build');
    folder = mkdtempSync(path.join(os.tmpdir(), 'ringside-language-'));
    writeFileSync(path.join(folder, 'far.S'), ' .globl far\nfar: ret\n');
    writeFileSync(path.join(folder, 'ports.h'), '#define DEBUG_CONSOLE 0xe9\n');
    server = spawn(process.execPath, [SERVER, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    connection = createProtocolConnection(new StreamMessageReader(server.stdout!), new StreamMessageWriter(server.stdin!));
    connection.onNotification('textDocument/publishDiagnostics', ({ uri: of, diagnostics }: { uri: string; diagnostics: Diagnostic[] }) => {
      complaints.set(of, diagnostics);
      if (told?.uri === of) told.now();
    });
    connection.listen();
    initialized = await connection.sendRequest('initialize', { processId: process.pid, rootUri: null, capabilities: {}, workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'test' }] });
    await connection.sendNotification('initialized', {});
  });
  after(async () => {
    await connection.sendRequest('shutdown');
    const exit = new Promise<number | null>((resolve) => server.once('exit', resolve));
    await connection.sendNotification('exit');
    assert.equal(await exit, 0);
    connection.dispose();
    rmSync(folder, { recursive: true });
  });

  it('says what it can do', () => {
    const { hoverProvider, definitionProvider, referencesProvider, documentSymbolProvider, completionProvider } = initialized.capabilities;
    assert.deepEqual([hoverProvider, definitionProvider, referencesProvider, documentSymbolProvider, completionProvider?.resolveProvider], [true, true, true, true, true]);
  });

  it('answers about an open file, its header and another module', async () => {
    const text = '#include "ports.h"\n .text\nstart: vmcall\n movb $DEBUG_CONSOLE, %al\n call far\n';
    assert.deepEqual(await complaintsAfter('a.S', () => open('a.S', text)), []);
    const hover = await connection.sendRequest<Hover>('textDocument/hover', at('a.S', 2, 9));
    assert.match((hover.contents as MarkupContent).value, /\*\*VMCALL\*\* — Call to VM Monitor[^]*VM exit.*Always/);
    const [constant] = await connection.sendRequest<Location[]>('textDocument/definition', at('a.S', 3, 8));
    assert.deepEqual([path.basename(constant!.uri), constant!.range.start], ['ports.h', { line: 0, character: 8 }]);
    const [label] = await connection.sendRequest<Location[]>('textDocument/definition', at('a.S', 4, 7));
    assert.deepEqual([path.basename(label!.uri), label!.range.start], ['far.S', { line: 1, character: 0 }]);
    const places = await connection.sendRequest<Location[]>('textDocument/references', { ...at('a.S', 4, 7), context: { includeDeclaration: false } });
    assert.deepEqual(places.map((place) => path.basename(place.uri)).sort(), ['a.S', 'far.S']);
    const outline = await connection.sendRequest<DocumentSymbol[]>('textDocument/documentSymbol', { textDocument: { uri: uri('a.S') } });
    assert.deepEqual(outline.map(({ name, children }) => [name, children?.map((child) => child.name)]), [['.text', ['start']]]);
  });

  it('completes, and documents what was chosen', async () => {
    const items = await connection.sendRequest<CompletionItem[]>('textDocument/completion', at('a.S', 2, 9));
    const item = items.find(({ label }) => label === 'vmlaunch')!;
    const resolved = await connection.sendRequest<CompletionItem>('completionItem/resolve', item);
    assert.match((resolved.documentation as MarkupContent).value, /Launch Virtual Machine/);
  });

  it('complains while the text is wrong, and no longer when it is right', async () => {
    assert.deepEqual(await complaintsAfter('b.S', () => open('b.S', ' jmp 1f\n')), ['There is no label "1:" after this line.']);
    const change = (text: string, version: number) => connection.sendNotification('textDocument/didChange', { textDocument: { uri: uri('b.S'), version }, contentChanges: [{ text }] });
    assert.deepEqual(await complaintsAfter('b.S', () => change(' jmp 1f\n1: ret\n', 2)), []);
  });

  it('gives nothing where there is nothing', async () => {
    assert.equal(await connection.sendRequest('textDocument/hover', at('a.S', 100, 0)), null);
    assert.deepEqual(await connection.sendRequest('textDocument/definition', at('missing.S', 0, 0)), []);
  });
});

describe('the language server, as sources', () => {
  it('takes the instruction definitions and tables of the emulator, and not the engine', () => {
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const [, name] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b(?! type)[^;'"]*?from '(\.[^']+)'/gm)) visit(path.join(path.dirname(file), name!).replace(/\.js$/, '.ts'));
    };
    visit(path.join(root, 'language', 'server.ts'));
    const folders = new Set([...reached].map((file) => path.relative(root, path.dirname(file)).split(path.sep).slice(0, 2).join('/')));
    for (const engine of ['emulator/translate', 'emulator/machine', 'emulator/paging', 'emulator/memory', 'emulator/devices', 'emulator/observe', 'emulator/boot']) assert.ok(!folders.has(engine), `language/server.ts reaches ${engine}`);
  });
});
