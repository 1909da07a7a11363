/** Symbols of a program file: from its symbol table and debug information, or from what a kernel carries for itself. */
import { readKernel } from './guests/linux/kernel-image.js';
import { ElfFile } from './symbols/elf.js';
import { SymbolImage } from './symbols/image.js';
import type { ProgramSymbols } from './symbols/program-symbols.js';

export function readProgram(name: string, bytes: Uint8Array): ProgramSymbols {
  const isStripped = new ElfFile(name, bytes).symbols().next().done === true;
  return (isStripped ? readKernel(name, bytes) : undefined) ?? SymbolImage.parse(name, bytes);
}
