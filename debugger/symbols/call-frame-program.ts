/** Runs call frame instructions up to an address. DWARF Version 5, "Call Frame Instructions". */
import type { ByteReader } from './byte-reader.js';
import type { CommonInformation } from './call-frames.js';
import { registerName } from './dwarf-registers.js';
import type { Range } from './ranges.js';

export type CfaRule = { is: 'register'; register: string; offset: bigint } | { is: 'expression'; expression: Uint8Array };

export type RegisterRule =
  | { is: 'undefined' }
  | { is: 'same value' }
  /** Saved in memory at the frame address plus the offset. */
  | { is: 'saved'; offset: bigint }
  /** Is the frame address plus the offset. */
  | { is: 'value'; offset: bigint }
  | { is: 'register'; register: string }
  | { is: 'saved at'; expression: Uint8Array }
  | { is: 'value of'; expression: Uint8Array };

interface Row {
  cfa: CfaRule;
  registers: Map<string, RegisterRule>;
}

const CFA = {
  nop: 0x00,
  setLoc: 0x01,
  advanceLoc1: 0x02,
  advanceLoc2: 0x03,
  advanceLoc4: 0x04,
  offsetExtended: 0x05,
  restoreExtended: 0x06,
  undefined: 0x07,
  sameValue: 0x08,
  register: 0x09,
  rememberState: 0x0a,
  restoreState: 0x0b,
  defCfa: 0x0c,
  defCfaRegister: 0x0d,
  defCfaOffset: 0x0e,
  defCfaExpression: 0x0f,
  expression: 0x10,
  offsetExtendedSf: 0x11,
  defCfaSf: 0x12,
  defCfaOffsetSf: 0x13,
  valOffset: 0x14,
  valOffsetSf: 0x15,
  valExpression: 0x16,
  gnuArgsSize: 0x2e,
  gnuNegativeOffsetExtended: 0x2f,
  advanceLoc: 0x40,
  offset: 0x80,
  restore: 0xc0,
} as const;

const MOST_REMEMBERED = 1000;

export function runCallFrameProgram(common: CommonInformation, program: ByteReader, range: Range, address: bigint): Range & Row {
  const machine = new FrameMachine(common, range, address);
  const { instructions } = common;
  const initial = instructions.part(instructions.remaining);
  instructions.seek(initial.position);
  machine.run(initial);
  machine.keepInitial();
  machine.run(program);
  return machine.result();
}

class FrameMachine {
  private readonly common: CommonInformation;
  private readonly wanted: bigint;
  private location: bigint;
  private readonly limit: bigint;
  private end: bigint;
  private row: Row = { cfa: { is: 'register', register: 'rsp', offset: 0n }, registers: new Map() };
  private initial: Row = this.row;
  private readonly remembered: Row[] = [];

  constructor(common: CommonInformation, range: Range, wanted: bigint) {
    this.common = common;
    this.wanted = wanted;
    this.location = range.start;
    this.limit = range.end;
    this.end = range.end;
  }

  keepInitial(): void {
    this.initial = copy(this.row);
  }

  result(): Range & Row {
    return { start: this.location, end: this.end, ...this.row };
  }

  run(reader: ByteReader): void {
    while (!reader.atEnd) {
      const opcode = reader.u8();
      const next = this.advance(reader, opcode);
      if (next === undefined) {
        this.change(reader, opcode);
        continue;
      }
      if (next > this.wanted) {
        this.end = next < this.limit ? next : this.limit;
        return;
      }
      this.location = next;
    }
  }

  /** Where the instruction moves the location to, undefined when it changes rules instead. */
  private advance(reader: ByteReader, opcode: number): bigint | undefined {
    const by = (delta: number) => this.location + BigInt(delta * this.common.codeAlignment);
    if ((opcode & 0xc0) === CFA.advanceLoc) return by(opcode & 0x3f);
    switch (opcode) {
      case CFA.setLoc:
        if ((this.common.pointerEncoding & 0x70) !== 0) reader.fail('not implemented: DW_CFA_set_loc with a relative pointer');
        return reader.unsigned(this.common.addressSize);
      case CFA.advanceLoc1:
        return by(reader.u8());
      case CFA.advanceLoc2:
        return by(reader.u16());
      case CFA.advanceLoc4:
        return by(reader.u32());
      default:
        return undefined;
    }
  }

