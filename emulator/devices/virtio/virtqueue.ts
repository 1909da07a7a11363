import type { DirectMemory } from '../../memory/direct-memory.js';

/** One queue in the driver's memory. Virtual I/O Device (VIRTIO) Version 1.2, "Split Virtqueues". */

export const MOST_ENTRIES = 128;
export const NO_VECTOR = 0xffff;
const DESCRIPTOR_BYTES = 16, NEXT = 1, WRITE = 2, INDIRECT = 4;
const AVAILABLE_NO_INTERRUPT = 1, INDEX_AT = 2, RING_AT = 4, USED_ENTRY_BYTES = 8;

/** Buffers of one chain together, far more than drivers ask for: what a device works on is held outside the guest's memory. */
const MOST_CHAIN_BYTES = 2 ** 26;

/** The driver broke the rules: the device stops until it is reset. */
export class QueueFault extends Error {}

export const initialQueue = () => ({ size: MOST_ENTRIES, vector: NO_VECTOR, enabled: false, descriptors: 0, available: 0, used: 0, nextAvailable: 0, nextUsed: 0 });
export type QueueState = ReturnType<typeof initialQueue>;

interface Segment {
  readonly address: number;
  readonly bytes: number;
  readonly writable: boolean;
}

/** Serves what the driver has made available, up to what must wait; tells whether it wants an interrupt. */
export function serveQueue(queue: QueueState, memory: DirectMemory, request: (readable: Uint8Array, writableBytes: number) => Uint8Array | undefined): boolean {
  const u16 = (address: number): number => viewOf(memory.read(address, 2)).getUint16(0, true);
  const before = queue.nextUsed;
  while (queue.nextAvailable !== u16(queue.available + INDEX_AT)) {
    const head = u16(queue.available + RING_AT + 2 * (queue.nextAvailable % queue.size));
    const segments = chain(queue, memory, head), writable = segments.filter((each) => each.writable);
    const readable = join(segments.filter((each) => !each.writable).map(({ address, bytes }) => memory.read(address, bytes)));
    const answer = request(readable, writable.reduce((sum, { bytes }) => sum + bytes, 0));
    if (!answer) break;
    queue.nextAvailable = (queue.nextAvailable + 1) & 0xffff;
    scatter(memory, writable, answer);
    memory.write(queue.used + RING_AT + USED_ENTRY_BYTES * (queue.nextUsed % queue.size), new Uint8Array(Uint32Array.of(head, answer.length).buffer));
    queue.nextUsed = (queue.nextUsed + 1) & 0xffff;
    memory.write(queue.used + INDEX_AT, new Uint8Array(Uint16Array.of(queue.nextUsed).buffer));
  }
  return queue.nextUsed !== before && (u16(queue.available) & AVAILABLE_NO_INTERRUPT) === 0;
}

function chain(queue: QueueState, memory: DirectMemory, head: number): Segment[] {
  const segments: Segment[] = [];
  let total = 0;
  const walk = (table: number, entries: number, first: number, indirect: boolean): void => {
    for (let index = first, steps = 0; ; steps++) {
      if (index >= entries || steps >= entries) throw new QueueFault('a chain of descriptors leaves its table, or does not end');
      const descriptor = viewOf(memory.read(table + DESCRIPTOR_BYTES * index, DESCRIPTOR_BYTES));
      const address = Number(descriptor.getBigUint64(0, true)), bytes = descriptor.getUint32(8, true), flags = descriptor.getUint16(12, true);
      if ((flags & INDIRECT) !== 0) {
        if (indirect || bytes % DESCRIPTOR_BYTES !== 0) throw new QueueFault('an indirect table inside another, or with a part of a descriptor');
        walk(address, bytes / DESCRIPTOR_BYTES, 0, true);
      } else segments.push({ address, bytes, writable: (flags & WRITE) !== 0 });
      if ((flags & INDIRECT) === 0 && (total += bytes) > MOST_CHAIN_BYTES) throw new QueueFault('a chain whose buffers have more than 64 MiB');
      if ((flags & NEXT) === 0) return;
      index = descriptor.getUint16(14, true);
    }
  };
  walk(queue.descriptors, queue.size, head, false);
  return segments;
}

function scatter(memory: DirectMemory, segments: readonly Segment[], answer: Uint8Array): void {
  let from = 0;
  for (const { address, bytes } of segments) {
    if (from >= answer.length) return;
    memory.write(address, answer.subarray(from, from + bytes));
    from += bytes;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
