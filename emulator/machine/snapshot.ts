/** The whole machine as bytes: a JSON head, the processor's state, and the pages of memory that are not zero. */
import { FEATURES } from '../cpu/cpuid.js';
import { MAP, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import type { ClockState } from './clock.js';
import type { MachineOptions } from './contract.js';
import { DEFAULT_QUANTUM } from './limits.js';
import type { Store } from './store.js';
import type { TurnsState } from './turns.js';

/** What a machine must have in common with the one that was saved. */
export interface Settings {
  readonly memoryBytes: number;
  /** Which the snapshot brings along. */
  readonly romBytes: number;
  readonly cpus: number;
  readonly seed: number;
  readonly quantum: number;
  readonly nanosecondsPerInstruction: number;
  readonly features: readonly string[];
  /** What is on the PCI bus, by name. */
  readonly slots: readonly string[];
}

export const settingsFor = (options: MachineOptions, memoryBytes: number, romBytes: number, slots: readonly { readonly name: string }[]): Settings => {
  const { cpus, seed = 0, quantum = DEFAULT_QUANTUM, nanosecondsPerInstruction = 1, features = FEATURES } = options;
  return { memoryBytes, romBytes, cpus, seed, quantum, nanosecondsPerInstruction, features: [...features].sort(), slots: slots.map(({ name }) => name) };
};

export interface SavedParts {
  settings: Settings;
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
  const head = new TextEncoder().encode(`${MAGIC}${toJson(parts)}`);
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

function readHead(data: Uint8Array): { readonly parts: SavedParts; readonly end: number; readonly pages: number } {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = data.length >= 8 ? 8 + view.getUint32(0, true) : Infinity, head = data.length >= end ? new TextDecoder().decode(data.subarray(8, end)) : '';
  if (!head.startsWith(MAGIC)) throw new Error(NO_SNAPSHOT);
  const parts = fromJson(head.slice(MAGIC.length)) as SavedParts, pages = view.getUint32(4, true);
  if (data.length !== end + parts.settings.cpus * S.end + pages * (PAGE + 4)) throw new Error(NO_SNAPSHOT);
  return { parts, end, pages };
}

/** Of the machine that can take it back. */
export const settingsOf = (data: Uint8Array): Settings => readHead(data).parts.settings;

const SAYS: Readonly<Record<Exclude<keyof Settings, 'romBytes'>, (settings: Settings) => string>> = {
  memoryBytes: ({ memoryBytes }) => `${memoryBytes / 2 ** 20} MiB of memory`, cpus: ({ cpus }) => `${cpus} processors`, seed: ({ seed }) => `the seed ${seed}`, quantum: ({ quantum }) => `a quantum of ${quantum}`,
  nanosecondsPerInstruction: (settings) => `${settings.nanosecondsPerInstruction} ns an instruction`, features: () => 'another processor model', slots: ({ slots }) => `these devices: ${slots.join(', ')}`,
};

export function restoreSnapshot(cpu: Processor, store: Pick<Store, 'usedBytes' | 'fitRom'>, areas: readonly Uint8Array[], own: Settings, data: Uint8Array): SavedParts {
  const { parts, end, pages } = readHead(data), view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const different = (Object.keys(SAYS) as (keyof typeof SAYS)[]).find((name) => toJson(parts.settings[name]) !== toJson(own[name]));
  if (different) throw new Error(`the snapshot is of a machine with ${SAYS[different](parts.settings)}, and this one has ${SAYS[different](own)}`);
  if (!store.fitRom(parts.settings.romBytes)) throw new Error(NO_SNAPSHOT);
  let at = end + areas.length * S.end;
  for (let i = 0; i < pages; i++) if (view.getUint32(at + i * (PAGE + 4), true) >= store.usedBytes / PAGE) throw new Error(NO_SNAPSHOT);
  areas.forEach((area, n) => { area.set(data.subarray(end + n * S.end, end + (n + 1) * S.end)); });
  cpu.u8.fill(0, MAP.guestMemory, MAP.guestMemory + store.usedBytes);
  for (let i = 0; i < pages; i++, at += PAGE + 4) cpu.u8.set(data.subarray(at + 4, at + 4 + PAGE), MAP.guestMemory + view.getUint32(at, true) * PAGE);
  return parts;
}
