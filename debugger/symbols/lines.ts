/** From addresses to source lines and back, over all line programs of a file. */
import { AT, LANGUAGE_ASSEMBLER, TAG } from './dwarf-constants.js';
import { OP } from './dwarf-operations.js';
import type { Die } from './dwarf-die.js';
import type { DwarfInfo } from './dwarf-info.js';
import type { Unit } from './dwarf-unit.js';
import type { FunctionIndex, Live } from './functions.js';
import { LineProgram, rowOf, type LineRow, type LineSequence } from './line-program.js';
import { compare, RangeIndex, type Range } from './ranges.js';
import { matchingPaths } from './source-paths.js';

export interface SourceLine extends Range {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

export interface LineAddress {
  readonly address: bigint;
  readonly line: number;
  readonly file: string;
  readonly column?: number;
}

export class LineIndex {
  private readonly info: DwarfInfo;
  private readonly functions: FunctionIndex;
  private readonly live: Live;
  private readonly defaultAddressSize: number;
  private byOffset: Map<number, LineProgram> | undefined;
  private readonly indexes = new Map<LineProgram, RangeIndex<LineSequence>>();

  constructor(info: DwarfInfo, functions: FunctionIndex, live: Live, defaultAddressSize: number) {
    this.info = info;
    this.functions = functions;
    this.live = live;
    this.defaultAddressSize = defaultAddressSize;
  }

  get programs(): Iterable<LineProgram> {
    return this.allPrograms().values();
  }

  programOf(unit: Unit): LineProgram | undefined {
    const offset = lineOffset(unit);
    return offset === undefined ? undefined : this.allPrograms().get(offset);
  }

  at(address: bigint): SourceLine | undefined {
    const unit = this.functions.unitAt(address);
    const program = unit && this.programOf(unit);
    const found = program && this.inProgram(program, address);
    if (found || program) return found;
    for (const other of this.programs) {
      const line = this.inProgram(other, address);
      if (line) return line;
    }
    return undefined;
  }

  files(): Set<string> {
    const files = new Set<string>();
    for (const program of this.programs) {
      for (let file = 0; file < program.fileCount; file++) {
        const path = program.path(file);
        if (path) files.add(path);
      }
    }
    return files;
  }

  linesOf(file: string): number[] {
    const lines = new Set<number>();
    for (const { row } of this.rowsOf(file)) lines.add(row.line);
    return [...lines].sort((a, b) => a - b);
  }

  /** The addresses of the nearest line at or after `line` that has code: one for each function or inlined call. */
  addressesOf(file: string, line: number): LineAddress[] {
    let nearest = Infinity;
    let rows: { row: LineRow; path: string }[] = [];
    for (const candidate of this.rowsOf(file)) {
      const candidateLine = candidate.row.line;
      if (candidateLine < line || candidateLine > nearest) continue;
      if (candidateLine < nearest) rows = [];
      nearest = candidateLine;
      rows.push(candidate);
    }
    const first = new Map<Die | bigint, LineAddress>();
    for (const { row, path } of rows) {
      const instance = this.instanceOf(row, path) ?? row.address;
      const known = first.get(instance);
      if (!known || row.address < known.address) first.set(instance, lineAddress(row, path));
    }
    return [...first.values()].map((entry) => this.behindPrologue(entry)).sort((a, b) => compare(a.address, b.address));
  }

  /** Where the body of the function at `start` begins: behind the code that stores its parameters. */
  bodyOf(start: bigint): bigint {
    const subprogram = this.functions.at(start);
    if (subprogram?.start !== start || !needsPrologue(subprogram.value)) return start;
    const program = this.programOf(subprogram.value.unit);
    const sequence = program && this.indexOf(program).at(start)?.value;
    if (!sequence) return start;
    let second: bigint | undefined;
    for (let index = firstRow(sequence, start); index < sequence.lines.length; index++) {
      const row = rowOf(sequence, index);
      if (row.address >= subprogram.end) break;
      if (row.prologueEnd) return row.address;
      if (row.isStatement && row.address > start) second ??= row.address;
    }
    return second ?? start;
  }

  private behindPrologue(entry: LineAddress): LineAddress {
    const address = this.bodyOf(entry.address);
    return address === entry.address ? entry : { ...entry, address };
  }

  private *rowsOf(file: string): Generator<{ row: LineRow; path: string }> {
    const paths = new Set(matchingPaths(file, this.files()));
    for (const program of this.programs) {
      const wanted = new Map<number, string>();
      for (let number = 0; number < program.fileCount; number++) {
        const path = program.path(number);
        if (path !== undefined && paths.has(path)) wanted.set(number, path);
      }
      if (wanted.size > 0) yield* this.rowsOfFiles(program, wanted);
    }
  }

