/**
 * Code in pages that are often written: stores to them are not caught, but what a block was made from is compared before it runs. Immediates
 * are not compared but read again, for they are what programs patch most. The check is a record of its own in front of the block, and
 * has a table: of each aligned word its address, value and mask, then of each immediate its end, its shift and its record.
 */
import type { Processor } from '../cpu/processor.js';
import { RECORD, RECORD_BYTES } from '../meaning/record.js';
import { FunctionBody, I32, I64 } from '../wasm/module.js';
import type { Decoded } from '../isa/decode.js';

const WORD = 8;
const EXPECTED = { host: 0, value: 8, mask: 16, bytes: 24 } as const;
const IMMEDIATE = { end: 0, shift: 4, to: 8, bytes: 12 } as const;

/** Fifteen bytes an instruction, side by side. */
export const mostTableBytes = (instructions: number): number => instructions * (2 * EXPECTED.bytes + IMMEDIATE.bytes);

/** Bytes of the immediate with which the instruction ends, when it is its only one and says nothing but a value; else 0. */
export function lastImmediate({ form }: Decoded): number {
  const [only, ...others] = form.immediates;
  if (others.length > 0) return 0;
  return only === 'ib' ? 1 : only === 'iw' ? 2 : only === 'id' ? 4 : only === 'io' ? 8 : 0;
}

export class Check {
  private readonly masks = new Map<number, Uint8Array<ArrayBuffer>>();
  private readonly immediates: { end: number; bytes: number; to: number }[] = [];
  constructor(private readonly cpu: Processor) {}

  /** Bytes of code at a host address, of which the last are an immediate of the `number`th record behind the check. */
  cover(host: number, bytes: number, immediate = 0, number = 0): void {
    for (let at = host; at < host + bytes - immediate; at++) {
      const word = at - (at % WORD);
      let mask = this.masks.get(word);
      if (!mask) this.masks.set(word, mask = new Uint8Array(WORD));
      mask[at % WORD] = 0xff;
    }
    if (immediate > 0) this.immediates.push({ end: host + bytes, bytes: immediate, to: number * RECORD_BYTES + RECORD.immediate.offset });
  }

  /** Writes the table, to an address divisible by eight, and its place into the record of the check. Returns its end. */
  write(record: number, table: number): number {
    const { u8, u32 } = this.cpu;
    let at = table;
    for (const [word, mask] of this.masks) {
      u32[(at + EXPECTED.host) >> 2] = word;
      u8.copyWithin(at + EXPECTED.value, word, word + WORD);
      u8.set(mask, at + EXPECTED.mask);
      at += EXPECTED.bytes;
    }
    u32[(record + RECORD.operand0.offset) >> 2] = table;
    u32[(record + RECORD.operand1.offset) >> 2] = at;
    for (const { end, bytes, to } of this.immediates) {
      u32[(at + IMMEDIATE.end) >> 2] = end;
      u32[(at + IMMEDIATE.shift) >> 2] = 64 - 8 * bytes;
      u32[(at + IMMEDIATE.to) >> 2] = to;
      at += IMMEDIATE.bytes;
    }
    u32[(record + RECORD.operand2.offset) >> 2] = at;
    return at;
  }
}

/** The handler of a check: the next record, or what `changed` leaves when the code is not what it was. */
export function checkFunction(changed: number): FunctionBody {
  const f = new FunctionBody([I32], [I32]);
  const RECORD_PARAMETER = 0, at = f.local(I32), end = f.local(I32), shift = f.local(I64);
  const each = (bytes: number, body: () => void) => {
    f.block('block').block('loop').get(at).get(end).op('i32.ge_u').brIf(1);
    body();
    f.get(at).i32(bytes).op('i32.add').set(at).br(0).end().end();
  };
  f.get(RECORD_PARAMETER).memory('i32.load', RECORD.operand0.offset).set(at).get(RECORD_PARAMETER).memory('i32.load', RECORD.operand1.offset).set(end);
  each(EXPECTED.bytes, () => {
    f.get(at).memory('i32.load', EXPECTED.host).memory('i64.load', 0).get(at).memory('i64.load', EXPECTED.value).op('i64.xor').get(at).memory('i64.load', EXPECTED.mask).op('i64.and').i64(0n).op('i64.ne').block('if');
    f.get(RECORD_PARAMETER).call(changed).i32(0).op('return').end();
  });
  f.get(RECORD_PARAMETER).memory('i32.load', RECORD.operand2.offset).set(end);
  each(IMMEDIATE.bytes, () => {
    f.get(RECORD_PARAMETER).get(at).memory('i32.load', IMMEDIATE.to).op('i32.add');
    f.get(at).memory('i32.load', IMMEDIATE.end).i32(WORD).op('i32.sub').memory('i64.load', 0).get(at).memory('i64.load32_u', IMMEDIATE.shift).tee(shift).op('i64.shr_s').memory('i64.store', 0);
  });
  f.get(RECORD_PARAMETER).i32(RECORD_BYTES).op('i32.add');
  return f;
}
