/** From bytes to a form with its fields. SDM Vol. 2, "Instruction Format", "Opcode Map". */
import { exists, type Form, form, opcodeOf, type Row } from './encoding.js';

export interface Decoded {
  readonly form: Form;
  readonly length: number;
  readonly operandSize: 16 | 32 | 64;
  readonly addressSize: 16 | 32 | 64;
  readonly lock: boolean;
  readonly rep: 'none' | 'F3' | 'F2';
  /** Segment override: register number, or -1. */
  readonly override: number;
  readonly hasRex: boolean;
  /** ModRM.reg, ModRM.rm as a register, opcode register, each with its REX bit. */
  readonly reg: number;
  readonly rm: number;
  readonly opcodeRegister: number;
  /** VEX.vvvv, and the register in the immediate. */
  readonly vvvv: number;
  readonly is4: number;
  /** Memory operand: registers or -1 (absent); `ripRelative` adds the offset of the next instruction. */
  readonly memory: boolean;
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: bigint;
  readonly ripRelative: boolean;
  readonly immediate: bigint;
  readonly immediate2: number;
}

export type Undecoded = 'incomplete' | 'invalid' | 'too long';

/** Rows by map and opcode byte, read when they are first asked for; the more specific first. */
export class DecodeTable {
  private readonly rows: Row[][] = Array.from({ length: 8 * 256 }, () => []);
  private readonly forms: (readonly Form[])[] = [];
  private readonly known = new Map<Row, Form>();
  /** `features`: those of the processor; without, all rows exist. */
  constructor(rows: readonly Row[], private readonly features?: ReadonlySet<string>) {
    for (const row of rows) {
      const { map, opcode, plusRegister, vex } = opcodeOf(row);
      for (let r = 0; r < (plusRegister ? 8 : 1); r++) this.rows[index(map, opcode + r, vex !== undefined)]!.push(row);
    }
  }
  at(map: number, opcode: number, vex: boolean): readonly Form[] {
    const at = index(map, opcode, vex);
    return (this.forms[at] ??= this.read(this.rows[at]!));
  }
  private read(rows: readonly Row[]): Form[] {
    const { features } = this, rank = (f: Form) => (f.fixedModrm !== undefined ? 0 : typeof f.modrm === 'number' ? 1 : 2) * 2 + (f.rexW || f.notRexB ? 0 : 1);
    return rows.map((row) => this.formOf(row)).filter((f) => !features || exists(f, features)).sort((a, b) => rank(a) - rank(b));
  }
  private formOf(row: Row): Form {
    let f = this.known.get(row);
    if (!f) this.known.set(row, f = form(row));
    return f;
  }
}
const index = (map: number, opcode: number, vex: boolean): number => (map + (vex ? 4 : 0)) * 256 + opcode;

const SEGMENT_PREFIX: Readonly<Record<number, number>> = { 0x26: 0, 0x2e: 1, 0x36: 2, 0x3e: 3, 0x64: 4, 0x65: 5 };
const MAX_LENGTH = 15;
/** 16-bit addressing forms: base and index by ModRM.rm. */
export const BASE16 = [3, 3, 5, 5, 6, 7, 5, 3], INDEX16 = [6, 7, 6, 7, -1, -1, -1, -1];

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array, readonly start: number, readonly available: number) {}
  byte(): number {
    if (this.at >= MAX_LENGTH) throw TOO_LONG;
    if (this.at >= this.available) throw INCOMPLETE;
    return this.bytes[this.start + this.at++]!;
  }
  peek(): number { const b = this.byte(); this.at--; return b; }
  number(bytes: number): bigint {
    let value = 0n;
    for (let i = 0; i < bytes; i++) value |= BigInt(this.byte()) << BigInt(8 * i);
    return value;
  }
  signed(bytes: number): bigint {
    if (bytes === 1) return BigInt((this.byte() << 24) >> 24);
    if (bytes <= 4) { let v = 0; for (let i = 0; i < bytes; i++) v |= this.byte() << (8 * i); return BigInt(bytes === 4 ? v : (v << 16) >> 16); }
    return BigInt.asIntN(64, this.number(bytes));
  }
}
const INCOMPLETE = Symbol('incomplete'), TOO_LONG = Symbol('too long');

interface Prefixes { operand: boolean; address: boolean; lock: boolean; rep: 'none' | 'F3' | 'F2'; override: number; rex: number }

function prefixes(r: Reader, mode: 16 | 32 | 64): Prefixes {
  const p: Prefixes = { operand: false, address: false, lock: false, rep: 'none', override: -1, rex: 0 };
  for (;;) {
    const b = r.peek();
    const override = SEGMENT_PREFIX[b];
    if (override !== undefined) { if (mode !== 64 || override >= 4) p.override = override; p.rex = 0; }
    else if (b === 0x66) { p.operand = true; p.rex = 0; }
    else if (b === 0x67) { p.address = true; p.rex = 0; }
    else if (b === 0xf0) { p.lock = true; p.rex = 0; }
    else if (b === 0xf3) { p.rep = 'F3'; p.rex = 0; }
    else if (b === 0xf2) { p.rep = 'F2'; p.rex = 0; }
    else if (mode === 64 && (b & 0xf0) === 0x40) p.rex = b;
    else return p;
    r.at++;
  }
}

