/**
 * Reads the rows of the manual's opcode tables: `REX.W + 81 /0 id | ADD r/m64, imm32 | 64`.
 * SDM Vol. 2, "Instruction Format" and "Interpreting the Instruction Reference Pages".
 *
 * Columns: encoding, syntax, and (optional) marks: `64` valid only in 64-bit mode, `32` only outside it, `o16 o32 o64` the
 * operand size where no operand shows it, `aligned` a memory operand that must be aligned to its size.
 * `!REX.B` and `!REP` in the encoding: not with that bit, not with F2 or F3; `MVR` the operands' places where the syntax leaves them open (the column Op/En);
 * the CPUID features that this row needs in place of its instruction's. Everything else is as printed.
 */
import type { Bits } from '../meaning/meaning.js';
import type { Instruction } from './instruction.js';

export type OperandKind = 'gpr' | 'xmm' | 'ymm' | 'mm' | 'segment' | 'control' | 'debug' | 'st' | 'memory' | 'immediate' | 'relative' | 'far';
export type Place = 'reg' | 'rm' | 'vvvv' | 'is4' | 'opcode' | 'fixed' | 'immediate' | 'moffs';

export interface OperandSpec {
  readonly text: string;
  readonly kind: OperandKind;
  readonly place: Place;
  /** Width as a register, and as memory where that differs (r32/m16); 0: memory of no certain width. */
  readonly bits: number;
  readonly memoryBits: number;
  /** For `rm`: whether a register, memory or both are allowed. */
  readonly mayBeRegister: boolean;
  readonly mayBeMemory: boolean;
  /** For `fixed`: the register. */
  readonly register: number;
  /** VSIB: the kind of the index register. */
  readonly vectorIndex: 'xmm' | 'ymm' | undefined;
}

/** What a VEX prefix must say: vector length in bits, whichever with LIG; VEX.W, whichever with WIG. SDM Vol. 2, "VEX Encoding Scheme". */
export interface Vex {
  readonly length: 128 | 256 | 'LIG';
  readonly w: 0 | 1 | 'WIG';
}

export interface Form {
  readonly instruction: Instruction;
  readonly text: string;
  readonly syntax: string;
  readonly map: 0 | 1 | 2 | 3;
  readonly opcode: number;
  readonly plusRegister: boolean;
  readonly mandatory: 'none' | 'NP' | '66' | 'F3' | 'F2';
  readonly rexW: boolean;
  readonly vex: Vex | undefined;
  readonly notRexB: boolean;
  readonly notRep: boolean;
  /** `/r` → 'r', `/0`…`/7` → the digit, absent → undefined; a fixed byte stands in fixedModrm. */
  readonly modrm: 'r' | number | undefined;
  readonly fixedModrm: number | undefined;
  /** x87 forms `D8 C0+i`: ModRM runs from fixedModrm to fixedModrm + 7. */
  readonly plusSt: boolean;
  readonly immediates: readonly Immediate[];
  readonly operands: readonly OperandSpec[];
  /** Operand size that selects this row; 0: any. */
  readonly size: 0 | 16 | 32 | 64;
  readonly only: '64' | '32' | undefined;
  /** The memory operand must be aligned to its size. */
  readonly aligned: boolean;
  /** CPUID features without which this row does not exist. */
  readonly features: readonly string[];
}
export type Immediate = 'is4' | 'ib' | 'iw' | 'id' | 'io' | 'cb' | 'cw' | 'cd' | 'cp' | 'moffs';

const FIXED: Readonly<Record<string, readonly [OperandKind, number, number]>> = {
  AL: ['gpr', 8, 0], CL: ['gpr', 8, 1], AX: ['gpr', 16, 0], EAX: ['gpr', 32, 0], RAX: ['gpr', 64, 0], DX: ['gpr', 16, 2],
  ES: ['segment', 16, 0], CS: ['segment', 16, 1], SS: ['segment', 16, 2], DS: ['segment', 16, 3], FS: ['segment', 16, 4], GS: ['segment', 16, 5],
  'ST(0)': ['st', 80, 0], 'ST': ['st', 80, 0], '1': ['immediate', 8, 1], '3': ['immediate', 8, 3], '<XMM0>': ['xmm', 128, 0],
};

const spec = (text: string, kind: OperandKind, place: Place, bits: number, more: Partial<OperandSpec> = {}): OperandSpec =>
  ({ text, kind, place, bits, memoryBits: bits, mayBeRegister: kind !== 'memory', mayBeMemory: kind === 'memory', register: 0, vectorIndex: undefined, ...more });

