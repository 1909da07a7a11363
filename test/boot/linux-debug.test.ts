/** Debian's stock kernel in the debugger, without debug information or any preparation in the guest. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Conversation } from '../debugger/conversation.js';
import { debianFiles, fileIn, newestOf } from './debian.js';
import { initrd } from './initrd.js';

const META_PACKAGE = 'linux-image-cloud-amd64';
const names = async (talk: Conversation): Promise<string[]> => (await talk.frames()).map(({ name }) => name);

describe('Debian’s Linux kernel in the debugger', function () {
  this.timeout(600_000);
  const talk = new Conversation(600_000);
  let folder: string, release: string, kernel: string;

  before(async function () {
    const name = newestOf(META_PACKAGE), files = name === undefined ? undefined : debianFiles(name), busybox = debianFiles('busybox-static');
    if (name === undefined || files === undefined || busybox === undefined) {
      console.log(`left out: ${META_PACKAGE} and busybox-static cannot be had from Debian here`);
      this.skip();
    }
    kernel = files;
    release = name.replace('linux-image-', '');
    folder = mkdtempSync(path.join(tmpdir(), 'ringside-linux-'));
    const archive = path.join(folder, 'initrd.gz');
    writeFileSync(archive, initrd(path.join(busybox, 'bin/busybox')));
    await talk.launch(
      { kernel: fileIn(path.join(kernel, 'boot'), 'vmlinuz'), initrd: archive, args: 'console=ttyS0 cryptomgr.notests quiet', memory: 256, boot: 'bzimage', stopOnEntry: false },
      { functions: [{ name: 'do_sys_openat2' }] },
    );
  });
  after(async () => {
    if (folder === undefined) return;
    await talk.end();
    rmSync(folder, { recursive: true });
  });

  it('stops in a function that was asked for before the kernel was there, with parameters by BTF and callers by ORC', async () => {
    const [program, ...kernel] = (await names(talk)).reverse();
    assert.deepEqual(kernel.reverse(), ['do_sys_openat2', '__x64_sys_openat', 'do_syscall_64', 'entry_SYSCALL_64_after_hwframe']);
    assert.match(program!, /^0x[0-9a-f]{6}$/, 'the program, of which nothing is known, called the kernel');
    const locals = await talk.scope('Locals');
    assert.deepEqual(locals.map(({ name, type }) => `${type} ${name}`), ['int dfd', 'const char * filename', 'struct open_how * how']);
    assert.match(locals[1]!.value, /"\/init"$/);
    assert.equal(await talk.evaluate('task.comm'), '"init"');
    assert.equal(await talk.evaluate('task.pid'), '1');
    assert.match(await talk.evaluate('*how'), /^\{flags = \d+ \(0x[0-9a-f]+\), mode = 0, resolve = 0\}$/);
  });

  it('has shown how far the boot was, until it stopped', () => {
    const [start, ...more] = talk.progress, end = more.pop();
    assert.deepEqual([start!.event, start!.title, end!.event], ['progressStart', `Booting ${path.basename(fileIn(path.join(kernel, 'boot'), 'vmlinuz'))}`, 'progressEnd']);
    assert.ok(more.length > 3 && more.every(({ event, message }) => event === 'progressUpdate' && /^[\d,]+ million instructions$/.test(message!)));
  });

  it('shows tasks, address spaces and the log', async () => {
    const tasks = await talk.evaluate('tasks', 'repl');
    assert.match(tasks, /^\* +1 +1 +0 +R \(running\) +init /m);
    assert.match(tasks, /^ +2 +2 +0 +\S.* \[kthreadd\] /m);
    assert.match(await talk.evaluate('maps 1', 'repl'), /^0*400000-[0-9a-f]+ r--p {2}busybox$/m);
    assert.match(await talk.evaluate('dmesg linux version', 'repl'), new RegExp(`^\\[ +0\\.000000\\] Linux version ${release} `, 'm'));
    assert.equal(await talk.evaluate('modules', 'repl'), 'No module is loaded.');
    const { slide, tasks: listed } = await talk.request<{ slide: string; tasks: { pid: number; comm: string; cpus: number[] }[] }>('ringside/linux', { part: 'tasks' });
    assert.match(slide, /^0x[1-9a-f][0-9a-f]*00000$/);
    const { modules } = await talk.request<DebugProtocol.ModulesResponse['body']>('modules');
    assert.deepEqual(modules.map(({ name, addressRange }) => [name, addressRange]), [[fileIn(path.join(kernel, 'boot'), 'vmlinuz').split('/').at(-1), `moved by ${slide}`]]);
    assert.deepEqual(listed.filter(({ cpus }) => cpus.length > 0).map(({ comm }) => comm), ['init']);
  });

  it('stops at page faults of one program only', async () => {
    await talk.request('setFunctionBreakpoints', { breakpoints: [] });
    await talk.request('setExceptionBreakpoints', { filters: [], filterOptions: [{ filterId: 'page-fault', condition: 'task.comm == "sh" && error & 4' }] });
    assert.match((await talk.run('continue')).description!, /^#PF\(0x[0-9a-f]+\) for address /);
    assert.equal(await talk.evaluate('task.comm'), '"sh"');
  });

  it('says what a condition gets wrong', async () => {
    const { breakpoints } = await talk.request<{ breakpoints: { verified: boolean; message?: string }[] }>('setExceptionBreakpoints', { filters: [], filterOptions: [{ filterId: 'page-fault', condition: 'task.name == "sh"' }] });
    assert.deepEqual(breakpoints.map(({ verified }) => verified), [false]);
    assert.match(breakpoints[0]!.message!, /struct task_struct has no member "name"/);
  });

  it('is no longer started when the progress is cancelled', async () => {
    const other = new Conversation(60_000), terminated = other.client.waitForEvent('terminated', 60_000);
    other.client.on('progressUpdate', ({ body }: { body: { progressId: string } }) => { void other.request('cancel', body); });
    other.launch({ kernel: fileIn(path.join(kernel, 'boot'), 'vmlinuz'), args: 'console=ttyS0', stopOnEntry: false }).catch(() => undefined);
    await terminated;
    assert.match(other.text, /The start was cancelled\./);
    assert.equal(other.progress.at(-1)!.event, 'progressEnd');
    await other.end();
  });
});
