/** The trap ledger: the last architectural events in order, and how many there were of each sort since reset. Its numbers lie where generated code writes them too. */
import { COUNTED_EACH, EVENT, EVENTS_KEPT, LOG, LOG_BYTES, sentenceOf } from '../cpu/event-log.js';
import { fieldsOf, type Sentence, TRAP, TRAP_KINDS, type TrapEvent, type TrapKind } from '../cpu/trap-events.js';
import { WORLDS } from '../vmx/state.js';
import { type ServiceTime, ServiceTimes } from './service-times.js';

/** RAX of a hypercall may hold anything; beyond this many different large numbers they are counted together. */
const DISTINCT_HYPERCALLS = 256;

export interface TrapCounts {
  readonly kinds: Partial<Record<TrapKind, number>>;
  /** VM exits by basic exit reason, exceptions and interrupts by vector, hypercalls by number. */
  readonly exits: ReadonlyMap<number, number>;
  /** By basic exit reason. */
  readonly served: ReadonlyMap<number, ServiceTime>;
  readonly exceptions: ReadonlyMap<number, number>;
  readonly interrupts: ReadonlyMap<number, number>;
  readonly hypercalls: ReadonlyMap<number, number>;
  readonly otherHypercalls: number;
}

/** An event with its place in the whole history, counted from 0. */
export interface LedgerRow {
  readonly number: number;
  readonly event: TrapEvent;
}

export class TrapLedger {
  private readonly bytes: Uint8Array;
  private readonly floats: Float64Array;
  private readonly words: Uint32Array;
  private readonly exits: Uint32Array;
  private readonly exceptions: Uint32Array;
  private readonly interrupts: Uint32Array;
  private readonly hypercalls: Uint32Array;
  private readonly largeHypercalls = new Map<number, number>();
  private readonly served: ServiceTimes;
  private otherHypercalls = 0;
  /** Of events that TypeScript recorded, by place. */
  private readonly sentences = new Array<Sentence>(EVENTS_KEPT).fill(() => '');

