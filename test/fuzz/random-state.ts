/** Random processor state: registers, vectors and x87 numbers near every edge, every rounding mode, masks and stacks. */
import { DATA_BASE, FXSAVE_OFFSET, REGISTER_NAMES, RFLAGS_MASK, type State, XMM_OFFSET, YMM_HIGH_OFFSET } from '../oracles/native.js';
import type { Random } from './random.js';
import { numberTo } from './random-numbers.js';

const FCW = 0, FSW = 2, FTW = 4, ST = 32, TOP_SHIFT = 11;
const AC = 1n << 18n;
const XMM_WORDS = (FXSAVE_OFFSET + XMM_OFFSET) / 4, YMM_HIGH_WORDS = YMM_HIGH_OFFSET / 4, ST_WORDS = (FXSAVE_OFFSET + ST) / 4;
const VECTORS = 16;
/** Lanes of packed integers at the edges of signed and unsigned saturation. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff] as const;
/** Of strings, so that PCMPxSTRx finds something: a few letters, and the end. */
const LETTERS = [0, 0x61, 0x61, 0x62, 0x63, 0x7a, 0xe1] as const;

export class RandomState {
  constructor(private readonly random: Random) {}

  /** Everything but RIP and RSP. */
  fill(state: State, bits: 64 | 32): void {
    const { random: r } = this, { words, fxsave } = state;
    for (let n = 0; n < REGISTER_NAMES.length; n++) { r.valueTo(words, 2 * n); if (bits === 32) words[2 * n + 1] = 0; }
    state.rflags = (BigInt(r.u32()) & RFLAGS_MASK & ~(r.chance(8) ? 0n : AC)) | 2n;
    state.fsBase = this.base();
    state.gsBase = this.base();
    const kind = r.below(16);
    for (let i = 0; i < VECTORS; i++) { this.vector(words, XMM_WORDS + 4 * i, kind); this.vector(words, YMM_HIGH_WORDS + 4 * i, kind); }
    this.relate(words);
    if (r.chance(8)) words.fill(0, YMM_HIGH_WORDS, YMM_HIGH_WORDS + 4 * VECTORS);
    state.mxcsr = this.mxcsr();
    fxsave.setUint16(FCW, this.fcw(), true);
    fxsave.setUint16(FSW, (r.below(8) << TOP_SHIFT) | (r.chance(2) ? r.u32() & 0x4700 : 0) | (r.chance(4) ? r.u32() & 0x7f : 0), true);
    if (fxsave.getUint16(FSW, true) & ~fxsave.getUint16(FCW, true) & 0x3f) this.pending(fxsave);
    fxsave.setUint8(FTW, r.chance(3) ? r.below(256) : r.chance(16) ? 0 : 0xff);
    for (let i = 0; i < 8; i++) numberTo(r, 'extended', words, ST_WORDS + 4 * i);
  }

  /** Sixteen bytes of integers, singles, doubles, halves or letters; `kind` favours one of them for a whole case. */
  vector(words: Uint32Array, at: number, kind = this.random.below(16)): void {
    const { random: r } = this;
    switch (r.chance(6) ? r.below(16) : kind) {
      case 0: case 1: case 2: for (let i = 0; i < 4; i++) words[at + i] = r.u32(); break;
      case 3: for (let i = 0; i < 4; i += 2) r.valueTo(words, at + i); break;
      case 4: for (let i = 0; i < 4; i++) words[at + i] = this.edges(); break;
      case 5: for (let i = 0; i < 4; i++) words[at + i] = this.letters(); break;
      case 6: for (let i = 0; i < 4; i++) numberTo(r, 'halves', words, at + i); break;
      case 7: words.fill(r.pick([0, 0xffff_ffff]), at, at + 4); break;
      case 8: case 9: case 10: case 11: for (let i = 0; i < 4; i++) numberTo(r, 'single', words, at + i); break;
      default: for (let i = 0; i < 4; i += 2) numberTo(r, 'double', words, at + i);
    }
  }

  /** Now and then the operands of an instruction are the same, or nearly. */
  private relate(words: Uint32Array): void {
    const { random: r } = this;
    if (!r.chance(3)) return;
    const source = XMM_WORDS + 4 * r.below(VECTORS);
    for (let i = 0; i < VECTORS; i++) {
      if (r.chance(2)) continue;
      const to = XMM_WORDS + 4 * i;
      words.copyWithin(to, source, source + 4);
      if (r.chance(2)) { const at = to + r.below(4); words[at] = words[at]! ^ (1 << r.below(32)); }
    }
  }

  private edges(): number {
    const { random: r } = this;
    return r.chance(2) ? (r.pick(EDGES) * 0x10000 + r.pick(EDGES)) >>> 0 : [0, 8, 16, 24].reduce((sum, shift) => sum | ((r.pick(EDGES) & 0xff) << shift), 0) >>> 0;
  }
  private letters(): number {
    const { random: r } = this;
    return [0, 8, 16, 24].reduce((sum, shift) => sum | (r.pick(LETTERS) << shift), 0) >>> 0;
  }

  /** Of FS and GS: none, small, or such that offsets are small; an address with it added by mistake is mapped nowhere. */
  private base(): bigint {
    const { random: r } = this;
    return BigInt(r.pick([0, 0, 0, r.below(4096), DATA_BASE - 0x4000, DATA_BASE - 0x4000 + r.below(256), 0x4000_0000 + (r.u32() >>> 2)]));
  }

  private mxcsr(): number {
    const { random: r } = this;
    const masks = r.chance(4) ? r.below(64) : 63, flags = r.chance(2) ? 0x20 : r.chance(2) ? 0 : r.below(64);
    return (masks << 7) | flags | (r.chance(2) ? 0 : r.below(4) << 13) | (r.chance(6) ? 0x40 : 0) | (r.chance(6) ? 0x8000 : 0);
  }
  private fcw(): number {
    const { random: r } = this;
    return 0x40 | (r.chance(4) ? r.below(64) : 63) | (r.chance(2) ? 0x300 : r.pick([0, 2, 3]) << 8) | (r.chance(2) ? 0 : r.below(4) << 10);
  }
  /** An exception that is not masked is seldom pending, and then ES and B say so. */
  private pending(fxsave: DataView): void {
    const status = fxsave.getUint16(FSW, true), raised = this.random.chance(16);
    fxsave.setUint16(FSW, raised ? status | 0x8080 : status & ~(~fxsave.getUint16(FCW, true) & 0x3f), true);
  }
}
