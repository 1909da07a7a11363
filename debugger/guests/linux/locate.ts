/** Where KASLR put a kernel: its text moves in steps of its alignment within the gigabyte that x86-64 gives to it. Linux, arch/x86/boot/compressed/kaslr.c. */
import type { ProgramSymbols } from '../../symbols/program-symbols.js';
import type { ReadBytes } from './kernel-memory.js';

const BANNER = 'linux_banner';
const BEGINNING = 'Linux version ';
const STEP = 0x20_0000n;
const MAP_START = 0xffffffff80000000n, MAP_SIZE = 0x4000_0000n;

/** Whether the program is a Linux kernel that can be found in memory. */
export const isKernel = (symbols: ProgramSymbols): boolean => symbols.symbol(BANNER) !== undefined && symbols.symbol('init_task') !== undefined;

/** What must be added to the addresses of the file; undefined while the kernel is not mapped. */
export function locateKernel(symbols: ProgramSymbols, read: ReadBytes): bigint | undefined {
  const banner = symbols.symbol(BANNER);
  if (banner === undefined) return undefined;
  for (let slide = 0n; slide < MAP_SIZE && banner + slide < MAP_START + MAP_SIZE; slide += STEP) {
    const bytes = read(banner + slide, BEGINNING.length);
    if (bytes && new TextDecoder().decode(bytes) === BEGINNING) return slide;
  }
  return undefined;
}