const MEMORY_WIDTHS: Readonly<Record<string, number>> = {
  m: 0, 'm16:16': 32, 'm16:32': 48, 'm16:64': 80, 'm16&16': 32, 'm16&32': 48, 'm32&32': 64, 'm16&64': 80, m80fp: 80, m64fp: 64, m32fp: 32,
  m16int: 16, m32int: 32, m64int: 64, m80bcd: 80, m80dec: 80, m2byte: 16, mem: 0, m512byte: 0, 'm14/28byte': 0, 'm94/108byte': 0,
};
function memoryWidth(text: string): number {
  const width = MEMORY_WIDTHS[text] ?? Number(/^m(\d+)$/.exec(text)?.[1] ?? NaN);
  return Number.isNaN(width) ? -1 : width;
}

const VECTOR_BITS = { mm: 64, xmm: 128, ymm: 256 } as const;

/** What has been read stays known: a few texts are most of the table. */
function remembering<T>(read: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    let it = known.get(text);
    if (it === undefined) known.set(text, it = read(text));
    return it;
  };
}

/** One operand as printed. `place` of register operands is settled by the row (see `places`). */
const operand = remembering(readOperand);
function readOperand(text: string): OperandSpec {
  const fixed = FIXED[text];
  if (fixed) return spec(text, fixed[0], 'fixed', fixed[1], { register: fixed[2] });
  let m = /^imm(\d+)$/.exec(text);
  if (m) return spec(text, 'immediate', 'immediate', Number(m[1]));
  m = /^rel(\d+)$/.exec(text);
  if (m) return spec(text, 'relative', 'immediate', Number(m[1]));
  m = /^ptr16:(\d+)$/.exec(text);
  if (m) return spec(text, 'far', 'immediate', Number(m[1]));
  m = /^moffs(\d+)$/.exec(text);
  if (m) return spec(text, 'memory', 'moffs', Number(m[1]));
  if (text === 'Sreg') return spec(text, 'segment', 'reg', 16);
  if (/^CR/.test(text)) return spec(text, 'control', 'reg', 64);
  if (/^DR/.test(text)) return spec(text, 'debug', 'reg', 64);
  if (text === 'ST(i)') return spec(text, 'st', 'opcode', 80);
  m = /^(r\/m|r|reg)(\d*)[ab]?(?:\/m(\d+))?$/.exec(text);
  if (m) {
    const bits = m[2] ? Number(m[2]) : 32;
    if (m[1] === 'r/m') return spec(text, 'gpr', 'rm', bits, { mayBeMemory: true });
    if (m[3]) return spec(text, 'gpr', 'rm', bits, { mayBeMemory: true, memoryBits: Number(m[3]) });
    return spec(text, 'gpr', 'reg', bits);
  }
  m = /^vm(?:32|64)([xy])$/.exec(text);
  if (m) return spec(text, 'memory', 'rm', 0, { vectorIndex: m[1] === 'x' ? 'xmm' : 'ymm' });
  m = /^(xmm|ymm|mm)\d?(?:\/m(\d+))?$/.exec(text);
  if (m) {
    const kind = m[1] as keyof typeof VECTOR_BITS, bits = VECTOR_BITS[kind];
    return m[2] ? spec(text, kind, 'rm', bits, { mayBeMemory: true, memoryBits: Number(m[2]) }) : spec(text, kind, 'reg', bits);
  }
  const width = memoryWidth(text);
  if (width >= 0) return spec(text, 'memory', 'rm', width, { memoryBits: width });
  throw new Error(`operand "${text}" is not understood`);
}

/** ModRM.rm is the operand that may be memory; of registers only, the second (or the only one of a /digit row). */
function places(operands: OperandSpec[], modrm: Form['modrm'], plusRegister: boolean): OperandSpec[] {
  if (plusRegister) return operands.map((o) => (o.place === 'reg' ? { ...o, place: 'opcode' as const } : o));
  if (modrm === undefined || operands.some((o) => o.place === 'rm')) return operands;
  const registers = operands.filter((o) => o.place === 'reg');
  const chosen = modrm !== 'r' ? registers[0]
    : registers.find((o) => o.kind === 'gpr' && registers.some((r) => r.kind === 'control' || r.kind === 'debug')) ?? registers[1];
  return operands.map((o) => (o === chosen ? { ...o, place: 'rm' as const } : o));
}

