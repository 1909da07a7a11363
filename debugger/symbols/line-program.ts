/** One line number program of .debug_line: its header with the tables of files, and its rows. DWARF Version 5, "Line Number Information". */
import type { ByteReader } from './byte-reader.js';
import type { DwarfInfo } from './dwarf-info.js';
import { readForm, type FormContext } from './dwarf-forms.js';
import { unitLength } from './dwarf-sections.js';
import { isAbsolute, joinPath } from './source-paths.js';
import type { Unit } from './dwarf-unit.js';

const DW_LNCT = { path: 1, directoryIndex: 2 } as const;
const STANDARD = {
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  setColumn: 5,
  negateStmt: 6,
  setBasicBlock: 7,
  constAddPc: 8,
  fixedAdvancePc: 9,
  setPrologueEnd: 10,
  setEpilogueBegin: 11,
  setIsa: 12,
} as const;
const EXTENDED = { endSequence: 1, setAddress: 2, defineFile: 3 } as const;
const IS_STMT = 1;
const PROLOGUE_END = 2;
const END_SEQUENCE = 4;

/** A run of rows with ascending addresses; its last row only marks the end. */
export interface LineSequence {
  readonly start: bigint;
  readonly end: bigint;
  /** Of each row: the distance from `start`. */
  readonly distances: Float64Array;
  readonly files: Uint32Array;
  readonly lines: Uint32Array;
  readonly columns: Uint32Array;
  readonly flags: Uint8Array;
}

export interface LineRow {
  readonly address: bigint;
  readonly file: number;
  readonly line: number;
  readonly column: number;
  readonly isStatement: boolean;
  readonly prologueEnd: boolean;
  readonly endSequence: boolean;
}

export function rowOf(sequence: LineSequence, index: number): LineRow {
  const flags = sequence.flags[index]!;
  return {
    address: sequence.start + BigInt(sequence.distances[index]!),
    file: sequence.files[index]!,
    line: sequence.lines[index]!,
    column: sequence.columns[index]!,
    isStatement: (flags & IS_STMT) !== 0,
    prologueEnd: (flags & PROLOGUE_END) !== 0,
    endSequence: (flags & END_SEQUENCE) !== 0,
  };
}

interface Entry {
  path: string;
  directory: number;
}

export class LineProgram {
  readonly offset: number;
  readonly end: number;
  private readonly info: DwarfInfo;
  private readonly unit: Unit | undefined;
  private readonly version: number;
  private readonly addressSize: number;
  readonly minimumInstructionLength: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly operandCounts: number[] = [];
  private readonly directories: string[];
  private readonly entries: Entry[];
  private readonly paths: (string | undefined)[] = [];
  private readonly programStart: number;
  private decoded: readonly LineSequence[] | undefined;

  /** `unit` is the compile unit that refers to the program, if there is one: it gives the directory and the strings. */
  constructor(info: DwarfInfo, offset: number, unit: Unit | undefined, defaultAddressSize: number) {
    this.info = info;
    this.unit = unit;
    this.offset = offset;
    const { offsetSize, body } = unitLength(info.sections.reader('.debug_line', offset));
    this.end = body.end;
    this.version = body.u16();
    if (this.version < 2 || this.version > 5) body.fail(`the program at byte ${offset} has version ${this.version}; 2 to 5 are known`);
    this.addressSize = unit?.addressSize ?? defaultAddressSize;
    if (this.version >= 5) {
      this.addressSize = body.u8();
      if (this.addressSize !== 4 && this.addressSize !== 8) body.fail(`the program at byte ${offset} has addresses of ${this.addressSize} bytes`);
      body.skip(1);
    }
    const headerLength = body.offset(offsetSize);
    if (headerLength > body.remaining) body.fail(`the program at byte ${offset} has a header longer than itself`);
    this.programStart = body.position + headerLength;
    this.minimumInstructionLength = body.u8();
    const operationsPerInstruction = this.version >= 4 ? body.u8() : 1;
    if (operationsPerInstruction > 1) body.fail(`not implemented: line programs for VLIW processors (at byte ${offset})`);
    this.defaultIsStatement = body.u8() !== 0;
    this.lineBase = body.i8();
    this.lineRange = body.u8();
    if (this.lineRange === 0) body.fail(`the program at byte ${offset} has the line range 0`);
    this.opcodeBase = body.u8();
    for (let opcode = 1; opcode < this.opcodeBase; opcode++) this.operandCounts[opcode] = body.u8();
    const compilationDirectory = unit?.compilationDirectory ?? '';
    if (this.version >= 5) {
      const context: FormContext = { version: this.version, addressSize: this.addressSize, offsetSize, offset };
      this.directories = this.readTable(body, context).map(({ path }) => path);
      this.entries = this.readTable(body, context);
    } else {
      this.directories = [compilationDirectory, ...readStrings(body)];
      this.entries = [{ path: unit?.root.name ?? '', directory: 0 }, ...readOldFiles(body)];
    }
  }

