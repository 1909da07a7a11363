/** What the translation of code depends on besides its bytes, gathered in one number that is part of a block's identity. */
import { CS, DS, ES, S, SEGMENT, segment, SS } from '../cpu/layout.js';
import { ATTRIBUTE_DB, type Processor } from '../cpu/processor.js';

export interface Mode {
  readonly id: number;
  readonly mode: 16 | 32 | 64;
  readonly stackSize: 16 | 32 | 64;
  readonly protection: 'real' | 'virtual-8086' | 'protected';
  readonly flatCode: boolean;
  readonly flatData: boolean;
  /** Of CS where it is not flat: translation stops at its limit. */
  readonly codeBase: number;
  readonly codeLimit: number;
}

const FLAT_LIMIT = 0xffffffff;

export class Modes {
  private readonly byKey = new Map<number, Mode>();
  private readonly segments = new Map<string, number>();
  private readonly list: Mode[] = [];
  private lastKey = -1;

  get(id: number): Mode { return this.list[id]!; }

  /** The processor's present mode; also stores its number in S.codeMode. */
  update(cpu: Processor): Mode {
    const key = this.keyOf(cpu);
    if (key === this.lastKey) return this.list[cpu.low(S.codeMode)]!;
    this.lastKey = key;
    let mode = this.byKey.get(key);
    if (!mode) {
      mode = { id: this.list.length, ...describe(cpu) };
      this.list.push(mode);
      this.byKey.set(key, mode);
    }
    cpu.u32[S.codeMode >> 2] = mode.id;
    return mode;
  }
  /** After state was replaced from outside. */
  forget(): void { this.lastKey = -1; }

  private keyOf(cpu: Processor): number {
    if (cpu.code64) return 0;
    const size = (cpu.attributes(CS) & ATTRIBUTE_DB ? 1 : 0) | (cpu.attributes(SS) & ATTRIBUTE_DB ? 2 : 0);
    const protection = !cpu.protectedMode ? 4 : cpu.virtual8086 ? 8 : 12;
    const flat = (flatData(cpu) ? 16 : 0) | (flatCode(cpu) ? 32 : 0);
    return 1 + (size | protection | flat) + (flatCode(cpu) ? 0 : 64 * this.segmentId(cpu.base(CS), cpu.limit(CS)));
  }
  private segmentId(base: number, limit: number): number {
    const text = `${base}:${limit}`;
    let id = this.segments.get(text);
    if (id === undefined) { id = this.segments.size + 1; this.segments.set(text, id); }
    return id;
  }
}

const flatCode = (cpu: Processor): boolean => cpu.base(CS) === 0 && cpu.limit(CS) === FLAT_LIMIT;
function flatData(cpu: Processor): boolean {
  for (const s of [ES, SS, DS]) {
    const at = segment(s);
    if (cpu.base(s) !== 0 || cpu.low(at + SEGMENT.readLimit) !== FLAT_LIMIT || cpu.low(at + SEGMENT.writeLimit) !== FLAT_LIMIT) return false;
    if (cpu.high(at + SEGMENT.readLimit) !== 0 || cpu.high(at + SEGMENT.writeLimit) !== 0) return false;
  }
  return true;
}

function describe(cpu: Processor): Omit<Mode, 'id'> {
  const code64 = cpu.code64;
  return {
    mode: code64 ? 64 : cpu.attributes(CS) & ATTRIBUTE_DB ? 32 : 16,
    stackSize: code64 ? 64 : cpu.attributes(SS) & ATTRIBUTE_DB ? 32 : 16,
    protection: !cpu.protectedMode ? 'real' : cpu.virtual8086 ? 'virtual-8086' : 'protected',
    flatCode: code64 || flatCode(cpu),
    flatData: code64 || flatData(cpu),
    codeBase: code64 ? 0 : cpu.base(CS),
    codeLimit: code64 ? FLAT_LIMIT : cpu.limit(CS),
  };
}
