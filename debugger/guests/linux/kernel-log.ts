/** The kernel's log, what `dmesg` prints: descriptors and texts in two rings. Linux, kernel/printk/printk_ringbuffer.h. */
import type { KernelMemory, Struct } from './kernel-memory.js';

export interface LogRecord {
  /** Since boot. */
  readonly nanoseconds: bigint;
  /** From 0, an emergency, to 7, for debugging. */
  readonly level: number;
  readonly text: string;
}

const WORD = 8n;
/** States of a descriptor whose text is complete: committed and finalized, in the two highest bits. */
const COMPLETE: readonly bigint[] = [1n, 2n];
const ID_MASK = (1n << 62n) - 1n;
const MOST_RECORDS = 100_000n;

export function* logRecords(memory: KernelMemory): Generator<LogRecord> {
  const ring = memory.struct('struct printk_ringbuffer', memory.unsigned(memory.address('prb')));
  const descriptors = ring.inner('desc_ring'), data = ring.inner('text_data_ring');
  const count = 1n << descriptors.number('count_bits');
  const [tail, head] = [descriptors.number('tail_id.counter') & ID_MASK, descriptors.number('head_id.counter') & ID_MASK];
  const newest = (head - tail) & ID_MASK;
  for (let n = 0n; n <= newest && n < count && n < MOST_RECORDS; n++) {
    const record = readRecord(memory, descriptors, data, (tail + n) & ID_MASK, count);
    if (record) yield record;
  }
}

function readRecord(memory: KernelMemory, descriptors: Struct, data: Struct, id: bigint, count: bigint): LogRecord | undefined {
  const index = id & (count - 1n);
  const element = (array: string, type: string): Struct => memory.struct(type, descriptors.number(array) + index * BigInt(memory.record(type).size));
  const descriptor = element('descs', 'struct prb_desc'), info = element('infos', 'struct printk_info');
  const state = BigInt.asUintN(64, descriptor.number('state_var.counter'));
  if ((state & ID_MASK) !== id || !COMPLETE.includes(state >> 62n)) return undefined;
  const text = textOf(memory, data, descriptor.number('text_blk_lpos.begin'), descriptor.number('text_blk_lpos.next'), Number(info.number('text_len')));
  return text === undefined ? undefined : { nanoseconds: info.number('ts_nsec'), level: Number(info.number('level')), text };
}

/** A block begins with the number of its descriptor; one that does not fit before the end of the ring lies at its beginning. */
function textOf(memory: KernelMemory, data: Struct, begin: bigint, next: bigint, length: number): string | undefined {
  if ((begin & 1n) !== 0n) return undefined;
  const bits = data.number('size_bits'), size = 1n << bits;
  const wraps = begin >> bits !== next >> bits && (next & (size - 1n)) !== 0n;
  const offset = wraps ? 0n : begin & (size - 1n);
  return new TextDecoder().decode(memory.read(data.number('data') + offset + WORD, length));
}
