/** From a form and its fields to bytes: the decoder's inverse. SDM Vol. 2, "Instruction Format". */
import { BASE16, INDEX16 } from './decode.js';
import type { Form } from './encoding.js';

export interface MemoryFields {
  /** Register numbers, -1 when absent. RIP-relative: both absent with `ripRelative`. */
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
  readonly ripRelative?: boolean;
}

export interface Fields {
  readonly mode: 16 | 32 | 64;
  readonly operandSize: 16 | 32 | 64;
  readonly addressSize: 16 | 32 | 64;
  /** ModRM.reg (ignored by /digit forms), ModRM.rm as a register, or memory. */
  readonly reg: number;
  readonly rm: number;
  readonly opcodeRegister: number;
  /** VEX.vvvv, and the register in the immediate. */
  readonly vvvv?: number;
  readonly is4?: number;
  readonly memory?: MemoryFields;
  readonly immediate: bigint;
  readonly immediate2: number;
  readonly lock?: boolean;
  readonly rep?: 'F3' | 'F2';
  /** Segment override by register number. */
  readonly override?: number;
  /** 8-bit operands: name SPL, BPL, SIL, DIL (a REX prefix is there) rather than AH–BH. */
  readonly needsRex?: boolean;
}

const ESCAPES: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
const PP = ['NP', '66', 'F3', 'F2'];
const OVERRIDE_BYTES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const IMMEDIATE_BYTES: Readonly<Record<string, number>> = { ib: 1, iw: 2, id: 4, io: 8, cb: 1, cw: 2, cd: 4 };

function little(value: bigint, bytes: number, out: number[]): void {
  for (let i = 0; i < bytes; i++) out.push(Number((value >> BigInt(8 * i)) & 0xffn));
}

/** Throws when the fields cannot be expressed (a 64-bit register outside 64-bit mode, RSP as an index). */
export function encode(form: Form, f: Fields): Uint8Array {
  const out: number[] = [];
  if (f.lock) out.push(0xf0);
  if (f.override !== undefined) out.push(OVERRIDE_BYTES[f.override]!);
  if (f.rep && form.mandatory !== f.rep) out.push(f.rep === 'F3' ? 0xf3 : 0xf2);
  const natural = f.mode === 16 ? 16 : 32;
  if (!form.vex && form.mandatory !== '66' && f.operandSize !== 64 && f.operandSize !== natural && (form.size !== 0 || form.instruction.repeats)) out.push(0x66);
  if (f.addressSize !== f.mode) out.push(0x67);
  if (!form.vex && (form.mandatory === '66' || form.mandatory === 'F3' || form.mandatory === 'F2')) out.push(parseInt(form.mandatory, 16));

  const body: number[] = [];
  let rex = form.rexW || form.vex?.w === 1 ? 8 : 0;
  const opcodeRegister = form.plusRegister ? f.opcodeRegister : 0;
  if (opcodeRegister >= 8) rex |= 1;
  if (form.map > 0 && !form.vex) body.push(...ESCAPES[form.map]!);
  body.push(form.opcode + (opcodeRegister & 7));
  if (form.fixedModrm !== undefined) body.push(form.fixedModrm + (form.plusSt ? f.rm & 7 : 0));
  else if (form.modrm !== undefined) {
    const reg = form.modrm === 'r' ? f.reg : form.modrm;
    if (reg >= 8) rex |= 4;
    if (f.memory) rex |= memoryBytes(f, reg & 7, body, form.operands.some((o) => o.vectorIndex !== undefined));
    else {
      if (f.rm >= 8) rex |= 1;
      body.push(0xc0 | ((reg & 7) << 3) | (f.rm & 7));
    }
  }
  let first = true;
  for (const i of form.immediates) {
    if (i === 'moffs') { little(BigInt(f.memory?.displacement ?? 0), f.addressSize / 8, body); continue; }
    if (i === 'cp') { little(f.immediate, f.operandSize === 16 ? 2 : 4, body); little(BigInt(f.immediate2), 2, body); continue; }
    if (i === 'is4') { body.push((f.is4 ?? 0) << 4); continue; }
    little(first ? f.immediate : BigInt(f.immediate2), IMMEDIATE_BYTES[i]!, body);
    first = false;
  }
  if (f.mode !== 64 && (rex & 7 || (rex && !form.vex) || f.needsRex)) throw new Error(`${form.text}: a REX prefix is needed outside 64-bit mode`);
  if (form.vex) out.push(...vexBytes(form, rex, form.operands.some((o) => o.place === 'vvvv') ? f.vvvv ?? 0 : 0));
  else if (rex || f.needsRex) out.push(0x40 | rex);
  return Uint8Array.from([...out, ...body]);
}

/** Two bytes where they suffice. SDM Vol. 2, "VEX Encoding Scheme". */
function vexBytes(form: Form, rex: number, vvvv: number): number[] {
  const last = ((~vvvv & 15) << 3) | (form.vex!.length === 256 ? 4 : 0) | PP.indexOf(form.mandatory);
  return form.map === 1 && (rex & 0xb) === 0 ? [0xc5, (rex & 4 ? 0 : 0x80) | last] : [0xc4, ((~rex & 7) << 5) | form.map, ((rex & 8) << 4) | last];
}

/** ModRM, SIB and displacement; returns the REX bits that they need. */
function memoryBytes(f: Fields, reg: number, out: number[], vsib: boolean): number {
  const { base, index, scale, displacement, ripRelative } = f.memory!;
  const middle = reg << 3;
  if (f.addressSize === 16) {
    const rm = base < 0 && index < 0 ? 6 : BASE16.findIndex((b, i) => b === base && INDEX16[i] === index);
    if (rm < 0) throw new Error('a 16-bit address has the base BX or BP, the index SI or DI, or one of the four');
    const mod = base < 0 || (displacement === 0 && rm !== 6) ? 0 : displacement >= -128 && displacement < 128 ? 1 : 2;
    out.push((mod << 6) | middle | rm);
    if (mod !== 0 || rm === 6) little(BigInt(displacement), mod === 1 ? 1 : 2, out);
    return 0;
  }
  if (ripRelative) { out.push(middle | 5); little(BigInt(displacement), 4, out); return 0; }
  if (index === 4 && !vsib) throw new Error('RSP cannot be an index');
  const rex = (base >= 8 ? 1 : 0) | (index >= 8 ? 2 : 0);
  if (base < 0) {
    out.push(middle | 4, (scale << 6) | ((index < 0 ? 4 : index & 7) << 3) | 5);
    little(BigInt(displacement), 4, out);
    return rex;
  }
  const short = displacement >= -128 && displacement < 128, none = displacement === 0 && (base & 7) !== 5;
  const mod = none ? 0 : short ? 1 : 2;
  if (index >= 0 || (base & 7) === 4) out.push((mod << 6) | middle | 4, (scale << 6) | ((index < 0 ? 4 : index & 7) << 3) | (base & 7));
  else out.push((mod << 6) | middle | (base & 7));
  if (mod) little(BigInt(displacement), mod === 1 ? 1 : 4, out);
  return rex;
}