  get fileCount(): number {
    return this.entries.length;
  }

  /** The whole path of a file number, undefined for a number that the table does not have. */
  path(file: number): string | undefined {
    const entry = this.entries[file];
    if (!entry) return undefined;
    this.paths[file] ??= joinPath(this.baseDirectory(), entry.directory === 0 ? '' : (this.directories[entry.directory] ?? ''), entry.path);
    return this.paths[file];
  }

  get sequences(): readonly LineSequence[] {
    this.decoded ??= this.run();
    return this.decoded;
  }

  /** Directory 0 is the compilation directory, which some producers write relative to the unit's. */
  private baseDirectory(): string {
    const first = this.directories[0] ?? '';
    const compilation = this.unit?.compilationDirectory ?? '';
    return isAbsolute(first) || !isAbsolute(compilation) ? first : joinPath(compilation, first);
  }

  private readTable(body: ByteReader, context: FormContext): Entry[] {
    const format = Array.from({ length: body.u8() }, () => ({ content: body.uleb(), form: body.uleb() }));
    const count = body.uleb();
    if (count > body.remaining) body.fail(`the program at byte ${this.offset} is said to name ${count} files, which cannot be`);
    const table: Entry[] = [];
    for (let index = 0; index < count; index++) {
      const entry: Entry = { path: '', directory: 0 };
      for (const { content, form } of format) {
        const value = readForm(body, form, context, 0n);
        if (content === DW_LNCT.path) entry.path = this.text(value);
        else if (content === DW_LNCT.directoryIndex && value.is === 'constant') entry.directory = Number(value.value);
      }
      table.push(entry);
    }
    return table;
  }

  private text(value: ReturnType<typeof readForm>): string {
    if (value.is === 'string') return value.value;
    if (value.is === 'string offset') return this.info.sections.string(value.section, value.value);
    return (this.unit && this.info.string(this.unit, value)) ?? '?';
  }

  private run(): LineSequence[] {
    const reader = this.info.sections.reader('.debug_line', this.programStart, this.end);
    const machine = new LineMachine(this);
    while (!reader.atEnd) {
      const opcode = reader.u8();
      if (opcode >= this.opcodeBase) machine.special(opcode);
      else if (opcode === 0) this.runExtended(machine, reader.part(reader.uleb()));
      else machine.standard(opcode, reader);
    }
    if (machine.isInSequence) reader.fail(`the program at byte ${this.offset} stops inside a sequence`);
    return machine.sequences;
  }

  private runExtended(machine: LineMachine, operands: ByteReader): void {
    if (operands.atEnd) return;
    const kind = operands.u8();
    if (kind === EXTENDED.setAddress) machine.setAddress(operands.unsigned(operands.remaining));
    else if (kind === EXTENDED.defineFile) this.entries.push(readOldFile(operands));
    else if (kind === EXTENDED.endSequence) machine.endSequence();
  }
}

type LineParameters = Pick<LineProgram, 'minimumInstructionLength' | 'defaultIsStatement' | 'lineBase' | 'lineRange' | 'opcodeBase' | 'operandCounts'>;

/** The state machine. Addresses are kept as distances from the first that was set, so that no bigint is made for a row. */
class LineMachine {
  readonly sequences: LineSequence[] = [];
  private readonly parameters: LineParameters;
  private rows = new RowBuffer();
  private start: bigint | undefined;
  private distance = 0;
  private file = 1;
  private line = 1;
  private column = 0;
  private isStatement: boolean;
  private prologueEnd = false;

  constructor(parameters: LineParameters) {
    this.parameters = parameters;
    this.isStatement = parameters.defaultIsStatement;
  }

  get isInSequence(): boolean {
    return this.rows.count > 0;
  }

