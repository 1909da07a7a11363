/** The symbols and unwind tables of a module, as the kernel keeps them in memory once it has loaded it. */
import { NotReadable, type KernelMemory, type Struct } from './kernel-memory.js';
import type { KernelModule } from './kernel-modules.js';
import { KernelProgram } from './kernel-program.js';
import { kindOf, KernelSymbols, type KernelSymbol } from './kernel-symbols.js';
import { OrcTable } from './orc.js';

const ELF64_SYM_BYTES = 24, ORC_ENTRY_BYTES = 6;
const MOST_SYMBOLS = 1 << 17, MOST_STRING_BYTES = 1 << 22;

export function readModuleProgram(memory: KernelMemory, module: KernelModule): KernelProgram {
  const struct = memory.struct('struct module', module.address), tables = struct.pointed('kallsyms');
  const symbols = tables ? readSymbols(memory, tables, module) : [];
  return new KernelProgram(module.name, new KernelSymbols(symbols), module.ranges, readOrc(memory, struct), undefined);
}

function readSymbols(memory: KernelMemory, tables: Struct, { ranges }: KernelModule): KernelSymbol[] {
  const count = Math.min(Number(tables.number('num_symtab')), MOST_SYMBOLS), strings = tables.number('strtab'), kinds = memory.read(tables.number('typetab'), count);
  const bytes = memory.read(tables.number('symtab'), ELF64_SYM_BYTES * count), view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names = readStrings(memory, strings, Math.max(0, ...Array.from({ length: count }, (_, index) => view.getUint32(ELF64_SYM_BYTES * index, true))));
  return Array.from({ length: count }, (_, index) => index).flatMap((index) => {
    const at = ELF64_SYM_BYTES * index, nameAt = view.getUint32(at, true), address = view.getBigUint64(at + 8, true);
    const name = new TextDecoder().decode(names.subarray(nameAt, names.indexOf(0, nameAt)));
    if (name === '' || !ranges.some(({ start, end }) => address >= start && address < end)) return [];
    return [{ name, address, kind: kindOf(String.fromCharCode(kinds[index]!)) }];
  });
}

/** Up to the end of the string that begins last. */
function readStrings(memory: KernelMemory, start: bigint, lastName: number): Uint8Array {
  const CHUNK = 64;
  for (let bytes = lastName + CHUNK; bytes < MOST_STRING_BYTES; bytes += CHUNK) {
    const found = memory.read(start, bytes);
    if (found.indexOf(0, lastName) >= 0) return found;
  }
  throw new NotReadable('the names of a module have no end');
}

function readOrc(memory: KernelMemory, module: Struct): OrcTable | undefined {
  if (!module.has('arch.num_orcs')) return undefined;
  const count = Number(module.number('arch.num_orcs')), at = module.number('arch.orc_unwind_ip');
  if (count === 0 || count > MOST_SYMBOLS) return undefined;
  // Since Linux 6.4, as in the kernel itself.
  const hasEndKind = module.has('mem');
  return new OrcTable({ addresses: memory.read(at, 4 * count), at, entries: memory.read(module.number('arch.orc_unwind'), ORC_ENTRY_BYTES * count) }, hasEndKind);
}