/** A VEX prefix: REX's bits, as if they stood in one; the rest as the prefix has it. SDM Vol. 2, "VEX Encoding Scheme". */
interface VexPrefix { readonly rex: number; readonly map: number; readonly mandatory: Form['mandatory']; readonly vvvv: number; readonly length: 128 | 256 }
const PP = ['NP', '66', 'F3', 'F2'] as const;
const VEX2 = 0xc5, VEX3 = 0xc4;

/** Outside 64-bit mode C4 and C5 are LES and LDS where a memory operand follows. */
function vexPrefix(r: Reader, mode: 16 | 32 | 64): VexPrefix | undefined {
  const first = r.peek();
  if (first !== VEX2 && first !== VEX3) return undefined;
  r.at++;
  if (mode !== 64 && r.peek() < 0xc0) { r.at--; return undefined; }
  const second = r.byte(), last = first === VEX3 ? r.byte() : second;
  const rxb = first === VEX3 ? (~second >> 5) & (mode === 64 ? 7 : 6) : (~second >> 5) & 4;
  return { rex: rxb | (first === VEX3 ? (last >> 4) & 8 : 0), map: first === VEX3 ? second & 0x1f : 1, mandatory: PP[last & 3]!, vvvv: (~last >> 3) & 15, length: last & 4 ? 256 : 128 };
}

/**
 * Decodes the instruction at `bytes[start]`, of which `available` bytes can be read.
 * 'incomplete' asks for more bytes, 'invalid' is #UD, 'too long' (over 15 bytes) is #GP.
 */
export function decode(table: DecodeTable, bytes: Uint8Array, start: number, available: number, mode: 16 | 32 | 64): Decoded | Undecoded {
  try { return decodeWhole(table, new Reader(bytes, start, available), mode); }
  catch (e) {
    if (e === INCOMPLETE) return 'incomplete';
    if (e === TOO_LONG) return 'too long';
    throw e;
  }
}

function decodeWhole(table: DecodeTable, r: Reader, mode: 16 | 32 | 64): Decoded | Undecoded {
  const p = prefixes(r, mode), vex = vexPrefix(r, mode);
  let map = vex?.map ?? 0, opcode = r.byte();
  if (vex) {
    if (p.operand || p.lock || p.rep !== 'none' || p.rex !== 0 || map < 1 || map > 3) return 'invalid';
    p.rex = vex.rex;
  } else if (opcode === 0x0f) {
    map = 1;
    opcode = r.byte();
    if (opcode === 0x38) { map = 2; opcode = r.byte(); }
    else if (opcode === 0x3a) { map = 3; opcode = r.byte(); }
  }
  const w = (p.rex & 8) !== 0;
  const operandSize = mode === 64 ? (w ? 64 : p.operand ? 16 : 32) : (mode === 16) !== p.operand ? 16 : 32;
  const addressSize = mode === 64 ? (p.address ? 32 : 64) : (mode === 16) !== p.address ? 16 : 32;

  const all = table.at(map, opcode, vex !== undefined);
  if (all.length === 0) return 'invalid';
  const needsModrm = all.some((f) => f.modrm !== undefined || f.fixedModrm !== undefined);
  const modrm = needsModrm ? r.peek() : 0;
  const form = vex ? all.find((f) => fitsVex(f, vex, mode, modrm)) : choose(all, p, mode, w, operandSize, modrm);
  if (!form) {
    if (needsModrm) r.at++;
    return 'invalid';
  }

  let reg = 0, rm = 0, memory = false, base = -1, index = -1, scale = 0, displacement = 0n, ripRelative = false;
  if (form.modrm !== undefined || form.fixedModrm !== undefined) {
    r.at++;
    reg = ((p.rex & 4) << 1) | ((modrm >> 3) & 7);
    rm = ((p.rex & 1) << 3) | (modrm & 7);
    // MOV to and from control and debug registers ignores ModRM.mod.
    memory = modrm < 0xc0 && !form.operands.some((o) => o.kind === 'control' || o.kind === 'debug');
    if (memory) {
      const mod = modrm >> 6;
      let displacementBytes = mod === 1 ? 1 : mod === 2 ? (addressSize === 16 ? 2 : 4) : 0;
      if (addressSize === 16) {
        base = BASE16[modrm & 7]!;
        index = INDEX16[modrm & 7]!;
        if ((modrm & 7) === 6 && mod === 0) { base = -1; displacementBytes = 2; }
      } else {
        base = rm;
        if ((modrm & 7) === 4) {
          const sib = r.byte();
          scale = sib >> 6;
          index = ((p.rex & 2) << 2) | ((sib >> 3) & 7);
          if (index === 4 && !isVsib(form)) index = -1;
          base = ((p.rex & 1) << 3) | (sib & 7);
          if ((sib & 7) === 5 && mod === 0) { base = -1; displacementBytes = 4; }
        } else if ((modrm & 7) === 5 && mod === 0) { base = -1; displacementBytes = 4; ripRelative = mode === 64; }
      }
      displacement = r.signed(displacementBytes);
    }
  }
  let immediate = 0n, immediate2 = 0, first = true;
  for (const i of form.immediates) {
    if (i === 'moffs') { memory = true; displacement = r.number(addressSize / 8); continue; }
    if (i === 'cp') { immediate = r.number(operandSize === 16 ? 2 : 4); immediate2 = Number(r.number(2)); continue; }
    const bytes = i === 'ib' || i === 'cb' || i === 'is4' ? 1 : i === 'iw' || i === 'cw' ? 2 : i === 'io' ? 8 : 4;
    const value = r.signed(bytes);
    if (first) immediate = value; else immediate2 = Number(BigInt.asUintN(16, value));
    first = false;
  }
  if (p.lock && !(form.instruction.lock && memory && form.operands[0]?.place === 'rm')) return 'invalid';
  const size = form.size === 0 ? operandSize : form.size, registers = mode === 64 ? 15 : 7, vvvv = vex ? vex.vvvv & registers : 0;
  if (isVsib(form) && (addressSize === 16 || (modrm & 7) !== 4 || index === reg || index === vvvv || reg === vvvv)) return 'invalid';
  return {
    form, length: r.at, operandSize: size, addressSize, lock: p.lock, rep: p.rep, override: p.override, hasRex: p.rex !== 0,
    reg, rm, opcodeRegister: ((p.rex & 1) << 3) | (opcode & 7), vvvv, is4: (Number(immediate) >> 4) & registers, memory, base, index, scale, displacement, ripRelative, immediate, immediate2,
  };
}