  special(opcode: number): void {
    const { opcodeBase, lineRange, lineBase } = this.parameters;
    const adjusted = opcode - opcodeBase;
    this.advance(Math.floor(adjusted / lineRange));
    this.line += lineBase + (adjusted % lineRange);
    this.append(0);
  }

  setAddress(address: bigint): void {
    this.start ??= address;
    this.distance = Number(address - this.start);
  }

  endSequence(): void {
    this.append(END_SEQUENCE);
    this.sequences.push(this.rows.sequence(this.start ?? 0n));
    this.rows = new RowBuffer();
    this.start = undefined;
    this.distance = this.column = 0;
    this.file = this.line = 1;
    this.isStatement = this.parameters.defaultIsStatement;
    this.prologueEnd = false;
  }

  standard(opcode: number, reader: ByteReader): void {
    switch (opcode) {
      case STANDARD.copy:
        return this.append(0);
      case STANDARD.advancePc:
        return this.advance(reader.uleb());
      case STANDARD.advanceLine:
        this.line += reader.sleb();
        return;
      case STANDARD.setFile:
        this.file = reader.uleb();
        return;
      case STANDARD.setColumn:
        this.column = reader.uleb();
        return;
      case STANDARD.negateStmt:
        this.isStatement = !this.isStatement;
        return;
      case STANDARD.constAddPc:
        return this.advance(Math.floor((255 - this.parameters.opcodeBase) / this.parameters.lineRange));
      case STANDARD.fixedAdvancePc:
        this.distance += reader.u16();
        return;
      case STANDARD.setPrologueEnd:
        this.prologueEnd = true;
        return;
      case STANDARD.setBasicBlock:
      case STANDARD.setEpilogueBegin:
        return;
      case STANDARD.setIsa:
        reader.uleb();
        return;
      default:
        for (let operand = 0; operand < this.parameters.operandCounts[opcode]!; operand++) reader.ulebWide();
    }
  }

  private advance(operations: number): void {
    this.distance += operations * this.parameters.minimumInstructionLength;
  }

  private append(more: number): void {
    const flags = (this.isStatement ? IS_STMT : 0) | (this.prologueEnd ? PROLOGUE_END : 0) | more;
    this.rows.append(this.distance, this.file, this.line, this.column, flags);
    this.prologueEnd = false;
  }
}

class RowBuffer {
  count = 0;
  private readonly distances: number[] = [];
  private readonly files: number[] = [];
  private readonly lines: number[] = [];
  private readonly columns: number[] = [];
  private readonly flags: number[] = [];

  append(distance: number, file: number, line: number, column: number, flags: number): void {
    this.count++;
    this.distances.push(distance);
    this.files.push(file);
    this.lines.push(line);
    this.columns.push(column);
    this.flags.push(flags);
  }

  sequence(start: bigint): LineSequence {
    const order = this.order();
    const pick = (values: readonly number[]) => (order ? order.map((index) => values[index]!) : values);
    const fromSetAddress = pick(this.distances);
    const first = fromSetAddress[0]!;
    const distances = Float64Array.from(fromSetAddress, (distance) => distance - first);
    return {
      start: start + BigInt(first),
      end: start + BigInt(fromSetAddress.at(-1)!),
      distances,
      files: Uint32Array.from(pick(this.files)),
      lines: Uint32Array.from(pick(this.lines)),
      columns: Uint32Array.from(pick(this.columns)),
      flags: Uint8Array.from(pick(this.flags)),
    };
  }

  /** Rows ought to ascend; where they do not, the order that makes them. */
  private order(): number[] | undefined {
    if (this.distances.every((distance, index) => index === 0 || distance >= this.distances[index - 1]!)) return undefined;
    return this.distances.map((_, index) => index).sort((a, b) => this.distances[a]! - this.distances[b]! || a - b);
  }
}

function readStrings(reader: ByteReader): string[] {
  const strings: string[] = [];
  for (let text = reader.cstring(); text !== ''; text = reader.cstring()) strings.push(text);
  return strings;
}

function readOldFiles(reader: ByteReader): Entry[] {
  const files: Entry[] = [];
  for (;;) {
    const at = reader.position;
    if (reader.u8() === 0) return files;
    reader.seek(at);
    files.push(readOldFile(reader));
  }
}

function readOldFile(reader: ByteReader): Entry {
  const entry = { path: reader.cstring(), directory: reader.uleb() };
  reader.uleb();
  reader.uleb();
  return entry;
}
