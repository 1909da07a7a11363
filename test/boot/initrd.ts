/** A small initial RAM disk: busybox, what else is asked for, and a shell on the serial port. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { cpio } from '../../emulator/boot/test-images.js';

const FOLDERS = ['bin/', 'dev/', 'etc/', 'proc/', 'sys/', 'tmp/', 'lib/'];

/** `first` is run before the shell. Lines are too long to be broken by its editor. */
const init = (first: string) => `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin TERM=dumb PS1='ready> '
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
${first}
stty -F /dev/ttyS0 cols 1000
exec setsid -c sh -i </dev/ttyS0 >/dev/ttyS0 2>&1
`;

export function initrd(busybox: string, { first = '', files = {} }: { readonly first?: string; readonly files?: Readonly<Record<string, Uint8Array>> } = {}): Uint8Array {
  const folders = Object.fromEntries(FOLDERS.map((name) => [name, new Uint8Array(0)]));
  return gzipSync(cpio({ ...folders, init: new TextEncoder().encode(init(first)), 'bin/busybox': readFileSync(busybox), ...files }), { level: 1 });
}
