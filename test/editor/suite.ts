/** What only a real editor can show: runs inside the extension host, with the first lab as the open folder. */
import assert from 'node:assert/strict';
import path from 'node:path';
import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Table, Walk } from '../../extension/panels/page-tables/protocol.js';
import type { TlbEntry } from '../../extension/panels/tlb/protocol.js';
import type { TrapPage } from '../../extension/panels/traps/protocol.js';
import type { VmcsState } from '../../extension/panels/vmcs/protocol.js';

const PANELS = [
  ['ringside.showVmcs', 'VMCS'],
  ['ringside.showPageTables', 'Page Tables'],
  ['ringside.showTlb', 'TLB'],
  ['ringside.showTraps', 'Traps'],
] as const;

async function until<T>(what: string, ask: () => T | undefined | false | Thenable<T | undefined | false>, limitMs = 20_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) assert.fail(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const folder = (): vscode.WorkspaceFolder => vscode.workspace.workspaceFolders![0]!;
const inLab = (...parts: string[]): string => path.join(folder().uri.fsPath, ...parts);

const lab = (more: object = {}): vscode.DebugConfiguration => ({ type: 'ringside', request: 'launch', name: 'lab', program: inLab('hypervisor.elf'), symbols: [{ file: inLab('guest.elf'), world: 'guest' }], memory: 64, stopOnEntry: true, ...more });

/** Behind the first match of a pattern. */
function positionOf(document: vscode.TextDocument, before: RegExp): vscode.Position {
  const lines = document.getText().split('\n'), line = lines.findIndex((text) => before.test(text));
  assert.ok(line >= 0, `no line matches ${before}`);
  const { 0: found, index } = before.exec(lines[line]!)!;
  return new vscode.Position(line, index + found.length + 1);
}
async function hoverText(file: string, before: RegExp): Promise<string> {
  const document = await vscode.workspace.openTextDocument(inLab(file));
  assert.equal(document.languageId, 'x86asm');
  const position = positionOf(document, before);
  const hovers = await until('a hover', async () => {
    const found = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, position);
    return found.length > 0 && found;
  });
  return hovers.flatMap(({ contents }) => contents.map((content) => (content as vscode.MarkdownString).value)).join('\n');
}

/** Counts the stops of one session and keeps what the debugger printed. */
class Watch {
  stops: DebugProtocol.StoppedEvent['body'][] = [];
  output = '';
  private readonly registration = vscode.debug.registerDebugAdapterTrackerFactory('ringside', {
    createDebugAdapterTracker: () => ({
      onDidSendMessage: (message: DebugProtocol.Event) => {
        if (message.event === 'stopped') this.stops.push((message as DebugProtocol.StoppedEvent).body);
        if (message.event === 'output') this.output += (message as DebugProtocol.OutputEvent).body.output;
      },
    }),
  });
  stop(number: number): Promise<DebugProtocol.StoppedEvent['body']> {
    return until(`stop ${number}`, () => this.stops[number - 1]);
  }
  dispose(): void {
    this.registration.dispose();
  }
}

async function endSessions(): Promise<void> {
  await vscode.debug.stopDebugging();
  vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
  await until('the end of the session', () => vscode.debug.activeDebugSession === undefined);
}

describe('Ringside in the editor', () => {
  it('activates and registers its commands', async () => {
    await vscode.extensions.getExtension('ringside.ringside')!.activate();
    const commands = new Set(await vscode.commands.getCommands(true));
    const declared = (vscode.extensions.getExtension('ringside.ringside')!.packageJSON as { contributes: { commands: { command: string }[] } }).contributes.commands;
    assert.deepEqual(
      declared.map(({ command }) => command).filter((command) => !commands.has(command)),
      [],
    );
  });

  for (const [command, title] of PANELS) {
    it(`opens the panel ${title} once, however often it is asked for`, async () => {
      await vscode.commands.executeCommand(command);
      await vscode.commands.executeCommand(command);
      const tabs = (): vscode.Tab[] => vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter(({ label }) => label === title);
      await until(`the tab ${title}`, () => tabs().length === 1);
      await vscode.window.tabGroups.close(tabs());
    });
  }

  it('writes a launch configuration', async () => {
    const before = vscode.workspace.getConfiguration('launch', folder().uri).get<unknown[]>('configurations')!.length;
    await vscode.commands.executeCommand('ringside.newConfiguration');
    const after = vscode.workspace.getConfiguration('launch', folder().uri).get<vscode.DebugConfiguration[]>('configurations')!;
    assert.equal(after.length, before + 1);
    assert.equal(after.at(-1)!.type, 'ringside');
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });

  it('explains an instruction of an assembly file', async () => {
    const text = await hoverText('boot.S', /^\s+(?=cld\b)/);
    assert.match(text, /\*\*CLD\*\* — Clear Direction Flag/);
    assert.doesNotMatch(text, /Now/);
  });

  it('goes from a constant of an assembly file to its header', async () => {
    const document = await vscode.workspace.openTextDocument(inLab('boot.S'));
    const position = positionOf(document, /\$(?=CODE_SELECTOR)/);
    const [place] = await until('a definition', async () => {
      const found = await vscode.commands.executeCommand<vscode.Location[]>('vscode.executeDefinitionProvider', document.uri, position);
      return found.length > 0 && found;
    });
    assert.match(place!.uri.path, /segments\.h$/);
  });

  for (const [what, configuration] of [
    ['a program of the wrong type', { program: 5 }],
    ['a program that does not exist', { program: '/nowhere/kernel.elf' }],
    ['memory as text', { memory: 'much' }],
    ['a symbol file that does not exist', { symbols: [{ file: 'nowhere.elf' }] }],
  ] as const) {
    it(`does not start with ${what}`, async () => {
      const started = await vscode.debug.startDebugging(folder(), lab(configuration));
      assert.ok(!started || vscode.debug.activeDebugSession === undefined);
    });
  }
});