/** With a VEX prefix the register that is neither ModRM.reg nor ModRM.rm is VEX.vvvv; a fourth one is in the immediate. */
function vexPlaces(operands: OperandSpec[], modrm: Form['modrm'], isMvr: boolean, hasIs4: boolean): OperandSpec[] {
  const is4 = hasIs4 ? operands.findLast((o) => o.place === 'reg') : undefined;
  const chosen = operands.filter((o) => (o.place === 'reg' && o !== is4) || o.place === 'rm');
  const memory = chosen.findIndex((o) => o.place === 'rm');
  const order: readonly Place[] = chosen.length === 1 ? [modrm === 'r' ? 'reg' : 'rm']
    : chosen.length === 2 ? (modrm !== 'r' ? ['vvvv', 'rm'] : memory === 0 ? ['rm', 'reg'] : ['reg', 'rm'])
    : memory === 0 || isMvr ? ['rm', 'vvvv', 'reg'] : memory === 1 ? ['reg', 'rm', 'vvvv'] : ['reg', 'vvvv', 'rm'];
  return operands.map((o) => (o === is4 ? { ...o, place: 'is4' as const } : chosen.includes(o) ? { ...o, place: memory >= 0 && o === chosen[memory] ? 'rm' : order[chosen.indexOf(o)]! } : o));
}

/** `VEX.256.66.0F38.W0`: length, mandatory prefix, map, W; what is left out is 0 or absent. NDS, NDD and DDS are of older manuals. */
const vexOf = remembering(readVex);
function readVex(token: string): { vex: Vex; mandatory: Form['mandatory']; map: Form['map'] } {
  const parts = token.split('.').slice(1).filter((p) => !/^(NDS|NDD|DDS)$/.test(p)), has = (...names: string[]) => parts.find((p) => names.includes(p));
  const maps: Readonly<Record<string, Form['map']>> = { '0F': 1, '0F38': 2, '0F3A': 3 }, map = maps[has('0F', '0F38', '0F3A') ?? ''];
  const length = has('128', '256', 'LIG', 'LZ', 'L0', 'L1'), w = has('W0', 'W1', 'WIG'), unknown = parts.find((p) => !(p in maps) && !/^(128|256|LIG|LZ|L[01]|W[01]|WIG|NP|66|F[23])$/.test(p));
  if (map === undefined || length === undefined || unknown !== undefined) throw new Error(`"${token}" is not understood`);
  return {
    vex: { length: length === 'LIG' ? 'LIG' : length === '256' || length === 'L1' ? 256 : 128, w: w === undefined || w === 'WIG' ? 'WIG' : w === 'W1' ? 1 : 0 },
    mandatory: (has('66', 'F3', 'F2') as '66' | undefined) ?? 'NP', map,
  };
}

function sizeOf(operands: readonly OperandSpec[], marks: readonly string[]): Form['size'] {
  const mark = marks.find((m) => /^o\d\d$/.test(m));
  if (mark) return Number(mark.slice(1)) as 16;
  for (const o of operands) {
    if (o.text === 'DX' || o.text === 'CL' || o.text === 'AL' || o.kind === 'segment' || o.kind === 'control' || o.kind === 'debug') continue;
    if (o.text === 'r8' || o.text === 'r/m8' || o.text === 'moffs8') return 0;
    if (o.text === 'm16:16') return 16;
    if (o.text === 'm16:32') return 32;
    if (o.text === 'm16:64') return 64;
    if ((o.kind === 'gpr' || o.kind === 'far' || o.place === 'moffs') && o.bits >= 16) return o.bits as 16;
    if (o.kind === 'relative' && o.bits > 8) return o.bits as 16;
  }
  return 0;
}

/** One row as printed. */
export interface Row {
  readonly instruction: Instruction;
  readonly line: string;
}

export const rows = (instruction: Instruction): Row[] =>
  instruction.encodings.split('\n').map((l) => l.trim()).filter(Boolean).map((line) => ({ instruction, line }));

/** What stands before the opcode, VEX, the escape bytes, the opcode, and what stands behind it. */
const OPCODE = /^((?:(?:NP|66|F3|F2|REX(?:\.W)?|!REX\.B|!REP)[\s+]+)*)(?:(VEX\.\S+)\s+)?(?:(0F)\s+(?:(38|3A)\s+(?=[0-9A-F]{2}))?(?=[0-9A-F]{2}))?([0-9A-F]{2})(\+r[bwdo])?(?=\s|\||$)([^|]*)/;

