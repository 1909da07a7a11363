import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { PersonalComputer } from '../../emulator/machine/machine.js';
import { Conversation, LAB, lab } from './conversation.js';

describe('the life of a session', function () {
  this.timeout(60_000);
  let talk: Conversation, folder: string;
  beforeEach(async () => {
    talk = new Conversation();
    folder = await mkdtemp(path.join(tmpdir(), 'ringside-'));
  });
  afterEach(async () => {
    await talk.end();
    await rm(folder, { recursive: true });
  });

  it('stops at the first instruction, in 32-bit mode', async () => {
    const stop = await talk.launch();
    assert.equal(stop.reason, 'entry');
    assert.equal(await talk.threadName(), 'CPU 0 · 32-bit · ring 0');
    assert.deepEqual(await talk.stack(), ['start boot.S:28']);
    assert.equal(talk.machine!.instructions, 0);
  });

  it('runs to the guest’s exit, with its output line by line', async () => {
    await talk.launch();
    const exited = talk.client.waitForEvent('exited'), terminated = talk.client.waitForEvent('terminated');
    await talk.request('continue', { threadId: 1 });
    assert.equal(((await exited) as DebugProtocol.ExitedEvent).body.exitCode, 1);
    await terminated;
    const lines = talk.outputs.filter(({ category }) => category === 'stdout').map(({ output }) => output);
    assert.ok(lines.includes('guest| CPUID: my hypervisor is RingsideLab1\n'), lines.join(''));
    assert.ok(lines.every((line) => line.endsWith('\n')));
  });

  it('pauses a machine that runs, and answers while it does', async () => {
    const spin = Uint8Array.from({ length: 512 }, (_, at) => [0xeb, 0xfe][at] ?? { 510: 0x55, 511: 0xaa }[at] ?? 0);
    const program = path.join(folder, 'spin.img');
    await writeFile(program, spin);
    await talk.launch({ program, stopOnEntry: true });
    await talk.request('continue', { threadId: 1 });
    const before = talk.machine!.instructions;
    await new Promise((resolve) => { setTimeout(resolve, 30); });
    assert.equal(await talk.threadName(), 'CPU 0 · 16-bit real mode');
    await talk.request('ringside/traps', { start: 0, count: 1 });
    await assert.rejects(talk.frames(), /The machine is running: pause it first/);
    const stopped = talk.stop();
    await talk.request('pause', { threadId: 1 });
    assert.equal((await stopped).reason, 'pause');
    assert.ok(talk.machine!.instructions > before);
    assert.match((await talk.stack())[0]!, /^0x7c00 .*disassembly/);
    const reference = (await talk.frames())[0]!.source!.sourceReference!;
    const { content } = await talk.request<{ content: string }>('source', { sourceReference: reference });
    assert.match(content.split('\n')[(await talk.frames())[0]!.line - 1]!, /^7c00 +eb fe +jmp short 0x7c00$/);
  });

  it('shows that it starts, until it has', async () => {
    await talk.launch();
    const [start, end, ...others] = talk.progress;
    assert.deepEqual([start, end, others], [
      { event: 'progressStart', progressId: start!.progressId, title: 'Booting hypervisor.elf', message: 'reading files', cancellable: true }, { event: 'progressEnd', progressId: start!.progressId }, [],
    ]);
    await talk.request('cancel', { progressId: start!.progressId });
    await talk.request('cancel', { progressId: 'another' });
    assert.equal((await talk.run('stepIn', 'instruction')).reason, 'step');
  });

  it('has the devices that its configuration names, and says which cannot be had', async () => {
    const disk = path.join(folder, 'disk.img');
    await writeFile(disk, new Uint8Array(1000));
    for (const [more, message] of [
      [{ disks: [disk] }, /disk\.img: a disk has whole sectors of 512 bytes/], [{ share: [`${disk},tag`] }, /disk\.img: it is no folder/], [{ net: ['user,hostfwd=tcp:192.0.2.1:99-:1'] }, /Port 99 of 192\.0\.2\.1 cannot be had/],
    ] as const) {
      const other = new Conversation();
      await assert.rejects(other.launch({ ...LAB, ...more }), message);
      await other.end();
      assert.deepEqual(other.progress.map(({ event }) => event), ['progressStart', 'progressEnd']);
    }
    await writeFile(disk, new Uint8Array(1024));
    await talk.launch({ ...LAB, disks: [`${disk},write`], net: ['user'], share: [`${folder},tag,write`], quantum: 50, nanoseconds: 3 });
    const { all } = (talk.machine as PersonalComputer).chipset.pci.bus;
    assert.deepEqual(all.map(({ name }) => name).filter((name) => /\d$/.test(name)).sort(), ['disk 0', 'network 0', 'shared folder 0']);
  });

  it('restarts the same machine', async () => {
    await talk.launch({ ...LAB, stopOnEntry: true }, { functions: [{ name: 'handle_hlt' }] });
    await talk.run('continue');
    const at = talk.machine!.instructions, hash = talk.machine!.stateHash();
    const stopped = talk.stop();
    await talk.request('restart');
    assert.equal((await stopped).reason, 'entry');
    assert.equal(talk.machine!.instructions, 0);
    await talk.run('continue');
    assert.equal(talk.machine!.instructions, at);
    assert.equal(talk.machine!.stateHash(), hash);
  });

  it('ends when it is told to', async () => {
    await talk.launch();
    const terminated = talk.client.waitForEvent('terminated');
    await talk.request('terminate');
    await terminated;
  });

  const refused = async (launch: object): Promise<string> => {
    await talk.client.initializeRequest();
    try {
      await talk.client.customRequest('launch', launch);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('it was launched');
  };

  it('does not begin with a configuration that is wrong, and says in one sentence why', async () => {
    assert.equal(await refused({ program: LAB.program, memory: '64M' }), '"memory" must be a whole number from 2 to 3072 (mebibytes), not "64M".');
    assert.match(await refused({ program: path.join(folder, 'none.elf') }), /none\.elf: there is no such file; correct the path, or build the file first\.$/);
    assert.match(await refused({ program: folder }), /: it is a folder; /);
    await writeFile(path.join(folder, 'text'), 'no program');
    assert.match(await refused({ program: path.join(folder, 'text') }), /text: the file is neither ELF, nor multiboot, nor a boot sector/);
    assert.match(await refused({ ...LAB, symbols: [{ file: path.join(folder, 'text'), world: 'guest' }] }), /text: .*ELF/);
    assert.match(await refused({ ...LAB, cpus: 17 }), /"cpus" must be a whole number from 1 to 16/);
    for (const { output } of talk.outputs) assert.doesNotMatch(output, /^\s+at /m);
  });

  it('knows no requests but its own', async () => {
    await talk.client.initializeRequest();
    await assert.rejects(talk.request('stepBack', { threadId: 1 }), /Not implemented: the request "stepBack"/);
    await assert.rejects(talk.request('threads'), /Nothing has been launched yet/);
  });

  it('ends at the same state whatever was looked at and stepped on the way', async () => {
    const straight = new Conversation();
    await straight.launch();
    await talk.launch();
    for (let round = 0; round < 25; round++) {
      await talk.run((['stepIn', 'next', 'stepIn'] as const)[round % 3]!, round % 2 === 0 ? 'instruction' : 'line');
      await talk.evaluate('walk $rsp', 'repl');
      await talk.scope('General');
    }
    await talk.request('setExceptionBreakpoints', { filters: ['page-fault'] });
    await talk.run('continue');
    const count = talk.machine!.instructions;
    straight.machine!.run(count);
    assert.equal(straight.machine!.instructions, count);
    assert.equal(straight.machine!.stateHash(), talk.machine!.stateHash());
    await straight.end();
  });

  it('waits for the program of a client that is ready before', async () => {
    await talk.initialize();
    await talk.client.configurationDoneRequest();
    const stopped = talk.stop();
    await talk.request('launch', LAB);
    assert.equal((await stopped).reason, 'entry');
  });

  it('without debugging runs through everything', async () => {
    await talk.initialize();
    await talk.request('setExceptionBreakpoints', { filters: ['vm-exit'] });
    const exited = talk.client.waitForEvent('exited', 20_000);
    await talk.request('launch', { ...LAB, noDebug: true });
    await talk.client.configurationDoneRequest();
    assert.equal(((await exited) as DebugProtocol.ExitedEvent).body.exitCode, 1);
    assert.ok(!talk.events.includes('stopped'));
  });

  it('finds the sources of a program beside it', async () => {
    await talk.launch();
    assert.equal((await talk.frames())[0]!.source!.path, lab('boot.S'));
  });
});
