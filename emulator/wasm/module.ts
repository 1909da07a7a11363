/** Writes WebAssembly modules. It knows nothing of x86. WebAssembly Core Specification, "Binary Format". */
import { OPCODES } from './opcodes.js';

export const I32 = 0x7f, I64 = 0x7e, F32 = 0x7d, F64 = 0x7c, V128 = 0x7b, EMPTY = 0x40;
export type ValueType = typeof I32 | typeof I64 | typeof F32 | typeof F64 | typeof V128;

export function unsignedLeb(n: number, out: number[] = []): number[] {
  for (; n > 0x7f; n = Math.floor(n / 128)) out.push((n & 0x7f) | 0x80);
  out.push(n);
  return out;
}
function signedLeb(n: bigint, out: number[]): void {
  for (;;) {
    const byte = Number(n & 0x7fn);
    n >>= 7n;
    if ((n === 0n && !(byte & 0x40)) || (n === -1n && byte & 0x40)) { out.push(byte); return; }
    out.push(byte | 0x80);
  }
}

/** The body of one function, written instruction by instruction. */
export class FunctionBody {
  readonly code: number[] = [];
  private readonly locals: ValueType[] = [];
  constructor(readonly parameters: readonly ValueType[], readonly results: readonly ValueType[]) {}

  local(type: ValueType): number { return this.parameters.length + this.locals.push(type) - 1; }
  op(name: string): this {
    const opcode = OPCODES[name];
    if (opcode === undefined) throw new Error(`WebAssembly has no instruction "${name}"`);
    if (opcode > 0xff) { this.code.push(opcode >> 8); unsignedLeb(opcode & 0xff, this.code); } else this.code.push(opcode);
    return this;
  }
  i32(n: number): this { this.code.push(0x41); signedLeb(BigInt(n | 0), this.code); return this; }
  i64(n: bigint): this { this.code.push(0x42); signedLeb(BigInt.asIntN(64, n), this.code); return this; }
  f64(n: number): this { this.op('f64.const').code.push(...new Uint8Array(Float64Array.of(n).buffer)); return this; }
  get(local: number): this { this.code.push(0x20); unsignedLeb(local, this.code); return this; }
  set(local: number): this { this.code.push(0x21); unsignedLeb(local, this.code); return this; }
  tee(local: number): this { this.code.push(0x22); unsignedLeb(local, this.code); return this; }
  /** A load or store with its offset; alignment is only a hint, and none is promised. */
  memory(name: string, offset: number): this { this.op(name).code.push(0); unsignedLeb(offset, this.code); return this; }
  call(fn: number): this { this.code.push(0x10); unsignedLeb(fn, this.code); return this; }
  callIndirect(type: number): this { this.code.push(0x11); unsignedLeb(type, this.code); this.code.push(0); return this; }
  block(kind: 'block' | 'loop' | 'if', type: ValueType | typeof EMPTY = EMPTY): this { this.op(kind).code.push(type); return this; }
  else(): this { return this.op('else'); }
  end(): this { return this.op('end'); }
  br(depth: number): this { this.code.push(0x0c); unsignedLeb(depth, this.code); return this; }
  brIf(depth: number): this { this.code.push(0x0d); unsignedLeb(depth, this.code); return this; }
  lane(name: string, lane: number): this { this.op(name).code.push(lane); return this; }
  bytes(values: Iterable<number>): this { for (const v of values) this.code.push(v); return this; }

  encode(): number[] {
    const runs: [number, ValueType][] = [];
    for (const type of this.locals) {
      const last = runs[runs.length - 1];
      if (last && last[1] === type) last[0]++; else runs.push([1, type]);
    }
    const body = unsignedLeb(runs.length);
    for (const [count, type] of runs) { unsignedLeb(count, body); body.push(type); }
    for (const byte of this.code) body.push(byte);
    body.push(0x0b);
    return body;
  }
}

interface Signature { readonly parameters: readonly ValueType[]; readonly results: readonly ValueType[] }

/** A module that imports one memory ("m"), one function table ("t") and functions from "e". */
export class ModuleWriter {
  private readonly types: Signature[] = [];
  private readonly imports: { name: string; type: number }[] = [];
  private readonly functions: { body: FunctionBody; type: number; exported: string | undefined; slot: number | undefined }[] = [];

  type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = JSON.stringify([parameters, results]);
    const at = this.types.findIndex((t) => JSON.stringify([t.parameters, t.results]) === key);
    return at >= 0 ? at : this.types.push({ parameters, results }) - 1;
  }
  /** All imports come before the first function. Returns the function's index. */
  import(name: string, parameters: readonly ValueType[], results: readonly ValueType[]): number {
    if (this.functions.length > 0) throw new Error('imports come first');
    return this.imports.push({ name, type: this.type(parameters, results) }) - 1;
  }
  /** Adds a function; `slot` puts it into the table. Returns its index. */
  add(body: FunctionBody, options: { exported?: string; slot?: number } = {}): number {
    this.functions.push({ body, type: this.type(body.parameters, body.results), exported: options.exported, slot: options.slot });
    return this.imports.length + this.functions.length - 1;
  }

  encode(): Uint8Array<ArrayBuffer> {
    const out: number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const section = (id: number, items: readonly (readonly number[])[]) => {
      if (items.length === 0) return;
      const body = unsignedLeb(items.length);
      for (const item of items) for (const byte of item) body.push(byte);
      out.push(id);
      unsignedLeb(body.length, out);
      for (const byte of body) out.push(byte);
    };
    const text = (s: string) => [s.length, ...[...s].map((c) => c.charCodeAt(0))];
    const environment = text('e');
    section(1, this.types.map((t) => [0x60, t.parameters.length, ...t.parameters, t.results.length, ...t.results]));
    section(2, [
      [...environment, ...text('m'), 2, 0, ...unsignedLeb(1)],
      [...environment, ...text('t'), 1, 0x70, 0, 0],
      ...this.imports.map((i) => [...environment, ...text(i.name), 0, ...unsignedLeb(i.type)]),
    ]);
    section(3, this.functions.map((f) => unsignedLeb(f.type)));
    const indexed = this.functions.map((f, i) => ({ ...f, index: this.imports.length + i }));
    section(7, indexed.filter((f) => f.exported !== undefined).map((f) => [...text(f.exported!), 0, ...unsignedLeb(f.index)]));
    section(9, indexed.filter((f) => f.slot !== undefined).map((f) => {
      const offset: number[] = [0, 0x41];
      signedLeb(BigInt(f.slot!), offset);
      return [...offset, 0x0b, 1, ...unsignedLeb(f.index)];
    }));
    section(10, this.functions.map((f) => { const body = f.body.encode(); return [...unsignedLeb(body.length), ...body]; }));
    return Uint8Array.from(out);
  }
}
