import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMMANDS, readOptions } from './options.js';
import { run } from './run.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LAB = path.join(ROOT, 'labs/first-hypervisor/hypervisor.elf');

interface Finished {
  readonly status: number | null;
  readonly out: string;
  readonly errors: string;
}

const start = (...args: string[]) => spawn(process.execPath, ['--import=./tools/typescript.mjs', path.join(ROOT, 'cli/ringside.ts'), ...args], { cwd: ROOT });

function ringside(args: readonly string[], input = ''): Promise<Finished> {
  const child = start(...args);
  let out = '', errors = '';
  child.stdout.on('data', (data: Buffer) => { out += data.toString(); });
  child.stderr.on('data', (data: Buffer) => { errors += data.toString(); });
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on('close', (status) => { resolve({ status, out, errors }); });
  });
}

/** A boot sector that begins with this code. */
async function bootSector(folder: string, code: readonly number[]): Promise<string> {
  const sector = new Uint8Array(512);
  sector.set(code);
  sector.set([0x55, 0xaa], 510);
  const file = path.join(folder, 'sector.img');
  await writeFile(file, sector);
  return file;
}

describe('the command line', function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => { folder = await mkdtemp(path.join(tmpdir(), 'ringside-')); });
  after(() => rm(folder, { recursive: true }));

  it('runs an image: COM1 is standard output, statistics are the last line of standard error', async () => {
    const { status, out, errors } = await ringside(['run', LAB, '--stats', '--memory', '64M']);
    assert.equal(status, 1);
    assert.match(out, /^First hypervisor\r?\n/);
    assert.match(out, /guest finished with status 0/);
    const statistics = JSON.parse(errors.trimEnd().split('\n').at(-1)!) as Record<string, Record<string, number>> & { instructions: number; seconds: number; mips: number; stateHash: string };
    assert.deepEqual(statistics['vmExits'], { CPUID: 1, HLT: 3, VMCALL: 19, IO_INSTRUCTION: 31, EPT_VIOLATION: 12 });
    assert.deepEqual(statistics['exceptions'], { 14: 4 });
    assert.equal(statistics['hypercalls']!['99'], 1);
    assert.ok(statistics.instructions > 100_000 && statistics.seconds > 0 && statistics.mips > 0);
    assert.match(statistics.stateHash, /^[0-9a-f]+$/);
  });

  it('ends in the same state every time', async () => {
    const hashes = await Promise.all([1, 2].map(async () => /"stateHash":"(\w+)"/.exec((await ringside(['run', LAB, '--stats', '--max-instructions', '250000'])).errors)![1]));
    assert.equal(hashes[0], hashes[1]);
  });

  it('ends in the same state in both tiers', async () => {
    const hashes = await Promise.all(['interpreter', 'compiled'].map(async (tier) => /"stateHash":"(\w+)"/.exec((await ringside(['run', LAB, '--stats', '--tier', tier])).errors)![1]));
    assert.equal(hashes[0], hashes[1]);
  });

  it('saves a machine at an instruction, and goes on from there to the same end', async () => {
    const file = path.join(folder, 'machine.snapshot'), hash = ({ errors }: Finished) => /"stateHash":"(\w+)"/.exec(errors)?.[1];
    const saved = await ringside(['run', LAB, '--seed', '5', '--max-instructions', '150000', '--save-snapshot', file]);
    assert.deepEqual([saved.status, saved.errors], [0, `Saved in ${file} at instruction 150000.\n`]);
    const [straight, resumed] = await Promise.all([ringside(['run', LAB, '--seed', '5', '--stats']), ringside(['run', '--restore', file, '--stats'])]);
    assert.ok(hash(straight) !== undefined && hash(straight) === hash(resumed), resumed.errors);
    assert.equal(saved.out + resumed.out, straight.out);
    const cut = path.join(folder, 'cut.snapshot');
    await writeFile(cut, (await readFile(file)).subarray(0, -1));
    for (const [args, message] of [
      [['--restore', cut], /cut\.snapshot: this is no snapshot of Ringside, or one that was cut short; save it again/], [['--restore', LAB], /hypervisor\.elf: this is no snapshot/],
      [['--restore', file, '--memory', '64M'], /brings its own: leave out "--memory"/], [[LAB, '--restore', file], /leave out ".*hypervisor\.elf"/],
      [['--restore', file, '--net', 'user'], /machine with these devices: .*; give disks, networks and shared folders as they were/], [[LAB, '--tier', 'both', '--save-snapshot', file], /leave out --restore and --save-snapshot/],
    ] as const) await assert.rejects((async () => run(readOptions(COMMANDS.run, args)))(), message);
  });

  it('traces events, one line each', async () => {
    const { errors } = await ringside(['run', LAB, '--trace', 'vmexit,hypercall', '--trace', 'exception']);
    const lines = errors.trimEnd().split('\n');
    assert.equal(lines.filter((line) => / VM exit: /.test(line)).length, 66);
    assert.equal(lines.filter((line) => / hypercall: /.test(line)).length, 19);
    assert.equal(lines.filter((line) => / exception: #PF/.test(line)).length, 4);
    assert.match(lines[0]!, /^\d+ cpu0 non-root 0x[0-9a-f]+ VM exit: /);
  });

  it('ends with the status that the guest gives', async () => {
    const exit = await ringside(['run', await bootSector(folder, [0xb0, 0x21, 0xe6, 0xf4])]);
    assert.equal(exit.status, 0x43);
  });

  it('ends at the limit of instructions with 6, exactly there', async () => {
    const { status, errors } = await ringside(['run', LAB, '--max-instructions', '1234', '--stats']);
    assert.equal(status, 6);
    assert.equal((JSON.parse(errors.trimEnd().split('\n').at(-1)!) as { instructions: number }).instructions, 1234);
  });

  it('ends a triple fault with 4 and the chain of faults', async () => {
    const { status, errors } = await ringside(['run', await bootSector(folder, [0xfa, 0x0f, 0x01, 0x1e, 0x10, 0x7c, 0x0f, 0x0b])]);
    assert.equal(status, 4);
    assert.match(errors, /^Triple fault: the processor shuts down\.\n {2}#UD at RIP 0x7c06/m);
    assert.match(errors, /#GP/);
    assert.match(errors, /#DF/);
  });

  it('gives standard input to COM1', async () => {
    const echo = [0xba, 0xfb, 0x03, 0xb0, 0x03, 0xee, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xf8, 0xba, 0xf8, 0x03, 0xec, 0xee, 0x3c, 0x0a, 0x75, 0xef, 0xb0, 0x00, 0xe6, 0xf4];
    const { status, out } = await ringside(['run', await bootSector(folder, echo)], 'hello\n');
    assert.equal(out, 'hello\n');
    assert.equal(status, 1);
  });

  it('answers bad input with 2 and one sentence', async () => {
    const { status, errors } = await ringside(['run', path.join(folder, 'none'), '--memory', '32M']);
    assert.equal(status, 2);
    assert.match(errors, /^\S+none: there is no such file; correct the path, or build the file first\.\n$/);
    await writeFile(path.join(folder, 'text'), 'no program');
    for (const [args, message] of [
      [[path.join(folder, 'text')], /text: the file is neither ELF, nor multiboot, nor a boot sector/],
      [[], /Which image\?/],
      [[LAB, 'more'], /but "more" follows it/],
      [[LAB, '--memory', 'much'], /--memory must be a size/],
      [[LAB, '--tier', 'fast'], /--tier must be interpreter, compiled or both, not "fast"/],
      [[LAB, '--net', 'tap,ifname=tap0'], /--net: there is no network "tap": only "user" is there/],
      [[LAB, '--net', 'user,hostfwd=tcp:192.0.2.1:8080-:80'], /Port 8080 of 192\.0\.2\.1 cannot be had/],
      [[LAB, '--share', folder], /--share must be FOLDER,TAG or FOLDER,TAG,write, not/],
      [[LAB, '--share', `${path.join(folder, 'none')},tag`], /none: there is no such folder; correct the path/],
      [[LAB, '--share', `${LAB},tag`], /hypervisor\.elf: it is no folder/],
      [[LAB, '--trace', 'foo'], /There is no kind of event for --trace "foo": there are vmexit, vmentry/],
      [[LAB, '--memory', '--stats'], /--memory wants a value: write --memory SIZE/],
      [[LAB, '--trace', 'vmexits'], /"vmexits"; is "vmexit" meant/],
      [[LAB, '--module', `${path.join(folder, 'none')} with arguments`], /none: there is no such file/],
    ] as const) {
      await assert.rejects((async () => run(readOptions(COMMANDS.run, args)))(), message);
    }
  });

  it('helps', async () => {
    const { status, out } = await ringside(['--help']);
    assert.equal(status, 0);
    assert.match(out, /ringside run IMAGE/);
  });

  it('serves the debug adapter protocol on standard streams and on a port', async () => {
    const request = JSON.stringify({ seq: 1, type: 'request', command: 'initialize', arguments: { adapterID: 'x' } });
    const message = `Content-Length: ${request.length}\r\n\r\n${request}`;
    const { out } = await ringside(['dap'], message);
    assert.match(out, /^Content-Length: \d+\r\n\r\n\{.*"supportsDisassembleRequest":true/);

    const server = start('dap', '--port', '0');
    const port = await new Promise<number>((resolve) => {
      server.stderr.on('data', (data: Buffer) => {
        const match = /127\.0\.0\.1:(\d+)/.exec(data.toString());
        if (match) resolve(Number(match[1]));
      });
    });
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(message));
      socket.on('data', (data: Buffer) => {
        resolve(data.toString());
        socket.destroy();
      });
    });
    assert.match(answer, /"supportsConfigurationDoneRequest":true/);
    server.kill();
  });
});
