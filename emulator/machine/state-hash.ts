/** One number for everything that a guest can see: equal runs end with equal hashes, whichever way they were driven. */
import { MAP, S } from '../cpu/layout.js';
import { getRflags } from '../cpu/flags.js';
import type { Processor } from '../cpu/processor.js';
import { toJson } from './snapshot.js';

/** Two lanes of multiply-and-rotate over 32-bit words (after MurmurHash3's mixing step). */
class Hash {
  private a = 0x9747b28c;
  private b = 0x3c6ef372;
  word(w: number): void {
    let k = Math.imul(w, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    this.a = Math.imul(((this.a ^ Math.imul(k, 0x1b873593)) << 13) | ((this.a ^ Math.imul(k, 0x1b873593)) >>> 19), 5) + 0xe6546b64 | 0;
    this.b = Math.imul(this.b ^ k, 0x85ebca6b) + this.a | 0;
  }
  words(words: Uint32Array, from: number, to: number): void { for (let i = from; i < to; i++) this.word(words[i]!); }
  text(text: string): void { for (let i = 0; i < text.length; i++) this.word(text.charCodeAt(i)); }
  get hex(): string { return [this.a, this.b].map((n) => (n >>> 0).toString(16).padStart(8, '0')).join(''); }
}

/** Bookkeeping of the interpreter, which depends on how the run was cut into pieces: not part of the machine's state. */
const VOLATILE: readonly (readonly [number, number])[] = [[S.codePage, S.rflags], [S.budget, S.segments]];
/** Indices of the words that are; the status flags are known by `getRflags` only. */
export const STATE_WORDS = Array.from({ length: (S.end - S.gpr) / 4 }, (_, n) => S.gpr + 4 * n).filter((at) => !VOLATILE.some(([from, to]) => at >= from && at < to)).map((at) => at >> 2);

/** `processors` shows the state of the one that is looked up; `storeBytes`: of memory, video memory and ROM. */
export function stateHash(processors: readonly Processor[], storeBytes: number, rest: unknown): string {
  const hash = new Hash();
  for (const cpu of processors) hashProcessor(hash, cpu);
  const { u32 } = processors[0]!;
  hashMemory(hash, u32, MAP.guestMemory >> 2, (MAP.guestMemory + storeBytes) >> 2);
  hash.text(toJson(rest));
  return hash.hex;
}

function hashProcessor(hash: Hash, cpu: Processor): void {
  const { u32 } = cpu;
  for (const at of STATE_WORDS) hash.word(u32[at]!);
  hash.word(getRflags(cpu));
}

const PAGE_WORDS = 1024;
/** Most pages were never written: those are left out. */
function hashMemory(hash: Hash, u32: Uint32Array, from: number, to: number): void {
  for (let page = from; page < to; page += PAGE_WORDS) {
    let at = page;
    while (at < page + PAGE_WORDS && u32[at] === 0) at++;
    if (at === page + PAGE_WORDS) continue;
    hash.word(page - from);
    hash.words(u32, at, page + PAGE_WORDS);
    hash.word(at - page);
  }
}
