/** Debian's SeaBIOS on our machine: from its ROM to boot sectors on disks, diskettes and CDs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileExists, readFileOrSay } from '../../outside/files.js';
import { planFirmware } from '../../debugger/firmware-boot.js';
import type { MachineOptions } from '../../emulator/machine/contract.js';
import { Disk } from '../../emulator/devices/virtio/disk.js';
import { Terminal } from './terminal.js';

/** Prints the second sector, by INT 13h and INT 10h; resets the machine at the first time, as CMOS remembers; after a key, writes the number of its drive to the exit port. */
const BOOT_SECTOR = '31c08ed88ec0fc8816557cb80102bb007eb90200b600cd137237be007eac84c07409b40ebb0700cd10ebf2b060e670e471fec088c4b060e67088e0e6713c027307baf90cb006eef4b400cd16a0557ce6f4b07fe6f4';
const TEXT = 'the second sector', RESETS_AND_ITS_END = 60_000_000;

function image(bytes: number): Uint8Array {
  const made = new Uint8Array(bytes);
  made.set(Buffer.from(BOOT_SECTOR, 'hex'));
  made.set([0x55, 0xaa], 510);
  // SeaBIOS sends what is printed a little later: the last of it is lost in a reset.
  made.set(new TextEncoder().encode(TEXT.padEnd(100)), 512);
  return made;
}

describe('firmware', function () {
  this.timeout(300_000);
  let installed = true;
  const host = { readFile: readFileOrSay, exists: fileExists };
  const start = async (options: Pick<MachineOptions, 'disks' | 'ataDisks' | 'cd' | 'onReset'>, floppy?: string) =>
    new Terminal(await planFirmware({ rom: 'default', floppy, serialConsole: true, memoryBytes: 32 << 20 }, host), 'grub> ', options);

  before(async () => {
    installed = await fileExists('/usr/share/seabios/bios-256k.bin');
    if (!installed) console.log('left out: Debian’s package seabios is not installed');
  });
  beforeEach(function () { if (!installed) this.skip(); });

  for (const [kind, options] of [
    ['a virtio disk', () => ({ disks: [new Disk('disk', image(2 ** 20))] })],
    ['an ATA disk', () => ({ ataDisks: [new Disk('disk', image(2 ** 20))] })],
  ] as const) {
    it(`starts the first sector of ${kind}, serves it, and starts it again after a reset`, async () => {
      const terminal = await start(options());
      for (let n = 0; n < 2; n++) {
        terminal.until('Booting from Hard Disk', RESETS_AND_ITS_END);
        terminal.until(TEXT, RESETS_AND_ITS_END);
      }
      terminal.type(' ');
      assert.deepEqual(terminal.machine.run(RESETS_AND_ITS_END), { kind: 'exit', value: 0x80 });
    });
  }

  it('starts a diskette, which is a disk in memory', async () => {
    const floppy = { ...host, readFile: (file: string) => (file === 'floppy' ? Promise.resolve(image(4096)) : readFile(file)) };
    const terminal = new Terminal(await planFirmware({ rom: 'default', floppy: 'floppy', serialConsole: true, memoryBytes: undefined }, floppy), '', { onReset: 'stop' });
    assert.deepEqual(terminal.machine.run(RESETS_AND_ITS_END), { kind: 'reset' });
    assert.match(terminal.output, new RegExp(`Booting from Floppy[^]*${TEXT}`));
  });

  it('starts GRUB from its rescue image in the CD drive', async function () {
    const folder = mkdtempSync(path.join(tmpdir(), 'ringside-')), iso = path.join(folder, 'rescue.iso');
    try {
      try { execFileSync('grub-mkrescue', ['-o', iso], { stdio: 'ignore' }); }
      catch {
        console.log('left out: Debian’s packages grub-common, grub-pc-bin, xorriso and mtools are not all installed');
        this.skip();
      }
      const terminal = await start({ cd: await readFile(iso) });
      terminal.until('grub> ', 400_000_000);
    } finally { rmSync(folder, { recursive: true }); }
  });

  it('that is not there, or is none, is told', async () => {
    await assert.rejects(planFirmware({ rom: 'default', floppy: undefined, serialConsole: false, memoryBytes: undefined }, { ...host, exists: () => Promise.resolve(false) }), /SeaBIOS: there is none at .*; install the package seabios, or name a ROM by --bios FILE/);
    await assert.rejects(planFirmware({ rom: 'x', floppy: undefined, serialConsole: false, memoryBytes: undefined }, { ...host, readFile: () => Promise.resolve(new Uint8Array(1000)) }), /x: a ROM has 64 KiB, or a multiple up to 16 MiB, and this file 1000 bytes/);
  });
});