  private change(reader: ByteReader, opcode: number): void {
    const { row } = this;
    const set = (register: string, rule: RegisterRule) => row.registers.set(register, rule);
    const register = () => this.name(reader.uleb());
    if ((opcode & 0xc0) === CFA.offset) {
      set(this.name(opcode & 0x3f), { is: 'saved', offset: this.factored(reader.ulebWide()) });
      return;
    }
    if ((opcode & 0xc0) === CFA.restore) {
      this.restore(this.name(opcode & 0x3f));
      return;
    }
    switch (opcode) {
      case CFA.nop:
        break;
      case CFA.offsetExtended:
        set(register(), { is: 'saved', offset: this.factored(reader.ulebWide()) });
        break;
      case CFA.offsetExtendedSf:
        set(register(), { is: 'saved', offset: this.factored(reader.slebWide()) });
        break;
      case CFA.gnuNegativeOffsetExtended:
        set(register(), { is: 'saved', offset: -this.factored(reader.ulebWide()) });
        break;
      case CFA.valOffset:
        set(register(), { is: 'value', offset: this.factored(reader.ulebWide()) });
        break;
      case CFA.valOffsetSf:
        set(register(), { is: 'value', offset: this.factored(reader.slebWide()) });
        break;
      case CFA.restoreExtended:
        this.restore(register());
        break;
      case CFA.undefined:
        set(register(), { is: 'undefined' });
        break;
      case CFA.sameValue:
        set(register(), { is: 'same value' });
        break;
      case CFA.register:
        set(register(), { is: 'register', register: register() });
        break;
      case CFA.expression:
        set(register(), { is: 'saved at', expression: reader.block(reader.uleb()) });
        break;
      case CFA.valExpression:
        set(register(), { is: 'value of', expression: reader.block(reader.uleb()) });
        break;
      case CFA.rememberState:
        if (this.remembered.length >= MOST_REMEMBERED) reader.fail(`more than ${MOST_REMEMBERED} states are remembered before byte ${reader.position}`);
        this.remembered.push(copy(row));
        break;
      case CFA.restoreState:
        this.row = this.remembered.pop() ?? reader.fail(`a state is restored before byte ${reader.position} that was never remembered`);
        break;
      case CFA.gnuArgsSize:
        reader.uleb();
        break;
      default:
        this.changeCfa(reader, opcode);
    }
  }

  private changeCfa(reader: ByteReader, opcode: number): void {
    const { row } = this;
    const old = row.cfa;
    switch (opcode) {
      case CFA.defCfa:
        row.cfa = { is: 'register', register: this.name(reader.uleb()), offset: reader.ulebWide() };
        return;
      case CFA.defCfaSf:
        row.cfa = { is: 'register', register: this.name(reader.uleb()), offset: this.factored(reader.slebWide()) };
        return;
      case CFA.defCfaExpression:
        row.cfa = { is: 'expression', expression: reader.block(reader.uleb()) };
        return;
    }
    if (old.is !== 'register') reader.fail(`the instruction before byte ${reader.position} changes half of a frame address that is an expression`);
    switch (opcode) {
      case CFA.defCfaRegister:
        row.cfa = { ...old, register: this.name(reader.uleb()) };
        return;
      case CFA.defCfaOffset:
        row.cfa = { ...old, offset: reader.ulebWide() };
        return;
      case CFA.defCfaOffsetSf:
        row.cfa = { ...old, offset: this.factored(reader.slebWide()) };
        return;
      default:
        reader.fail(`the call frame instruction 0x${opcode.toString(16)} before byte ${reader.position} is unknown`);
    }
  }

  private restore(register: string): void {
    const rule = this.initial.registers.get(register);
    if (rule) this.row.registers.set(register, rule);
    else this.row.registers.delete(register);
  }

  private factored(offset: bigint): bigint {
    return offset * BigInt(this.common.dataAlignment);
  }

  private name(number: number): string {
    return registerName(number, this.common.addressSize);
  }
}

function copy(row: Row): Row {
  return { cfa: row.cfa, registers: new Map(row.registers) };
}
