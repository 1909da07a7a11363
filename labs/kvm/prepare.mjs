/** Fetches Debian's kernel, and packs an initial RAM disk of its KVM modules and vmm.elf: .cache/vmlinuz and .cache/initrd.gz. Nothing is installed. */
import console from 'node:console';
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const META_PACKAGE = 'linux-image-cloud-amd64';
const MODULES = ['virt/lib/irqbypass.ko', 'arch/x86/kvm/kvm.ko', 'arch/x86/kvm/kvm-intel.ko'];

const folder = dirname(fileURLToPath(import.meta.url)), cache = join(folder, '.cache'), files = join(cache, 'kernel');
const run = (command, args, cwd = folder) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const kernelPackage = () => /^\s*Depends: (linux-image-\S+)/m.exec(run('apt-cache', ['depends', META_PACKAGE]))?.[1];

/** The files of the package, below .cache/kernel. */
function fetchKernel() {
  if (existsSync(files)) return;
  if (kernelPackage() === undefined) run('apt-get', ['update', '-qq']);
  const name = kernelPackage();
  if (name === undefined) throw new Error(`apt knows no ${META_PACKAGE}: this lab needs Debian's packages`);
  console.log(`fetching ${name} …`);
  run('apt-get', ['download', '-qq', name], cache);
  run('dpkg-deb', ['-x', readdirSync(cache).find((file) => file.startsWith(name) && file.endsWith('.deb')), 'kernel.making'], cache);
  run('mv', ['kernel.making', 'kernel'], cache);
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
fetchKernel();
const boot = join(files, 'boot'), vmlinuz = readdirSync(boot).find((name) => name.startsWith('vmlinuz-'));
copyFileSync(join(boot, vmlinuz), join(cache, 'vmlinuz'));
const drivers = join(files, 'lib/modules', vmlinuz.slice('vmlinuz-'.length), 'kernel');
const modules = MODULES.map((file) => [file.split('/').at(-1), readFileSync(join(drivers, file))]);
writeFileSync(join(cache, 'initrd.gz'), gzipSync(cpio([['dev'], ['init', readFileSync(join(folder, 'vmm.elf'))], ...modules]), { level: 1 }));
