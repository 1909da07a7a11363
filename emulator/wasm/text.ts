/** The body of a function as text, as the specification writes it: an instruction a line, blocks indented. WebAssembly Core Specification, "Text Format". */
import { EMPTY, F32, F64, I32, I64, V128 } from './module.js';
import { OPCODES } from './opcodes.js';

export interface Line {
  /** Where its bytes begin in the body's code. */
  readonly at: number;
  readonly text: string;
}
/** What is written in place of an index; the index itself without. */
export interface Names {
  local(index: number): string | undefined;
  function(index: number): string | undefined;
}

const BY_CODE = new Map(Object.entries(OPCODES).map(([name, code]) => [code, name]));
const TYPES: Readonly<Record<number, string>> = { [I32]: 'i32', [I64]: 'i64', [F32]: 'f32', [F64]: 'f64', [V128]: 'v128' };
const PREFIXES = [0xfc, 0xfd];
const SELECT_TYPED = 0x1c;

class Reader {
  at = 0;
  constructor(private readonly code: ArrayLike<number>) {}
  get done(): boolean { return this.at >= this.code.length; }
  byte(): number { return this.code[this.at++]!; }
  unsigned(): number {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
  signed(): bigint {
    for (let value = 0n, shift = 0n; ;) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) return BigInt.asIntN(Number(shift), value);
    }
  }
  bytes(count: number): number[] { return Array.from({ length: count }, () => this.byte()); }
}

export function textOf(code: ArrayLike<number>, names: Names): Line[] {
  const r = new Reader(code), lines: Line[] = [];
  let depth = 0;
  while (!r.done) {
    const { at } = r, first = r.byte(), name = first === SELECT_TYPED ? 'select' : BY_CODE.get(PREFIXES.includes(first) ? (first << 8) | r.unsigned() : first);
    if (name === undefined) throw new Error(`byte 0x${first.toString(16)} is no instruction that is written here`);
    if (name === 'end' || name === 'else') depth--;
    lines.push({ at, text: `${'  '.repeat(Math.max(0, depth))}${[name, ...immediates(r, first, name, names)].join(' ')}` });
    if (name === 'block' || name === 'loop' || name === 'if' || name === 'else') depth++;
  }
  return lines;
}

function immediates(r: Reader, opcode: number, name: string, names: Names): string[] {
  const named = (index: number, known: string | undefined) => (known === undefined ? String(index) : `$${known}`);
  if (opcode === SELECT_TYPED) { const [, type] = r.bytes(2); return [`(result ${TYPES[type!]!})`]; }
  if (name === 'block' || name === 'loop' || name === 'if') { const type = r.byte(); return type === EMPTY ? [] : [`(result ${TYPES[type]!})`]; }
  if (name.startsWith('local.')) { const index = r.unsigned(); return [named(index, names.local(index))]; }
  if (name === 'br' || name === 'br_if') return [String(r.unsigned())];
  if (name === 'br_table') return Array.from({ length: r.unsigned() + 1 }, () => String(r.unsigned()));
  if (name === 'call') { const index = r.unsigned(); return [named(index, names.function(index))]; }
  if (name === 'call_indirect') { const type = r.unsigned(); r.byte(); return [`(type ${type})`]; }
  if (name === 'i32.const' || name === 'i64.const') return [String(r.signed())];
  if (name === 'v128.const') return ['i8x16', ...r.bytes(16).map(String)];
  if (name === 'i8x16.shuffle') return r.bytes(16).map(String);
  if (/_lane(_[su])?$/.test(name)) return [String(r.byte())];
  if (name === 'memory.copy') { r.bytes(2); return []; }
  if (name === 'memory.fill') { r.byte(); return []; }
  if (/\.(load|store)/.test(name)) {
    r.unsigned();
    const offset = r.unsigned();
    return offset === 0 ? [] : [`offset=${offset}`];
  }
  return [];
}
