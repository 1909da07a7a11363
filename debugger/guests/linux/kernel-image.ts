/** A Linux kernel without a symbol table and debug information, known by what it carries for itself: kallsyms, BTF and ORC. */
import { BtfTypes } from '../../symbols/btf.js';
import { ElfFile, type ElfSection } from '../../symbols/elf.js';
import type { FunctionRange, InlineFrame } from '../../symbols/image.js';
import type { LineAddress, SourceLine } from '../../symbols/lines.js';
import type { FrameContext } from '../../symbols/location-expression.js';
import type { ProgramSymbols } from '../../symbols/program-symbols.js';
import type { Type } from '../../symbols/types.js';
import type { CallerFrame } from '../../symbols/unwind.js';
import type { Variable } from '../../symbols/variables.js';
import { readKallsyms } from './kallsyms.js';
import { KernelSymbols } from './kernel-symbols.js';
import { OrcTable } from './orc.js';
import { parameterVariables } from './parameters.js';

/** Linux 6.4 changed the entries of ORC. */
const END_KIND_SINCE = 6 * 1000 + 4;

export class KernelImage implements ProgramSymbols {
  readonly name: string;
  readonly bits = 64;
  readonly globals: readonly Variable[] = [];
  /** `Linux version 6.1.0-…`. */
  readonly banner: string;
  private readonly types: BtfTypes | undefined;
  private readonly orc: OrcTable | undefined;

  /** Undefined when the file is no Linux kernel with kallsyms. */
  static parse(name: string, bytes: Uint8Array): KernelImage | undefined {
    const elf = new ElfFile(name, bytes);
    if (elf.bits !== 64) return undefined;
    const symbols = readKallsyms(bytes);
    return symbols && new KernelImage(elf, bytes, new KernelSymbols(symbols));
  }

  private constructor(private readonly elf: ElfFile, bytes: Uint8Array, private readonly symbols: KernelSymbols) {
    this.name = elf.file;
    this.banner = this.textAt(bytes, symbols.named('linux_banner')?.address ?? 0n);
    const btf = elf.section('.BTF');
    this.types = btf && new BtfTypes(elf.file, elf.contents(btf));
    const addresses = elf.section('.orc_unwind_ip'), entries = elf.section('.orc_unwind');
    const [, major = 0, minor = 0] = /version (\d+)\.(\d+)/.exec(this.banner)?.map(Number) ?? [];
    this.orc = addresses && entries && new OrcTable({ addresses: elf.contents(addresses), at: addresses.address, entries: elf.contents(entries) }, 1000 * major + minor >= END_KIND_SINCE);
  }

  private textAt(bytes: Uint8Array, address: bigint): string {
    const segment = this.elf.segments.find(({ virtualAddress, fileSize }) => address >= virtualAddress && address < virtualAddress + fileSize);
    if (!segment) return '';
    const start = Number(segment.offset + address - segment.virtualAddress);
    return new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, start)));
  }

  private sectionAt(address: bigint): ElfSection | undefined {
    return this.elf.sections.find((section) => section.allocated && section.address !== 0n && address >= section.address && address < section.address + BigInt(section.size));
  }

  holdsAddress(address: bigint): boolean {
    return this.sectionAt(address) !== undefined;
  }

  symbol(name: string): bigint | undefined {
    return this.symbols.named(name)?.address;
  }

  symbolAt(address: bigint): { name: string; offset: bigint } | undefined {
    return this.holdsAddress(address) ? this.symbols.at(address) : undefined;
  }

  functionAt(address: bigint): FunctionRange | undefined {
    return this.sectionAt(address)?.executable ? this.symbols.functionAt(address) : undefined;
  }

  /** Parameters of kernels stand in registers. */
  functionBody(start: bigint): bigint {
    return start;
  }

  inlinedAt(): InlineFrame[] {
    return [];
  }

  sourceFiles(): readonly string[] {
    return [];
  }

  lineAt(): SourceLine | undefined {
    return undefined;
  }

  addressesOfLine(): LineAddress[] {
    return [];
  }

  linesOf(): number[] {
    return [];
  }

  canUnwind(address: bigint): boolean {
    return this.holdsAddress(address) && this.orc?.covers(address) === true;
  }

  callerOf(frame: FrameContext): CallerFrame | undefined {
    return this.orc?.callerOf(frame);
  }

  variablesAt(address: bigint): Variable[] {
    const found = this.functionAt(address);
    return found ? parameterVariables(this.types?.parametersOf(found.name) ?? [], found.start) : [];
  }

  global(): Variable | undefined {
    return undefined;
  }

  type(name: string): Type | undefined {
    return this.types?.named(name);
  }

  enumerator(name: string): { value: bigint; type: Type } | undefined {
    return this.types?.enumerator(name);
  }

  *knownNames(): Generator<string> {
    yield* this.types?.enumeratorNames ?? [];
    yield* this.symbols.names();
  }
}