const isVsib = (f: Form): boolean => f.operands.some((o) => o.vectorIndex !== undefined);

function fitsModrm(f: Form, modrm: number): boolean {
  if (f.fixedModrm !== undefined) return f.plusSt ? (modrm & 0xf8) === f.fixedModrm : modrm === f.fixedModrm;
  if (f.modrm === undefined) return true;
  if (typeof f.modrm === 'number' && f.modrm !== ((modrm >> 3) & 7)) return false;
  const rm = f.operands.find((o) => o.place === 'rm');
  if (rm && rm.kind !== 'memory' && f.operands.some((o) => o.kind === 'control' || o.kind === 'debug')) return true;
  return !rm || (modrm >= 0xc0 ? rm.mayBeRegister : rm.mayBeMemory);
}

/** VEX.W chooses the width of general registers in 64-bit mode only; VEX.vvvv must be 1111B where it names nothing. */
function fitsVex(f: Form, vex: VexPrefix, mode: 16 | 32 | 64, modrm: number): boolean {
  const { length, w } = f.vex!;
  if (f.only && (f.only === '64') !== (mode === 64)) return false;
  if (f.mandatory !== vex.mandatory || (length !== 'LIG' && length !== vex.length) || !fitsModrm(f, modrm)) return false;
  if (vex.vvvv !== 0 && !f.operands.some((o) => o.place === 'vvvv')) return false;
  if (mode !== 64 && f.size !== 0) return w !== 1;
  return w === 'WIG' || w === (vex.rex & 8 ? 1 : 0);
}

/** The row that these prefixes, this mode and this ModRM byte select. */
function choose(all: readonly Form[], p: Prefixes, mode: 16 | 32 | 64, w: boolean, operandSize: number, modrm: number): Form | undefined {
  let rows = all.filter((f) => (!f.only || (f.only === '64') === (mode === 64)) && !(f.notRexB && (p.rex & 1)) && !(f.notRep && p.rep !== 'none') && fitsModrm(f, modrm));
  if (rows.length === 0) return undefined;
  const mandatory = (m: Form['mandatory']) => rows.filter((f) => f.mandatory === m);
  const wanted = p.rep !== 'none' ? mandatory(p.rep) : [];
  if (wanted.length > 0) rows = wanted;
  else {
    const with66 = p.operand && p.rep === 'none' ? mandatory('66') : [];
    rows = with66.length > 0 ? with66 : rows.filter((f) => f.mandatory === 'none' || (f.mandatory === 'NP' && p.rep === 'none' && !p.operand));
  }
  const wide = rows.filter((f) => f.rexW);
  if (w && wide.length > 0) rows = wide;
  else rows = rows.filter((f) => !f.rexW);
  if (rows[0]?.notRexB) return rows[0];
  const by66 = rows[0]?.mandatory === '66';
  const wantedSize = by66 ? (w ? 64 : 32) : operandSize;
  const sized = rows.find((f) => f.size === wantedSize) ?? rows.find((f) => f.size === 0);
  if (sized) return sized;
  // 64-bit mode: the operand size is 64 bits without REX.W, or whatever the prefixes say (near branches).
  const wide64 = mode === 64 ? rows.find((f) => f.size === 64) : undefined;
  // REX.W where no row wants it (IN, OUT) leaves 32 bits.
  return wide64 ?? (rows.length === 1 ? rows[0] : rows.find((f) => f.mandatory !== 'none') ?? (w ? rows.find((f) => f.size === 32) : undefined));
}
