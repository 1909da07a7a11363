/** Symbols of a program file: from its symbol table and debug information, or from what a kernel carries for itself. */
import { isBzImage } from '../emulator/boot/bzimage.js';
import { readKernel } from './guests/linux/kernel-image.js';
import { unpackKernel } from './linux-image.js';
import { ElfFile } from './symbols/elf.js';
import { SymbolImage } from './symbols/image.js';
import type { ProgramSymbols } from './symbols/program-symbols.js';

/** A kernel that is packed is unpacked. */
export async function readProgram(name: string, file: Uint8Array): Promise<ProgramSymbols> {
  const unpacked = isBzImage(file) ? await unpackKernel(name, file) : file, bytes = unpacked instanceof Uint8Array ? unpacked : file;
  const isStripped = new ElfFile(name, bytes).symbols().next().done === true;
  return (isStripped ? readKernel(name, bytes) : undefined) ?? SymbolImage.parse(name, bytes);
}
