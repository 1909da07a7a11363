/** Debian's stock kernel for clouds, with busybox, on our machine: from its first instruction to a shell and its programs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Disk } from '../../emulator/devices/virtio/disk.js';
import { level3Program } from './native-program.js';
import { shellOf, VIRTIO_MODULES } from './shell.js';
import type { Terminal } from './terminal.js';

const META_PACKAGE = 'linux-image-cloud-amd64';
/** Without the self-test of RSA, which is more than half of a boot. */
const COMMAND_LINE = 'console=ttyS0 cryptomgr.notests';
const BOOT_INSTRUCTIONS = 1_200e6;
const MODULES = [...VIRTIO_MODULES, 'drivers/block/virtio_blk', 'drivers/char/hw_random/virtio-rng'];

describe('Debian’s Linux kernel', function () {
  this.timeout(600_000);
  let terminal: Terminal, release: string;
  const image = new Uint8Array(2 ** 20), level3 = level3Program('level3');
  image.set(new TextEncoder().encode('the first sector'));
  const disk = new Disk('disk.img', image);

  before(async function () {
    const shell = await shellOf(META_PACKAGE, { modules: MODULES, commandLine: COMMAND_LINE, files: level3 === undefined ? {} : { 'bin/level3': readFileSync(level3) }, devices: { disks: [disk] } });
    if (!shell) this.skip();
    ({ terminal, release } = shell);
  });

  it('boots to a shell, which reads what was typed before it was there', () => {
    terminal.type('echo $((6 * 7))\r');
    terminal.until('ready> ', BOOT_INSTRUCTIONS);
    assert.match(terminal.until('ready> ', BOOT_INSTRUCTIONS), /echo \$\(\(6 \* 7\)\)\r\n42\r\n/m);
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
    assert.equal(terminal.command('(sleep 1000 & sleep 1; kill $!; wait $!; echo $?)').split('\n').at(-1), '143');
    assert.equal(terminal.command('awk \'BEGIN { printf "%.6f\\n", 2 / 3 * 1e3 }\''), '666.666667');
    assert.equal(terminal.command('a=$(cut -d. -f1 /proc/uptime); sleep 3; echo $(($(cut -d. -f1 /proc/uptime) - a))'), '3');
    assert.equal(terminal.command('for i in 1 2 3 4 5; do (sh -c "exit $i"); echo -n "$? "; done; echo'), '1 2 3 4 5');
  });

  it('runs programs of level x86-64-v3 in turns, and they print what they do on the native processor', function () {
    if (level3 === undefined) this.skip();
    const seeds = [1, 2, 3, 4], expected = seeds.map((seed) => execFileSync(level3, [String(seed)], { encoding: 'utf8' })).join('').trimEnd();
    assert.equal(terminal.command(`sh -c 'for n in ${seeds.join(' ')}; do level3 $n >/tmp/$n & done; wait; cat ${seeds.map((n) => `/tmp/${n}`).join(' ')}; rm /tmp/?'`), expected);
  });

  it('reads and writes a virtio disk, and the image stays as it is', () => {
    assert.equal(terminal.command('cat /sys/block/vda/size; head -c 16 /dev/vda'), '2048\nthe first sector');
    assert.equal(terminal.command('echo written | dd of=/dev/vda bs=512 seek=3 conv=sync,fsync 2>/dev/null; dd if=/dev/vda bs=512 skip=3 count=1 2>/dev/null | head -c 7'), 'written');
    assert.equal(new TextDecoder().decode(disk.read(3 * 512, 7)), 'written');
    assert.equal(image[3 * 512], 0);
    assert.match(terminal.command('grep virtio0-req /proc/interrupts'), /PCI-MSI/);
  });

  it('has a source of entropy on virtio', () => {
    assert.equal(terminal.command('cat /sys/class/misc/hw_random/rng_current; head -c 4096 /dev/hwrng | wc -c'), 'virtio_rng.0\n4096');
    assert.notEqual(terminal.command('head -c 32 /dev/hwrng | sha256sum'), terminal.command('head -c 32 /dev/hwrng | sha256sum'));
  });
});
