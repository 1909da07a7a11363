/** Debian's stock kernel for clouds, with busybox, on our machine: from its first instruction to a shell, and off again. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { planBoot } from '../../debugger/boot-files.js';
import { debianFiles, fileIn, newestOf } from './debian.js';
import { initrd } from './initrd.js';
import { Terminal } from './terminal.js';

const META_PACKAGE = 'linux-image-cloud-amd64';
/** Without the self-test of RSA, which is more than half of a boot. */
const COMMAND_LINE = 'console=ttyS0 cryptomgr.notests';
const BOOT_INSTRUCTIONS = 900e6;

describe('Debian’s Linux kernel', function () {
  this.timeout(600_000);
  let terminal: Terminal, release: string;

  before(async function () {
    const name = newestOf(META_PACKAGE), kernel = name === undefined ? undefined : debianFiles(name), busybox = debianFiles('busybox-static');
    if (name === undefined || kernel === undefined || busybox === undefined) {
      console.log(`left out: ${META_PACKAGE} and busybox-static cannot be had from Debian here`);
      this.skip();
    }
    release = name.replace('linux-image-', '');
    const archive = initrd(path.join(busybox, 'bin/busybox'));
    const host = { readFile: (file: string) => (file === 'initrd' ? Promise.resolve(archive) : readFile(file)), exists: () => Promise.resolve(true) };
    terminal = new Terminal(await planBoot({ program: fileIn(path.join(kernel, 'boot'), 'vmlinuz'), initrd: 'initrd', commandLine: COMMAND_LINE, memoryBytes: undefined, modules: [], protocol: undefined }, host), 'ready> ');
  });

  it('boots to a shell', () => {
    terminal.until('ready> ', BOOT_INSTRUCTIONS);
    assert.match(terminal.output, new RegExp(`Linux version ${release} `));
    assert.match(terminal.output, /Run \/init as init process/);
  });

  it('says of itself and of the processor what is true', () => {
    assert.match(terminal.command('uname -srm'), new RegExp(`^Linux ${release} x86_64$`));
    assert.equal(terminal.command('grep -c ^processor /proc/cpuinfo'), '1');
    assert.equal(terminal.command('grep -m1 vendor_id /proc/cpuinfo'), 'vendor_id\t: GenuineIntel');
    assert.match(terminal.command('grep -m1 ^flags /proc/cpuinfo'), / fpu .* sse2 .* lm .* vmx /);
    const total = Number(/(\d+) kB/.exec(terminal.command('grep MemTotal /proc/meminfo'))![1]);
    assert.ok(total > 200_000 && total < 256 * 1024, `${total} kB of 256 MiB`);
  });

  it('runs programs: pipes, files, processes, signals, arithmetic and time', () => {
    assert.equal(terminal.command('seq 1 1000 | awk \'{ s += $1 * $1 } END { print s }\''), '333833500');
    assert.equal(terminal.command('dd if=/dev/zero bs=64k count=16 2>/dev/null | sha256sum'), '30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58  -');
    assert.equal(terminal.command('mkdir -p /tmp/a/b; echo text > /tmp/a/b/c; ln -s b/c /tmp/a/d; cat /tmp/a/d; rm -r /tmp/a; ls /tmp | wc -l'), 'text\n0');
    assert.equal(terminal.command('sleep 1000 & sleep 1; kill $!; wait $!; echo $?').split('\n')[0], '143');
    assert.equal(terminal.command('awk \'BEGIN { printf "%.10f %.6f\\n", sqrt(2), exp(1) }\''), '1.4142135624 2.718282');
    assert.equal(terminal.command('a=$(cut -d. -f1 /proc/uptime); sleep 3; echo $(($(cut -d. -f1 /proc/uptime) - a))'), '3');
    assert.equal(terminal.command('for i in 1 2 3 4 5; do (sh -c "exit $i"); echo -n "$? "; done; echo'), '1 2 3 4 5');
  });

  it('uses memory up to its end', () => {
    terminal.command('mount -t tmpfs -o size=100% none /tmp; seq 160000 | head -c 1048576 > /tmp/one');
    assert.equal(terminal.command('for i in $(seq 160); do cat /tmp/one; done > /tmp/all; tail -c 1048576 /tmp/all | cmp - /tmp/one && wc -c < /tmp/all', 1_000e6), '167772160');
    assert.equal(terminal.command('umount /tmp; dmesg | grep -ci "out of memory"'), '0');
  });

  it('switches the machine off', () => {
    terminal.type('poweroff -f\r');
    assert.deepEqual(terminal.end(200e6), { kind: 'power-off' });
    assert.match(terminal.output, /reboot: Power down/);
  });
});
