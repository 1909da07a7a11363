/** Linux in Linux: Debian’s kernel as the guest of Debian’s kernel, by the lab’s program in the place of QEMU, up to a shell. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { planBoot } from '../../debugger/boot-files.js';
import { interruptThreads } from '../../emulator/observe/interrupt-threads.js';
import { exitReason } from '../../emulator/vmx/exit-reasons.js';
import { debianFiles, newestOf } from './debian.js';
import { Terminal } from './terminal.js';

const folder = fileURLToPath(new URL('../../labs/kvm', import.meta.url));
const inFolder = (file: string): string => path.join(folder, file);
const MOST_INSTRUCTIONS = 4_000e6;
const MEBIBYTE = 2 ** 20;

interface Configuration { readonly name: string; readonly kernel: string; readonly initrd: string; readonly args: string; readonly memory: number }

describe('Linux in Linux', function () {
  this.timeout(900_000);
  let terminal: Terminal;
  const { configurations } = JSON.parse(readFileSync(inFolder('.vscode/launch.json'), 'utf8').replaceAll('${workspaceFolder}', folder)) as { configurations: Configuration[] };
  const { kernel, initrd, args, memory } = configurations.find(({ name }) => name === 'Linux in Linux')!;

  before(async function () {
    const name = newestOf('linux-image-cloud-amd64');
    if (name === undefined || debianFiles(name) === undefined) {
      console.log('left out: linux-image-cloud-amd64 cannot be had from Debian here');
      this.skip();
    }
    execFileSync(process.execPath, [inFolder('prepare.mjs')]);
    const host = { readFile: (file: string) => readFile(file), exists: () => Promise.resolve(true) };
    terminal = new Terminal(await planBoot({ program: kernel, initrd, commandLine: args, memoryBytes: memory * MEBIBYTE, modules: [], protocol: undefined }, host), 'guest> ');
  });

  it('reaches a shell', () => {
    terminal.until('guest> ', MOST_INSTRUCTIONS);
  });

  it('knows that it is a guest, and of what', () => {
    assert.match(terminal.command('grep -m1 ^flags /proc/cpuinfo'), / hypervisor /);
    assert.match(terminal.command('dmesg | grep Hypervisor'), /Hypervisor detected: KVM/);
    assert.match(terminal.command('cat /sys/devices/system/clocksource/clocksource0/available_clocksource'), /kvm-clock/);
  });

  it('has a timer and a serial port, by interrupts', () => {
    const ticks = (): number => Number(/ 0: +(\d+) +XT-PIC +timer/.exec(terminal.command('cat /proc/interrupts'))![1]);
    const before = ticks();
    terminal.command('sleep 0.1');
    assert.ok(ticks() > before);
    assert.match(terminal.command('cat /proc/interrupts'), / 4: +[1-9]\d* .*ttyS0/);
    assert.equal(terminal.command('echo $((6 * 7))'), '42');
  });

  it('gets a tick of its timer from one of the host’s', () => {
    const roles = interruptThreads(terminal.machine.ledger).map((thread) => thread.map(({ role }) => role));
    assert.ok(roles.some((thread) => ['arrives', 'ends the guest’s run'].includes(thread[0]!) && thread.includes('is over') && thread.includes('is injected')), JSON.stringify(roles.slice(-20)));
  });

  it('resets its processor, which its hypervisor is told as a triple fault', () => {
    terminal.type('reboot -f\r');
    assert.throws(() => terminal.until('guest> ', MOST_INSTRUCTIONS), /power-off/);
    assert.match(terminal.output, /the guest has reset its processor after \d+ port accesses/);
    const exits = new Map([...terminal.machine.ledger.counts.exits].map(([reason, count]) => [exitReason(reason)!.name, count]));
    assert.equal(exits.get('Triple fault'), 1);
    for (const name of ['EPT violation', 'I/O instruction', 'HLT', 'CPUID', 'External interrupt']) assert.ok((exits.get(name) ?? 0) > 0, name);
  });
});
