/** The trap ledger: the last architectural events in order, and how many there were of each sort since reset. */
import { EventRing } from './event-ring.js';
import { type ServiceTime, ServiceTimes } from './service-times.js';
import { type Sentence, TRAP, TRAP_KINDS, type TrapEvent, type TrapKind } from '../cpu/trap-events.js';

const CAPACITY = 4096;
/** RAX of a hypercall may hold anything; beyond this many different numbers they are counted together. */
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
  private readonly ring: EventRing;
  private recorded = 0;
  private readonly kinds = new Float64Array(TRAP_KINDS.length);
  private readonly exits = new Uint32Array(256);
  private readonly served = new ServiceTimes();
  private readonly exceptions = new Uint32Array(256);
  private readonly interrupts = new Uint32Array(256);
  private readonly hypercalls = new Map<number, number>();
  private otherHypercalls = 0;

  constructor(private readonly capacity = CAPACITY) {
    this.ring = new EventRing(capacity);
  }

  /** Events since reset; the ring holds the last of them. */
  get total(): number {
    return this.recorded;
  }

  get last(): TrapEvent | undefined {
    return this.recorded === 0 ? undefined : this.ring.read(this.recorded - 1);
  }

  get oldest(): number {
    return Math.max(0, this.recorded - this.capacity);
  }

  record(kind: number, at: number, cpu: number, rip: number, world: number, values: ArrayLike<number>, says: Sentence): void {
    this.ring.write(this.recorded++, kind, at, cpu, rip, world, values, says);
    this.kinds[kind]!++;
    if (kind === TRAP['VM exit']) {
      this.exits[values[0]! & 0xff]!++;
      this.served.exited(cpu, at, values[0]! & 0xff);
    } else if (kind === TRAP['VM entry']) this.served.entered(cpu, at);
    else if (kind === TRAP.exception) this.exceptions[values[0]! & 0xff]!++;
    else if (kind === TRAP.interrupt) this.interrupts[values[0]! & 0xff]!++;
    else if (kind === TRAP.hypercall) this.countHypercall(values[0]!);
  }

  /** The event of that number in the whole history; undefined when the ring has lost it. */
  at(number: number): TrapEvent | undefined {
    return number >= this.oldest && number < this.recorded ? this.ring.read(number) : undefined;
  }

  /** Events from that number on, as far as the ring holds them. */
  since(number: number): TrapEvent[] {
    const events: TrapEvent[] = [];
    for (let at = Math.max(number, this.oldest); at < this.recorded; at++) events.push(this.ring.read(at));
    return events;
  }

  /** Rows still held, oldest first, from `start` in the filtered list; `total` is the length of that list. */
  page(start: number, count: number, filter?: (event: TrapEvent) => boolean): { total: number; rows: LedgerRow[] } {
    const rows: LedgerRow[] = [];
    let total = 0;
    for (let number = this.oldest; number < this.recorded; number++) {
      const event = this.ring.read(number);
      if (filter && !filter(event)) continue;
      if (total >= start && total < start + count) rows.push({ number, event });
      total++;
    }
    return { total, rows };
  }

  get counts(): TrapCounts {
    return {
      kinds: Object.fromEntries(TRAP_KINDS.map((kind, n) => [kind, this.kinds[n]!] as const).filter(([, count]) => count > 0)),
      exits: seen(this.exits),
      served: this.served.byReason,
      exceptions: seen(this.exceptions),
      interrupts: seen(this.interrupts),
      hypercalls: this.hypercalls,
      otherHypercalls: this.otherHypercalls,
    };
  }

  clear(): void {
    this.recorded = 0;
    for (const counts of [this.kinds, this.exits, this.exceptions, this.interrupts]) counts.fill(0);
    this.served.clear();
    this.hypercalls.clear();
    this.otherHypercalls = 0;
  }

  private countHypercall(nr: number): void {
    const before = this.hypercalls.get(nr);
    if (before === undefined && this.hypercalls.size >= DISTINCT_HYPERCALLS) this.otherHypercalls++;
    else this.hypercalls.set(nr, (before ?? 0) + 1);
  }
}

function seen(counts: Uint32Array): Map<number, number> {
  const map = new Map<number, number>();
  counts.forEach((count, index) => {
    if (count > 0) map.set(index, count);
  });
  return map;
}
