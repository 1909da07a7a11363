/** A program with its symbols: what the debugger knows about an executable file. */
import { CallFrames, type UnwindRule } from './call-frames.js';
import { AT, TAG } from './dwarf-constants.js';
import type { Die } from './dwarf-die.js';
import { DwarfInfo } from './dwarf-info.js';
import { DwarfSections } from './dwarf-sections.js';
import { ElfFile, type ElfSegment, type ElfSymbol } from './elf.js';
import { FunctionIndex, qualifiedName } from './functions.js';
import { LineIndex, type LineAddress, type SourceLine } from './lines.js';
import type { FrameContext } from './location-expression.js';
import { NameIndex } from './name-index.js';
import type { ProgramSymbols } from './program-symbols.js';
import { rangesOf, type Range } from './ranges.js';
import { SymbolError } from './symbol-error.js';
import { SymbolTable } from './symbol-table.js';
import { TypeReader } from './type-reader.js';
import type { Type } from './types.js';
import { callerOf, type CallerFrame } from './unwind.js';
import { variableOf, variablesOf, type Variable } from './variables.js';

export interface FunctionRange extends Range {
  readonly name: string;
}

/** A call that the compiler replaced by the called function's body. */
export interface InlineFrame extends FunctionRange {
  readonly callFile: string | undefined;
  readonly callLine: number | undefined;
  readonly callColumn: number | undefined;
}

export class SymbolImage implements ProgramSymbols {
  readonly name: string;
  readonly bits: 32 | 64;
  readonly entry: bigint;
  private readonly elf: ElfFile;
  private readonly sections: DwarfSections;
  private readonly info: DwarfInfo;
  private readonly table: SymbolTable;
  private readonly functions: FunctionIndex;
  private readonly lines: LineIndex;
  private readonly frames: CallFrames;
  private readonly types: TypeReader;
  private nameIndex: NameIndex | undefined;
  private files: readonly string[] | undefined;

  /** Without `debugInfo`, only the linker's symbols are used: what is left to do when the debug information is damaged. */
  static parse(name: string, bytes: Uint8Array, options: { readonly debugInfo?: boolean } = {}): SymbolImage {
    return new SymbolImage(new ElfFile(name, bytes), options.debugInfo ?? true);
  }

  private constructor(elf: ElfFile, debugInfo: boolean) {
    this.elf = elf;
    this.name = elf.file;
    this.bits = elf.bits;
    this.entry = elf.entry;
    this.sections = new DwarfSections(elf, !debugInfo);
    this.info = new DwarfInfo(this.sections);
    this.table = new SymbolTable(elf);
    const live = (address: bigint) => this.holdsAddress(address);
    this.functions = new FunctionIndex(this.info, live);
    this.lines = new LineIndex(this.info, this.functions, live, elf.bits / 8);
    this.frames = new CallFrames(elf, this.sections);
    this.types = new TypeReader((kind, typeName) => this.names.type(`${kind} ${typeName}`));
  }

  get segments(): readonly ElfSegment[] {
    return this.elf.segments;
  }

  get hasLines(): boolean {
    return this.sections.has('.debug_line');
  }

  /** Reads the headers of all debug information, which otherwise is read when it is first needed; gives the first fault. */
  debugInfoFault(): SymbolError | undefined {
    try {
      this.sourceFiles();
      this.functions.unitAt(this.entry);
      this.frames.at(this.entry);
      return undefined;
    } catch (error) {
      if (error instanceof SymbolError) return error;
      throw error;
    }
  }

  holdsAddress(address: bigint): boolean {
    return this.elf.sections.some((section) => section.allocated && address >= section.address && address < section.address + BigInt(section.size));
  }

  symbol(name: string): bigint | undefined {
    return this.table.named(name)?.address;
  }

  symbols(): Iterable<ElfSymbol> {
    return this.table.all();
  }

  symbolAt(address: bigint): { name: string; offset: bigint } | undefined {
    const symbol = this.table.at(address);
    return symbol && { name: symbol.name, offset: address - symbol.address };
  }

