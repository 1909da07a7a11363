/** A Linux kernel's file without a symbol table and debug information. */
import { BtfTypes } from '../../symbols/btf.js';
import { ElfFile } from '../../symbols/elf.js';
import { readKallsyms } from './kallsyms.js';
import { KernelProgram } from './kernel-program.js';
import { KernelSymbols } from './kernel-symbols.js';
import { OrcTable } from './orc.js';

/** Linux 6.4 changed the entries of ORC. */
const END_KIND_SINCE = 6 * 1000 + 4;

/** Undefined when the file is no Linux kernel with kallsyms. */
export function readKernel(name: string, bytes: Uint8Array): KernelProgram | undefined {
  const elf = new ElfFile(name, bytes), all = elf.bits === 64 ? readKallsyms(bytes) : undefined;
  if (!all) return undefined;
  const symbols = new KernelSymbols(all), btf = elf.section('.BTF');
  const [addresses, entries] = [elf.section('.orc_unwind_ip'), elf.section('.orc_unwind')];
  const orc = addresses && entries && new OrcTable({ addresses: elf.contents(addresses), at: addresses.address, entries: elf.contents(entries) }, hasEndKind(elf, bytes, symbols));
  // Data of each processor is linked at address 0 and never used there.
  const ranges = elf.sections.filter(({ allocated, address }) => allocated && address !== 0n).map(({ address, size, executable }) => ({ start: address, end: address + BigInt(size), isCode: executable }));
  return new KernelProgram(elf.file, symbols, ranges, orc, btf && new BtfTypes(elf.file, elf.contents(btf)));
}

/** By the version that the kernel's banner names. */
function hasEndKind(elf: ElfFile, bytes: Uint8Array, symbols: KernelSymbols): boolean {
  const address = symbols.named('linux_banner')?.address ?? 0n;
  const segment = elf.segments.find(({ virtualAddress, fileSize }) => address >= virtualAddress && address < virtualAddress + fileSize);
  const start = segment ? Number(segment.offset + address - segment.virtualAddress) : 0;
  const version = /^Linux version (\d+)\.(\d+)/.exec(new TextDecoder('latin1').decode(bytes.subarray(start, start + 64)));
  return version !== null && 1000 * Number(version[1]) + Number(version[2]) >= END_KIND_SINCE;
}