/** Where a row stands in the opcode maps: by this it is found, and only then read. */
export function opcodeOf({ instruction, line }: Row): { map: Form['map']; opcode: number; plusRegister: boolean; vex: string | undefined; before: string; behind: string } {
  const found = OPCODE.exec(line);
  if (!found) throw new Error(`${instruction.name}: "${line}" has no opcode`);
  const [, before, vex, escape, second, opcode, plus, behind] = found;
  return { map: vex ? vexOf(vex).map : second === '38' ? 2 : second ? 3 : escape ? 1 : 0, opcode: parseInt(opcode!, 16), plusRegister: plus !== undefined, vex, before: before!, behind: behind! };
}

/** Reads one row. Throws when it is malformed. */
export function form(row: Row): Form {
  const { instruction, line } = row, { map, opcode, plusRegister, vex: vexText, before, behind } = opcodeOf(row), vex = vexText === undefined ? undefined : vexOf(vexText);
  const [encoding = '', syntax = '', marksText = ''] = line.split('|').map((s) => s.trim());
  const marks = marksText.split(/\s+/).filter(Boolean), prefixes = before.split(/[\s+]+/).filter(Boolean);
  let modrm: Form['modrm'], fixedModrm: number | undefined, plusSt = false;
  const immediates: Immediate[] = [];
  for (const t of behind.split(/\s+/).filter(Boolean)) {
    let m = /^([0-9A-F]{2})(\+i)?$/.exec(t);
    if (m && fixedModrm === undefined) { fixedModrm = parseInt(m[1]!, 16); plusSt = m[2] !== undefined; continue; }
    m = /^\/(r|\d)$/.exec(t);
    if (m) { modrm = m[1] === 'r' ? 'r' : Number(m[1]); continue; }
    if (t === '/is4') { immediates.push('is4'); continue; }
    if (/^(ib|iw|id|io|cb|cw|cd|cp)$/.test(t)) { immediates.push(t as Immediate); continue; }
    throw new Error(`${instruction.name}: "${t}" in "${encoding}" is not understood`);
  }
  const texts = syntax.replace(/^\S+\s*/, '').split(/,\s*/).filter(Boolean);
  const read = texts.map(operand);
  const operands = vex ? vexPlaces(read, modrm, marks.includes('MVR'), immediates.includes('is4')) : places(read, modrm, plusRegister);
  if (operands.some((o) => o.place === 'moffs')) immediates.push('moffs');
  const named = marks.filter((m) => /^[A-Z]/.test(m) && m !== 'MVR'), implied = (kind: OperandKind) => operands.filter((o) => o.kind === kind && o.place === 'immediate').length;
  const given = immediates.filter((i) => i[0] === 'i').length;
  if (implied('immediate') > given) throw new Error(`${instruction.name}: "${encoding}" has ${given} immediates, "${syntax}" ${implied('immediate')}`);
  if (operands.some((o) => o.place === 'rm') && modrm === undefined && fixedModrm === undefined) throw new Error(`${instruction.name}: "${syntax}" needs a ModRM byte in "${encoding}"`);
  return {
    instruction, text: `${encoding} | ${syntax}`, syntax, map, opcode, plusRegister, vex: vex?.vex,
    mandatory: vex?.mandatory ?? (prefixes.find((p) => p === 'NP' || p === '66' || p === 'F3' || p === 'F2') as 'NP' | undefined) ?? 'none',
    rexW: prefixes.includes('REX.W'), notRexB: prefixes.includes('!REX.B'), notRep: prefixes.includes('!REP'), modrm,
    fixedModrm, plusSt, immediates, operands, size: sizeOf(operands, marks),
    only: marks.includes('64') ? '64' : marks.includes('32') ? '32' : undefined,
    aligned: marks.includes('aligned'),
    features: named.length > 0 ? named : instruction.feature === undefined ? [] : [instruction.feature],
  };
}

export const forms = (instruction: Instruction): Form[] => rows(instruction).map(form);

/** Whether the row exists on a processor with these features. */
export const exists = (f: Form, features: ReadonlySet<string>): boolean => f.features.every((name) => features.has(name));
export const formsWith = (features: ReadonlySet<string>, instructions: readonly Instruction[]): Form[] => instructions.flatMap(forms).filter((f) => exists(f, features));

export const widthOf = (o: OperandSpec, memory: boolean): Bits => (memory ? o.memoryBits : o.bits) as Bits;
