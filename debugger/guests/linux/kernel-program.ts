/** Kernel code that is known by what the kernel carries for itself: names of functions and data, types, and how to find callers. */
import type { BtfTypes } from '../../symbols/btf.js';
import type { FunctionRange, InlineFrame } from '../../symbols/image.js';
import type { LineAddress, SourceLine } from '../../symbols/lines.js';
import type { FrameContext } from '../../symbols/location-expression.js';
import type { ProgramSymbols } from '../../symbols/program-symbols.js';
import type { Type } from '../../symbols/types.js';
import type { CallerFrame } from '../../symbols/unwind.js';
import type { Variable } from '../../symbols/variables.js';
import type { KernelSymbols } from './kernel-symbols.js';
import type { OrcTable } from './orc.js';
import { parameterVariables } from './parameters.js';

export interface CodeRange {
  readonly start: bigint;
  /** Exclusive. */
  readonly end: bigint;
  readonly isCode: boolean;
}

export class KernelProgram implements ProgramSymbols {
  readonly bits = 64;
  readonly globals: readonly Variable[] = [];

  constructor(
    readonly name: string,
    private readonly symbols: KernelSymbols,
    /** Where it lies; of a module, the part for its initialization goes. */
    public ranges: readonly CodeRange[],
    private readonly orc: OrcTable | undefined,
    private readonly types: BtfTypes | undefined,
  ) {}

  private rangeAt(address: bigint): CodeRange | undefined {
    return this.ranges.find(({ start, end }) => address >= start && address < end);
  }

  holdsAddress(address: bigint): boolean {
    return this.rangeAt(address) !== undefined;
  }

  symbol(name: string): bigint | undefined {
    return this.symbols.named(name)?.address;
  }

  symbolAt(address: bigint): { name: string; offset: bigint } | undefined {
    return this.holdsAddress(address) ? this.symbols.at(address) : undefined;
  }

  functionAt(address: bigint): FunctionRange | undefined {
    return this.rangeAt(address)?.isCode ? this.symbols.functionAt(address) : undefined;
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
