/** A stock kernel of Debian’s with busybox, and with modules of its own, up to the terminal at which its shell will be. */
import path from 'node:path';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { planBoot } from '../../debugger/boot-files.js';
import { debianFiles, fileIn, newestOf } from './debian.js';
import { initrd } from './initrd.js';
import { Terminal, type Devices } from './terminal.js';

/** What every driver of a virtio device needs, in the order in which they need one another. */
export const VIRTIO_MODULES = ['virtio_ring', 'virtio', 'virtio_pci_modern_dev', 'virtio_pci_legacy_dev', 'virtio_pci'].map((name) => `drivers/virtio/${name}`);

export interface Wanted {
  /** Under the kernel's folder of modules, without ending; loaded before the shell. */
  readonly modules?: readonly string[];
  readonly commandLine: string;
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly devices?: Devices;
}

/** Undefined, and a word about it, where the packages cannot be had. */
export async function shellOf(metaPackage: string, { modules = [], commandLine, files = {}, devices = {} }: Wanted): Promise<{ readonly terminal: Terminal; readonly release: string } | undefined> {
  const name = newestOf(metaPackage), kernel = name === undefined ? undefined : debianFiles(name), busybox = debianFiles('busybox-static');
  if (name === undefined || kernel === undefined || busybox === undefined) {
    console.log(`left out: ${metaPackage} and busybox-static cannot be had from Debian here`);
    return undefined;
  }
  const release = name.replace('linux-image-', ''), folder = path.join(kernel, 'lib/modules', release, 'kernel'), loaded = modules.map((module) => `lib/${path.basename(module)}.ko`);
  const archive = initrd(path.join(busybox, 'bin/busybox'), {
    first: loaded.map((file) => `insmod /${file}`).join('\n'), files: { ...Object.fromEntries(loaded.map((file, n) => [file, readFileSync(path.join(folder, `${modules[n]!}.ko`))])), ...files },
  });
  const host = { readFile: (file: string) => (file === 'initrd' ? Promise.resolve(archive) : readFile(file)), exists: () => Promise.resolve(true) };
  const plan = await planBoot({ program: fileIn(path.join(kernel, 'boot'), 'vmlinuz'), initrd: 'initrd', commandLine, memoryBytes: undefined, modules: [], protocol: undefined }, host);
  return { terminal: new Terminal(plan, 'ready> ', devices), release };
}
