/** What the debugger asks of a program's symbols, whatever they were read from. Addresses are those of the file, unsigned. */
import type { FunctionRange, InlineFrame } from './image.js';
import type { LineAddress, SourceLine } from './lines.js';
import type { FrameContext } from './location-expression.js';
import type { Type } from './types.js';
import type { CallerFrame } from './unwind.js';
import type { Variable } from './variables.js';

export interface ProgramSymbols {
  /** The file's. */
  readonly name: string;
  readonly bits: 32 | 64;
  readonly globals: readonly Variable[];
  holdsAddress(address: bigint): boolean;

  symbol(name: string): bigint | undefined;
  symbolAt(address: bigint): { readonly name: string; readonly offset: bigint } | undefined;
  functionAt(address: bigint): FunctionRange | undefined;
  /** Where a breakpoint on a function belongs: behind the code that stores its parameters. */
  functionBody(start: bigint): bigint;
  /** The inlined calls around the address, the innermost first; without the function that really was called. */
  inlinedAt(address: bigint): InlineFrame[];

  sourceFiles(): readonly string[];
  lineAt(address: bigint): SourceLine | undefined;
  addressesOfLine(file: string, line: number): LineAddress[];
  linesOf(file: string): number[];

  /** Whether `callerOf` knows how to find callers from the address. */
  canUnwind(address: bigint): boolean;
  /** The frame that called this one, undefined at the outermost or where the file does not say. */
  callerOf(frame: FrameContext): CallerFrame | undefined;

  /** The variables of the frame at the address, inner blocks first. `inlineDepth` counts outwards over `inlinedAt`. */
  variablesAt(address: bigint, inlineDepth?: number): Variable[];
  global(name: string): Variable | undefined;
  /** A type by the name that C gives it: `struct page`, `page_t`, `unsigned int`. */
  type(name: string): Type | undefined;
  enumerator(name: string): { readonly value: bigint; readonly type: Type } | undefined;
  /** Every name that `global`, `enumerator` or `symbol` finds. */
  knownNames(): Iterable<string>;
}