  /** `at`: where in the buffer the log lies, a multiple of 8. */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(LOG_BYTES), at = 0) {
    this.bytes = new Uint8Array(buffer, at, LOG_BYTES);
    this.floats = new Float64Array(buffer, at, LOG_BYTES / 8);
    this.words = new Uint32Array(buffer, at, LOG_BYTES / 4);
    const counts = (offset: number): Uint32Array => new Uint32Array(buffer, at + offset, COUNTED_EACH);
    this.exits = counts(LOG.exits);
    this.exceptions = counts(LOG.exceptions);
    this.interrupts = counts(LOG.interrupts);
    this.hypercalls = counts(LOG.hypercalls);
    this.served = new ServiceTimes(this.floats);
  }

  /** Events since reset; the ring holds the last of them. */
  get total(): number {
    return this.floats[LOG.recorded / 8]!;
  }

  get last(): TrapEvent | undefined {
    return this.total === 0 ? undefined : this.read(this.total - 1);
  }

  get oldest(): number {
    return Math.max(0, this.total - EVENTS_KEPT);
  }

  record(kind: number, at: number, cpu: number, rip: number, world: number, values: ArrayLike<number>, says: Sentence): void {
    const { floats, bytes } = this, number = floats[LOG.recorded / 8]!++, slot = number % EVENTS_KEPT, place = LOG.ring + slot * EVENT.bytes, first = place >> 3, count = values.length;
    floats[first + EVENT.at / 8] = at;
    floats[first + EVENT.rip / 8] = rip;
    for (let i = 0; i < count; i++) floats[first + EVENT.values / 8 + i] = values[i]!;
    bytes[place + EVENT.kind] = kind;
    bytes[place + EVENT.cpu] = cpu;
    bytes[place + EVENT.world] = world;
    bytes[place + EVENT.given] = count;
    this.words[(place + EVENT.says) >> 2] = 0;
    this.sentences[slot] = says;
    floats[LOG.kinds / 8 + kind]!++;
    if (kind === TRAP['VM exit']) {
      this.exits[values[0]! & 0xff]!++;
      this.served.exited(cpu, at, values[0]! & 0xff);
    } else if (kind === TRAP['VM entry']) this.served.entered(cpu, at);
    else if (kind === TRAP.exception) this.exceptions[values[0]! & 0xff]!++;
    else if (kind === TRAP.interrupt) this.interrupts[values[0]! & 0xff]!++;
    else if (kind === TRAP.hypercall) this.countHypercall(values[0]!);
  }

  private read(number: number): TrapEvent {
    const { floats, bytes } = this, slot = number % EVENTS_KEPT, place = LOG.ring + slot * EVENT.bytes, first = place >> 3, kind = bytes[place + EVENT.kind]!;
    const common = this.words[(place + EVENT.says) >> 2]!, says = common === 0 ? this.sentences[slot]! : sentenceOf(common - 1), given = bytes[place + EVENT.given]!;
    const values = floats.slice(first + EVENT.values / 8, first + EVENT.kind / 8);
    const event: TrapEvent = {
      kind: TRAP_KINDS[kind]!, at: floats[first + EVENT.at / 8]!, cpu: bytes[place + EVENT.cpu]!, rip: floats[first + EVENT.rip / 8]!, world: WORLDS[bytes[place + EVENT.world]!]!,
      fields: fieldsOf(kind, (field) => (field < given ? values[field] : undefined)), says: () => says(event, values),
    };
    return event;
  }

  /** The event of that number in the whole history; undefined when the ring has lost it. */
  at(number: number): TrapEvent | undefined {
    return number >= this.oldest && number < this.total ? this.read(number) : undefined;
  }

  /** Events from that number on, as far as the ring holds them. */
  since(number: number): TrapEvent[] {
    const events: TrapEvent[] = [];
    for (let at = Math.max(number, this.oldest); at < this.total; at++) events.push(this.read(at));
    return events;
  }

  /** Rows still held, oldest first, from `start` in the filtered list; `total` is the length of that list. */
  page(start: number, count: number, filter?: (event: TrapEvent) => boolean): { total: number; rows: LedgerRow[] } {
    const rows: LedgerRow[] = [];
    let total = 0;
    for (let number = this.oldest; number < this.total; number++) {
      const event = this.read(number);
      if (filter && !filter(event)) continue;
      if (total >= start && total < start + count) rows.push({ number, event });
      total++;
    }
    return { total, rows };
  }

  get counts(): TrapCounts {
    return {
      kinds: Object.fromEntries(TRAP_KINDS.map((kind, n) => [kind, this.floats[LOG.kinds / 8 + n]!] as const).filter(([, count]) => count > 0)),
      exits: seen(this.exits),
      served: this.served.byReason,
      exceptions: seen(this.exceptions),
      interrupts: seen(this.interrupts),
      hypercalls: new Map([...seen(this.hypercalls), ...this.largeHypercalls]),
      otherHypercalls: this.otherHypercalls,
    };
  }

  clear(): void {
    this.bytes.fill(0, 0, LOG.ring);
    this.largeHypercalls.clear();
    this.otherHypercalls = 0;
  }

  private countHypercall(nr: number): void {
    if (nr >= 0 && nr < COUNTED_EACH) {
      this.hypercalls[nr]!++;
      return;
    }
    const { largeHypercalls } = this, before = largeHypercalls.get(nr);
    if (before === undefined && largeHypercalls.size >= DISTINCT_HYPERCALLS) this.otherHypercalls++;
    else largeHypercalls.set(nr, (before ?? 0) + 1);
  }
}

function seen(counts: Uint32Array): Map<number, number> {
  const map = new Map<number, number>();
  counts.forEach((count, index) => {
    if (count > 0) map.set(index, count);
  });
  return map;
}