  private *rowsOfFiles(program: LineProgram, wanted: ReadonlyMap<number, string>): Generator<{ row: LineRow; path: string }> {
    for (const { value: sequence } of this.indexOf(program)) {
      for (let index = 0; index < sequence.files.length; index++) {
        const path = wanted.get(sequence.files[index]!);
        if (path === undefined || sequence.lines[index] === 0) continue;
        const row = rowOf(sequence, index);
        if (row.isStatement && !row.endSequence) yield { row, path };
      }
    }
  }

  /** The function or inlined call that a row belongs to. A row at the entry of an inlined call may still be the caller's. */
  private instanceOf(row: LineRow, path: string): Die | undefined {
    const scopes = this.functions.scopes(row.address).filter(({ tag }) => tag !== TAG.lexicalBlock);
    while (scopes.length > 1) {
      const inner = scopes.at(-1)!;
      if (inner.number(AT.callLine) !== row.line || this.fileOf(inner, AT.callFile) !== path) return inner;
      scopes.pop();
    }
    return scopes[0];
  }

  /** The path that a file attribute of an entry means. */
  fileOf(die: Die, attribute: number): string | undefined {
    const number = die.number(attribute);
    return number === undefined ? undefined : this.programOf(die.unit)?.path(number);
  }

  private inProgram(program: LineProgram, address: bigint): SourceLine | undefined {
    const sequence = this.indexOf(program).at(address)?.value;
    if (!sequence) return undefined;
    const next = firstRow(sequence, address + 1n);
    const row = rowOf(sequence, next - 1);
    const file = program.path(row.file);
    if (row.line === 0 || file === undefined) return undefined;
    const end = next < sequence.lines.length ? rowOf(sequence, next).address : sequence.end;
    return { file, line: row.line, ...(row.column > 0 && { column: row.column }), start: row.address, end };
  }

  private indexOf(program: LineProgram): RangeIndex<LineSequence> {
    let index = this.indexes.get(program);
    if (!index) {
      const live = program.sequences.filter(({ start, end }) => end > start && this.live(start));
      index = new RangeIndex(live.map((sequence) => ({ start: sequence.start, end: sequence.end, value: sequence })));
      this.indexes.set(program, index);
    }
    return index;
  }

  /** The programs that units refer to; without any unit, all that the section holds. */
  private allPrograms(): Map<number, LineProgram> {
    if (this.byOffset) return this.byOffset;
    const programs = new Map<number, LineProgram>();
    for (const unit of this.info.units) {
      const offset = lineOffset(unit);
      if (offset !== undefined && !programs.has(offset)) {
        programs.set(offset, new LineProgram(this.info, offset, unit, this.defaultAddressSize));
      }
    }
    if (this.info.units.length === 0) {
      const { length } = this.info.sections.bytes('.debug_line');
      for (let offset = 0; offset < length; ) {
        const program = new LineProgram(this.info, offset, undefined, this.defaultAddressSize);
        programs.set(offset, program);
        offset = program.end;
      }
    }
    this.byOffset = programs;
    return programs;
  }
}

function lineOffset(unit: Unit): number | undefined {
  return unit.root.has(AT.stmtList) ? unit.root.number(AT.stmtList) : undefined;
}

function lineAddress(row: LineRow, file: string): LineAddress {
  return { address: row.address, line: row.line, file, ...(row.column > 0 && { column: row.column }) };
}

/** The first row at or behind the address. */
function firstRow(sequence: LineSequence, address: bigint): number {
  const distance = Number(address - sequence.start);
  let low = 0;
  let high = sequence.distances.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sequence.distances[middle]! < distance) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Unoptimised code stores its parameters below the frame's base first; until then their locations are wrong. */
function needsPrologue(subprogram: Die): boolean {
  if (subprogram.unit.root.number(AT.language) === LANGUAGE_ASSEMBLER) return false;
  const base = subprogram.value(AT.frameBase);
  const fromCallFrame = base?.is === 'block' && base.value[0] === OP.callFrameCfa;
  return subprogram.children.some((child) => {
    const location = child.tag === TAG.formalParameter ? child.value(AT.location) : undefined;
    if (location?.is !== 'block' || location.value[0] !== OP.fbreg) return false;
    return !fromCallFrame || child.unit.info.sections.expression(location.value, 1).sleb() < 0;
  });
}
