/** Reads MOO files: single-instruction tests in chunks, each of a four-letter name, a length and its bytes. */
export const MOO_REGISTERS = ['ax', 'bx', 'cx', 'dx', 'cs', 'ss', 'ds', 'es', 'sp', 'bp', 'si', 'di', 'ip', 'flags'] as const;
export type MooRegister = (typeof MOO_REGISTERS)[number];

export interface MooState {
  /** Registers that are given: all of them before, those that changed after. */
  readonly registers: Partial<Record<MooRegister, number>>;
  /** Bytes of physical memory. */
  readonly memory: ReadonlyMap<number, number>;
}
export interface MooTest {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly before: MooState;
  readonly after: MooState;
  /** When the instruction raised one. */
  readonly exception: { readonly vector: number } | undefined;
  /** SHA-1 of the test, in hexadecimal: its name in lists. */
  readonly hash: string;
}

const TAG = 4, HEADER = 8;

/** The chunks that fill a range. */
function* chunks(view: DataView, from: number, to: number): Generator<{ tag: string; at: number; bytes: number }> {
  for (let at = from; at + HEADER <= to;) {
    const tag = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, TAG)), bytes = view.getUint32(at + TAG, true);
    yield { tag, at: at + HEADER, bytes };
    at += HEADER + bytes;
  }
}

function state(view: DataView, from: number, to: number): MooState {
  const registers: Partial<Record<MooRegister, number>> = {}, memory = new Map<number, number>();
  for (const { tag, at } of chunks(view, from, to)) {
    if (tag === 'REGS') {
      const given = view.getUint16(at, true);
      let next = at + 2;
      MOO_REGISTERS.forEach((name, n) => {
        if (((given >> n) & 1) === 0) return;
        registers[name] = view.getUint16(next, true);
        next += 2;
      });
    } else if (tag === 'RAM ') {
      const count = view.getUint32(at, true);
      for (let n = 0; n < count; n++) memory.set(view.getUint32(at + 4 + 5 * n, true), view.getUint8(at + 8 + 5 * n));
    }
  }
  return { registers, memory };
}

function test(view: DataView, from: number, to: number): MooTest {
  const nothing: MooState = { registers: {}, memory: new Map() };
  let name = '', bytes = new Uint8Array(), before = nothing, after = nothing, exception: MooTest['exception'], hash = '';
  for (const chunk of chunks(view, from, to)) {
    const { at } = chunk, raw = (skip: number, length: number) => new Uint8Array(view.buffer, view.byteOffset + at + skip, length);
    if (chunk.tag === 'NAME') name = String.fromCharCode(...raw(4, view.getUint32(at, true)));
    else if (chunk.tag === 'BYTS') bytes = raw(4, view.getUint32(at, true)).slice();
    else if (chunk.tag === 'INIT') before = state(view, at, at + chunk.bytes);
    else if (chunk.tag === 'FINA') after = state(view, at, at + chunk.bytes);
    else if (chunk.tag === 'EXCP') exception = { vector: view.getUint8(at) };
    else if (chunk.tag === 'HASH') hash = Buffer.from(raw(0, chunk.bytes)).toString('hex');
  }
  return { name, bytes, before, after, exception, hash };
}

/** All tests of a file, which may be several laid one behind the other. */
export function readMoo(file: Uint8Array): MooTest[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength), tests: MooTest[] = [];
  const firstTag = String.fromCharCode(...file.subarray(0, TAG));
  if (firstTag !== 'MOO ') throw new Error(`this is no MOO file: it begins with ${JSON.stringify(firstTag)}`);
  // A test's index precedes its chunks.
  for (const { tag, at, bytes } of chunks(view, 0, file.length)) if (tag === 'TEST') tests.push(test(view, at + 4, at + bytes));
  return tests;
}
