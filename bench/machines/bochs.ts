/** Debian's bochs, which has the debugger and VMX built in, booted from a GRUB image. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingPrograms, ROOT } from './machine.js';
import type { Machine } from './machine.js';

const PACKAGES = { bochs: 'bochs', 'grub-mkrescue': 'grub-common', xorriso: 'xorriso', mformat: 'mtools', script: 'bsdutils' };
const GRUB_FOLDER = '/usr/lib/grub/i386-pc';
const TERM_PLUGIN = '/usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_term_gui.so';

const GRUB_MENU = 'set timeout=0\nmenuentry guest {\n  multiboot /boot/guest.elf\n}\n';

const CONFIGURATION = `
cpu: model=corei7_haswell_4770, count=1, reset_on_triple_fault=0
memory: guest=128, host=128
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=guest.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=com1.txt
display_library: term
clock: sync=none
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
`;

function bootImage(folder: string, elf: string): void {
  mkdirSync(join(folder, 'iso', 'boot', 'grub'), { recursive: true });
  copyFileSync(elf, join(folder, 'iso', 'boot', 'guest.elf'));
  writeFileSync(join(folder, 'iso', 'boot', 'grub', 'grub.cfg'), GRUB_MENU);
  const made = spawnSync('grub-mkrescue', ['-d', GRUB_FOLDER, '-o', join(folder, 'guest.iso'), join(folder, 'iso')], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`grub-mkrescue failed:\n${made.stderr}`);
}

export const bochs: Machine = {
  name: "Debian's bochs",
  absent: 'missing',
  missing: () =>
    missingPrograms(PACKAGES) ??
    (existsSync(GRUB_FOLDER) ? undefined : "GRUB for BIOS is missing: install Debian's package grub-pc-bin") ??
    (existsSync(TERM_PLUGIN) ? undefined : "the text display of bochs is missing: install Debian's package bochs-term"),
  canRun: () => true,
  prepare: (guest) => {
    const folder = join(ROOT, '.cache', 'bench', 'bochs');
    rmSync(folder, { recursive: true, force: true });
    bootImage(folder, guest.elf);
    writeFileSync(join(folder, 'bochsrc'), CONFIGURATION);
    writeFileSync(join(folder, 'commands'), 'continue\n');
    const com1 = join(folder, 'com1.txt');
    return {
      command: ['script', '-qec', `cd '${folder}' && bochs -q -f bochsrc -rc commands`, '/dev/null'],
      console: () => (existsSync(com1) ? readFileSync(com1, 'latin1') : ''),
    };
  },
};