describe('Debugging the first lab in the editor', () => {
  let watch: Watch;
  const session = (): vscode.DebugSession => vscode.debug.activeDebugSession!;
  const ask = async <Body>(request: string, args: object = {}): Promise<Body> => (await session().customRequest(request, args)) as Body;
  const start = async (more?: object): Promise<void> => {
    assert.ok(await vscode.debug.startDebugging(folder(), lab(more)));
  };
  const topFrame = async (threadId: number): Promise<DebugProtocol.StackFrame> => (await ask<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId, levels: 1 })).stackFrames[0]!;
  const breakAt = async (file: string, text: string): Promise<number> => {
    const document = await vscode.workspace.openTextDocument(inLab(file));
    const line = document.getText().split('\n').findIndex((each) => each.includes(text));
    assert.ok(line >= 0, `${file} has no line with ${text}`);
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(new vscode.Location(document.uri, new vscode.Position(line, 0)))]);
    return line + 1;
  };

  beforeEach(() => {
    watch = new Watch();
  });
  afterEach(async () => {
    await endSessions();
    watch.dispose();
  });

  it('stops at the first instruction', async () => {
    await start();
    const { threadId } = await watch.stop(1);
    const frame = await topFrame(threadId!);
    assert.match(frame.source?.path ?? '', /boot\.S$/);
    await until('the focus on the frame', () => vscode.debug.activeStackItem instanceof vscode.DebugStackFrame);
  });

  it('shows the value of a register in a hover of assembly while the machine stands', async () => {
    await start();
    await watch.stop(1);
    assert.match(await hoverText('boot.S', /%(?=cr0, %eax)/), /\*\*CR0\*\* — [^]*Now `0x0{8}[0-9a-f]{8}` = \d+\n\n`PE ET`/);
  });

  it('stops at a breakpoint in the hypervisor', async () => {
    const line = await breakAt('main.c', 'vm_enter(');
    await start({ stopOnEntry: false });
    const { threadId } = await watch.stop(1);
    const frame = await topFrame(threadId!);
    assert.match(frame.source?.path ?? '', /main\.c$/);
    assert.equal(frame.line, line);
  });

  it('stops at a breakpoint in the guest, and every panel has something to show', async () => {
    await breakAt('guest/guest.c', 'rested');
    await start({ stopOnEntry: false });
    const { threadId } = await watch.stop(1);
    assert.match((await topFrame(threadId!)).source?.path ?? '', /guest\.c$/);

    const vmcs = await ask<VmcsState>('ringside/vmcs');
    assert.ok(vmcs.present);
    assert.equal(vmcs.launchState, 'launched');
    assert.deepEqual(vmcs.failedChecks, []);
    assert.ok(vmcs.groups.flatMap(({ fields }) => fields).some(({ name }) => /guest rip/i.test(name)));

    const table = await ask<Table>('ringside/pageTable', { root: 'guest' });
    assert.ok(table.entries.some(({ present }) => present));
    const walk = await ask<Walk>('ringside/walk', { linear: '0x400020', access: 'execute', space: 'linear' });
    assert.equal(walk.outcome.kind, 'mapped');
    assert.equal(walk.steps.length, 19, 'three guest levels to a large page, each behind four of the EPT, and the page itself');

    const { entries } = await ask<{ entries: TlbEntry[] }>('ringside/tlb');
    assert.ok(entries.length > 0);
    const traps = await ask<TrapPage>('ringside/traps', { start: 0, count: 10 });
    assert.ok(traps.total > 0 && traps.rows.length > 0 && traps.counts.length > 0);
  });

  it('runs to the end, prints what the lab expects, and ends by itself', async () => {
    await start({ stopOnEntry: false });
    await until('the end', () => vscode.debug.activeDebugSession === undefined, 30_000);
    const expected = new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.file(inLab('expected-output.txt'))));
    assert.ok(watch.output.includes(expected.trim()), `the output was:\n${watch.output}`);
  });

  it('ends when asked, even while the machine runs', async () => {
    await start({ program: inLab('hypervisor.elf') });
    await watch.stop(1);
    await session().customRequest('continue', { threadId: 1 });
  });
});
