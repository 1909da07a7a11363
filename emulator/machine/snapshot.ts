/** The whole machine as bytes: a JSON head, the processor's state, and the pages of memory that are not zero. */
import { MAP, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import type { ClockState } from './clock.js';
import type { TurnsState } from './turns.js';

export interface SavedParts {
  instructions: number;
  idleNanoseconds: number;
  devices: unknown;
  clock: ClockState;
  turns: TurnsState;
  /** Of each processor. */
  mmus: unknown;
}

const NO_SNAPSHOT = 'this is no snapshot of Ringside, or one that was cut short';
const MAGIC = 'Ringside snapshot 1\n', PAGE = 4096;
const TYPED = { Uint8Array, Uint16Array, Uint32Array, Int32Array, Float64Array } as const;

/** JSON that also carries typed arrays and infinities. */
export const toJson = (value: unknown): string => JSON.stringify(value, (_key, v: unknown) => {
  if (ArrayBuffer.isView(v)) return { $typed: v.constructor.name, values: Array.from(v as unknown as ArrayLike<number>) };
  if (v instanceof Map) return { $map: [...v] };
  if (typeof v === 'bigint') return { $bigint: v.toString() };
  return v === Infinity ? { $infinity: true } : v;
});
const fromJson = (text: string): unknown => JSON.parse(text, (_key, v: unknown) => {
  if (v === null || typeof v !== 'object') return v;
  if ('$typed' in v) return TYPED[v.$typed as keyof typeof TYPED].from((v as unknown as { values: number[] }).values);
  if ('$map' in v) return new Map(v.$map as [unknown, unknown][]);
  if ('$bigint' in v) return BigInt(v.$bigint as string);
  return '$infinity' in v ? Infinity : v;
}) as unknown;

/** `storeBytes`: of memory, video memory and ROM; `areas`: the processors' states. */
export function saveSnapshot(cpu: Processor, storeBytes: number, areas: readonly Uint8Array[], parts: SavedParts): Uint8Array {
  const head = new TextEncoder().encode(`${MAGIC}${toJson({ guestBytes: cpu.guestBytes, storeBytes, cpus: areas.length, ...parts })}`);
  const used: number[] = [];
  const words = cpu.u32;
  for (let page = 0; page < storeBytes / PAGE; page++) {
    const at = (MAP.guestMemory + page * PAGE) >> 2;
    for (let i = 0; i < PAGE / 4; i++) if (words[at + i] !== 0) { used.push(page); break; }
  }
  const out = new Uint8Array(8 + head.length + areas.length * S.end + used.length * (PAGE + 4));
  const view = new DataView(out.buffer);
  view.setUint32(0, head.length, true);
  view.setUint32(4, used.length, true);
  out.set(head, 8);
  let at = 8 + head.length;
  for (const area of areas) {
    out.set(area, at);
    at += S.end;
  }
  for (const page of used) {
    view.setUint32(at, page, true);
    const from = MAP.guestMemory + page * PAGE;
    out.set(cpu.u8.subarray(from, from + PAGE), at + 4);
    at += PAGE + 4;
  }
  return out;
}

export function restoreSnapshot(cpu: Processor, storeBytes: number, areas: readonly Uint8Array[], data: Uint8Array): SavedParts {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const headLength = data.length >= 8 ? view.getUint32(0, true) : 0, pages = data.length >= 8 ? view.getUint32(4, true) : 0;
  const head = data.length >= 8 + headLength ? new TextDecoder().decode(data.subarray(8, 8 + headLength)) : '';
  if (!head.startsWith(MAGIC)) throw new Error(NO_SNAPSHOT);
  const parts = fromJson(head.slice(MAGIC.length)) as SavedParts & { guestBytes: number; storeBytes: number; cpus: number };
  if (parts.guestBytes !== cpu.guestBytes) throw new Error(`the snapshot is of a machine with ${parts.guestBytes / 2 ** 20} MiB of memory, this one has ${cpu.guestBytes / 2 ** 20}`);
  if (parts.storeBytes !== storeBytes) throw new Error('the snapshot is of a machine with another ROM: load that first');
  if (data.length !== 8 + headLength + parts.cpus * S.end + pages * (PAGE + 4)) throw new Error(NO_SNAPSHOT);
  if (parts.cpus !== areas.length) throw new Error(`the snapshot is of a machine with ${parts.cpus} processors, this one has ${areas.length}`);
  let at = 8 + headLength;
  for (const area of areas) {
    area.set(data.subarray(at, at + S.end));
    at += S.end;
  }
  cpu.u8.fill(0, MAP.guestMemory, MAP.guestMemory + storeBytes);
  for (let i = 0; i < pages; i++, at += PAGE + 4) cpu.u8.set(data.subarray(at + 4, at + 4 + PAGE), MAP.guestMemory + view.getUint32(at, true) * PAGE);
  return parts;
}
