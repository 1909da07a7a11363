/**
 * Fetches Debian's kernel and busybox, and packs initial RAM disks for .cache/vmlinuz: .cache/initrd.gz of its KVM modules and vmm.elf, which runs its two guests;
 * .cache/linux.cpio with the same kernel again, which vmm.elf then runs instead. Nothing is installed.
 */
import console from 'node:console';
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const META_PACKAGE = 'linux-image-cloud-amd64', SHELL_PACKAGE = 'busybox-static';
const MODULES = ['virt/lib/irqbypass.ko', 'arch/x86/kvm/kvm.ko', 'arch/x86/kvm/kvm-intel.ko'];

const folder = dirname(fileURLToPath(import.meta.url)), cache = join(folder, '.cache');
const run = (command, args, cwd = folder) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const kernelPackage = () => /^\s*Depends: (linux-image-\S+)/m.exec(run('apt-cache', ['depends', META_PACKAGE]))?.[1];

/** The files of the package that `named` gives, below .cache. */
function fetch(into, named) {
  const files = join(cache, into);
  if (existsSync(files)) return files;
  if (kernelPackage() === undefined) run('apt-get', ['update', '-qq']);
  const name = named();
  if (name === undefined) throw new Error(`apt knows no ${META_PACKAGE}: this lab needs Debian's packages`);
  console.log(`fetching ${name} …`);
  run('apt-get', ['download', '-qq', name], cache);
  run('dpkg-deb', ['-x', readdirSync(cache).find((file) => file.startsWith(name) && file.endsWith('.deb')), `${into}.making`], cache);
  run('mv', [`${into}.making`, into], cache);
  return files;
}

/** A "newc" archive. Linux, Documentation/driver-api/early-userspace/buffer-format.rst. */
function cpio(entries) {
  const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  const FILE = 0o100755, FOLDER = 0o040755;
  const parts = [...entries, ['TRAILER!!!', Buffer.alloc(0)]].map(([name, bytes], index) => {
    const fields = [index + 1, bytes === undefined ? FOLDER : FILE, 0, 0, 1, 0, bytes?.length ?? 0, 0, 0, 0, 0, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    return Buffer.concat([padded(Buffer.from(header)), padded(bytes ?? Buffer.alloc(0))]);
  });
  return Buffer.concat(parts);
}

mkdirSync(cache, { recursive: true });
const kernel = fetch('kernel', kernelPackage), shell = fetch('busybox', () => SHELL_PACKAGE);
const boot = join(kernel, 'boot'), vmlinuz = readdirSync(boot).find((name) => name.startsWith('vmlinuz-'));
copyFileSync(join(boot, vmlinuz), join(cache, 'vmlinuz'));
const drivers = join(kernel, 'lib/modules', vmlinuz.slice('vmlinuz-'.length), 'kernel');
const modules = MODULES.map((file) => [file.split('/').at(-1), readFileSync(join(drivers, file))]);
const vmm = [['dev'], ['init', readFileSync(join(folder, 'vmm.elf'))], ...modules];
const guest = gzipSync(cpio([['bin'], ['dev'], ['proc'], ['sys'], ['bin/busybox', readFileSync(join(shell, 'bin/busybox'))], ['init', readFileSync(join(folder, 'guest/init'))]]), { level: 1 });
writeFileSync(join(cache, 'initrd.gz'), gzipSync(cpio(vmm), { level: 1 }));
writeFileSync(join(cache, 'linux.cpio'), cpio([...vmm, ['guest'], ['guest/vmlinuz', readFileSync(join(boot, vmlinuz))], ['guest/initrd.gz', guest]]));
