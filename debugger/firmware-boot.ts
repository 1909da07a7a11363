/** Starting by firmware: which ROM, and what it is told. */
import { BadImage } from '../emulator/boot/bad-image.js';
import { type FirmwareFile, type FirmwarePlan, loadFirmware } from '../emulator/boot/firmware.js';
import type { Host } from './host.js';

/** Where Debian's package seabios, and others after its example, put the BIOS. */
const SEABIOS = ['/usr/share/seabios/bios-256k.bin', '/usr/share/qemu/bios-256k.bin', '/usr/share/seabios/bios.bin'];
/** SeaBIOS makes a disk of it, in memory. */
const FLOPPY = 'floppyimg/floppy.img', SERIAL_CONSOLE = 'etc/sercon-port', COM1 = 0x3f8;
const FLOPPY_BYTES = [160, 180, 320, 360, 720, 1200, 1440, 2880].map((kib) => kib * 1024);

/** It may start anything. */
const DEFAULT_MEMORY = 256 * 2 ** 20;

export interface FirmwareBoot {
  /** A file, or "default": SeaBIOS where it is installed. */
  readonly rom: string;
  readonly floppy: string | undefined;
  /** Whether what is printed to the screen also goes to COM1, and keys may come from there. */
  readonly serialConsole: boolean;
  readonly memoryBytes: number | undefined;
}

export async function planFirmware({ rom, floppy, serialConsole, memoryBytes = DEFAULT_MEMORY }: FirmwareBoot, host: Pick<Host, 'readFile' | 'exists'>): Promise<{ plan: FirmwarePlan; memoryBytes: number }> {
  const name = rom === 'default' ? await installed(SEABIOS, host) : rom;
  if (name === undefined) throw new BadImage('SeaBIOS', `there is none at ${SEABIOS.join(', ')}`, 'install the package seabios, or name a ROM by --bios FILE');
  const files: FirmwareFile[] = serialConsole ? [{ name: SERIAL_CONSOLE, bytes: Uint8Array.of(COM1 & 0xff, COM1 >> 8) }] : [];
  if (floppy !== undefined) files.push({ name: FLOPPY, bytes: await floppyImage(floppy, host) });
  return { plan: loadFirmware(name, await host.readFile(name), memoryBytes, files), memoryBytes };
}

async function installed(files: readonly string[], host: Pick<Host, 'exists'>): Promise<string | undefined> {
  for (const file of files) if (await host.exists(file)) return file;
  return undefined;
}

/** Filled up to the size of a diskette: images of small systems often end where their code does. */
async function floppyImage(name: string, host: Pick<Host, 'readFile'>): Promise<Uint8Array> {
  const bytes = await host.readFile(name), size = FLOPPY_BYTES.find((each) => bytes.length <= each);
  if (size === undefined || bytes.length === 0) throw new BadImage(name, `a diskette has up to ${FLOPPY_BYTES.at(-1)! / 1024} KiB, and this file ${bytes.length} bytes`, 'give it as a disk, by --disk');
  const image = new Uint8Array(FLOPPY_BYTES.includes(bytes.length) ? bytes.length : Math.max(size, 1440 * 1024));
  image.set(bytes);
  return image;
}
