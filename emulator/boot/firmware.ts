/** A ROM with firmware: it finds the processor and everything else as reset leaves them. */
import { BadImage } from './bad-image.js';

const UNIT = 0x10000;
/** What lies between the local APIC and the end of the first 4 GiB. */
export const MOST_ROM = 2 ** 24;
/** Firmware puts its configuration space over what is above. */
const MOST_MEMORY = 2816 * 2 ** 20;

/** Something that firmware is told, by name, through fw_cfg. */
export interface FirmwareFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface FirmwarePlan {
  readonly kind: 'firmware';
  /** Its last byte is at 4 GiB - 1. */
  readonly rom: Uint8Array;
  readonly files: readonly FirmwareFile[];
  readonly notes: readonly string[];
}

export function loadFirmware(name: string, rom: Uint8Array, memoryBytes: number, files: readonly FirmwareFile[] = []): FirmwarePlan {
  if (rom.length === 0 || rom.length % UNIT !== 0 || rom.length > MOST_ROM) {
    throw new BadImage(name, `a ROM has 64 KiB, or a multiple up to 16 MiB, and this file ${rom.length} bytes`, 'give firmware as it goes into the ROM, such as SeaBIOS’s bios-256k.bin');
  }
  if (memoryBytes > MOST_MEMORY) throw new BadImage(name, 'not implemented: firmware with more than 2816 MiB of memory', 'ask for less');
  return { kind: 'firmware', rom, files, notes: [] };
}