  functionAt(address: bigint): FunctionRange | undefined {
    const found = this.functions.at(address);
    const name = found && qualifiedName(found.value);
    return found && name !== undefined ? { name, start: found.start, end: found.end } : this.table.functionAt(address);
  }

  /** Where a breakpoint on a function belongs: behind the code that stores its parameters. */
  functionBody(start: bigint): bigint {
    return this.lines.bodyOf(start);
  }

  lineAt(address: bigint): SourceLine | undefined {
    return this.lines.at(address);
  }

  addressesOfLine(file: string, line: number): LineAddress[] {
    return this.lines.addressesOf(file, line);
  }

  linesOf(file: string): number[] {
    return this.lines.linesOf(file);
  }

  sourceFiles(): readonly string[] {
    this.files ??= [...this.lines.files()].sort();
    return this.files;
  }

  /** The inlined calls around the address, the innermost first; without the function that really was called. */
  inlinedAt(address: bigint): InlineFrame[] {
    const inlined = this.functions.scopes(address).filter(({ tag }) => tag === TAG.inlinedSubroutine);
    return inlined.reverse().map((die) => {
      const range = rangesOf(die).find(({ start, end }) => address >= start && address < end)!;
      return {
        name: qualifiedName(die) ?? '?',
        start: range.start,
        end: range.end,
        callFile: this.lines.fileOf(die, AT.callFile),
        callLine: die.number(AT.callLine),
        callColumn: die.number(AT.callColumn),
      };
    });
  }

  /** The variables of the frame at the address, inner blocks first. `inlineDepth` counts outwards over `inlinedAt`. */
  variablesAt(address: bigint, inlineDepth = 0): Variable[] {
    const scopes = this.functions.scopes(address);
    const calls = scopes.flatMap((die, index) => (die.tag === TAG.lexicalBlock ? [] : [index]));
    const first = calls[calls.length - 1 - inlineDepth];
    if (first === undefined) return [];
    return variablesOf(scopes.slice(first, calls[calls.length - inlineDepth]), scopes[0], this.types, this.frames);
  }

  /** How to find the caller from the address. */
  cfaAt(address: bigint): UnwindRule | undefined {
    return this.frames.at(address);
  }

  canUnwind(address: bigint): boolean {
    return this.cfaAt(address) !== undefined;
  }

  /** The frame that called this one, undefined at the outermost or where the file does not say. */
  callerOf(frame: FrameContext): CallerFrame | undefined {
    const rule = this.frames.at(frame.address);
    return rule && callerOf(rule, frame, this.sections);
  }

  get globals(): Variable[] {
    return [...this.names.variableNames].flatMap((name) => this.global(name) ?? []);
  }

  global(name: string): Variable | undefined {
    const defined = this.names.variable(name);
    if (defined) return this.variable(defined, name);
    const declared = this.names.declaredVariable(name);
    const address = declared && this.symbol(name);
    if (!declared || address === undefined) return undefined;
    return { name, kind: 'global', type: this.types.ofAttribute(declared), location: { in: () => ({ is: 'memory', address }) } };
  }

  /** A type by the name that C gives it: `struct page`, `page_t`, `unsigned int`. */
  type(name: string): Type | undefined {
    const die = this.names.type(name);
    return die && this.types.of(die);
  }

  enumerator(name: string): { value: bigint; type: Type } | undefined {
    const die = this.names.enumerator(name);
    if (!die?.parent) return undefined;
    const type = this.types.of(die.parent);
    const found = type.is === 'enum' ? type.enumerators.find((enumerator) => enumerator.name === name) : undefined;
    return found && { value: found.value, type };
  }

  /** Every name that `global`, `enumerator` or `symbol` finds. */
  *knownNames(): Generator<string> {
    yield* this.names.variableNames;
    yield* this.names.enumeratorNames;
    for (const { name } of this.table.all()) yield name;
  }

  private variable(die: Die, name: string): Variable | undefined {
    const variable = variableOf(die, 'global', undefined, this.types, this.frames);
    return variable && { ...variable, name, type: variable.type };
  }

  private get names(): NameIndex {
    this.nameIndex ??= new NameIndex(this.info);
    return this.nameIndex;
  }
}
