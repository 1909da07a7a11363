/**
 * Where the shared memory holds the last architectural events and their counts, so that generated code records them as well as TypeScript does (observe/ledger.ts).
 * Offsets are bytes from MAP.events.
 */
import { RECORD } from '../meaning/record.js';
import { F64, type FunctionBody, I32 } from '../wasm/module.js';
import { MAP, MOST_PROCESSORS, S } from './layout.js';
import { FIELDS_OF, type Sentence, TRAP_KINDS } from './trap-events.js';

/** Events that are kept: a power of two. */
export const EVENTS_KEPT = 4096;
const MOST_KINDS = 16, MOST_FIELDS = 8;
if (TRAP_KINDS.length > MOST_KINDS || FIELDS_OF.some(({ length }) => length > MOST_FIELDS)) throw new Error('an event does not fit its place');

/** Small numbers (reasons, vectors, hypercall numbers) are counted each by itself. */
export const COUNTED_EACH = 256;
let next = 0;
function place(floats: number): number {
  const at = next;
  next += 8 * floats;
  return at;
}
const eachCount = (): number => place(COUNTED_EACH / 2), eachFloat = (): number => place(COUNTED_EACH);
export const LOG = {
  /** Events since reset, a 64-bit float; then as many of each kind. */
  recorded: place(1), kinds: place(MOST_KINDS),
  /** 32-bit counts of VM exits by basic reason, exceptions and interrupts by vector, hypercalls by number. */
  exits: eachCount(), exceptions: eachCount(), interrupts: eachCount(), hypercalls: eachCount(),
  /** By basic exit reason, 64-bit floats: how often a VM entry followed, the instructions up to it, their least and most, and the instant of the exit that took the most. */
  served: { count: eachFloat(), total: eachFloat(), least: eachFloat(), most: eachFloat(), mostAt: eachFloat() },
  /** By processor, of the exit that no entry has followed yet: 1 + its reason, 0 for none, and its instant. */
  openReason: place(MOST_PROCESSORS), openSince: place(MOST_PROCESSORS),
  ring: next,
} as const;
/** Inside an event: instructions retired before it, RIP and fields as 64-bit floats; `says` is 1 + the number of a common sentence, 0: TypeScript keeps its own. */
export const EVENT = { at: 0, rip: 8, values: 16, kind: 16 + 8 * MOST_FIELDS, cpu: 81, world: 82, given: 83, says: 84, bytes: 88 } as const;
export const LOG_BYTES = LOG.ring + EVENTS_KEPT * EVENT.bytes;
if (MAP.events + LOG_BYTES > MAP.watched) throw new Error('the events overlap what comes next');

const COMMON: Sentence[] = [];
/** A sentence that events of generated code name by its number. */
export const commonSentence = (says: Sentence): number => COMMON.push(says) - 1;
export const sentenceOf = (number: number): Sentence => COMMON[number]!;

export interface EmittedEvent {
  readonly kind: number;
  readonly world: number;
  /** Number of its common sentence. */
  readonly says: number;
  /** Push 64-bit floats. */
  readonly rip: () => void;
  readonly values: readonly (() => void)[];
}

/** Records an event of the instruction whose record is in that local; returns the local with its instant. */
export function emitEvent(f: FunctionBody, record: number, { kind, world, says, rip, values }: EmittedEvent): number {
  const at = f.local(I32), recorded = f.local(F64), instant = f.local(F64);
  const increment = (offset: number): void => { f.i32(MAP.events).i32(MAP.events).memory('f64.load', offset).f64(1).op('f64.add').memory('f64.store', offset); };
  f.i32(MAP.events).memory('f64.load', LOG.recorded).tee(recorded).op('i64.trunc_f64_s').op('i32.wrap_i64').i32(EVENTS_KEPT - 1).op('i32.and').i32(EVENT.bytes).op('i32.mul')
    .i32(MAP.events + LOG.ring).op('i32.add').set(at);
  increment(LOG.recorded);
  increment(LOG.kinds + 8 * kind);
  f.get(at).i32(0).memory('f64.load', S.grantEnd).i32(0).memory('i32.load', S.budget).get(record).memory('i32.load', RECORD.remaining.offset).op('i32.add').op('f64.convert_i32_s').op('f64.sub').tee(instant).memory('f64.store', EVENT.at);
  f.get(at);
  rip();
  f.memory('f64.store', EVENT.rip);
  values.forEach((push, place) => {
    f.get(at);
    push();
    f.memory('f64.store', EVENT.values + 8 * place);
  });
  f.get(at).i32(kind | (world << 16) | (values.length << 24)).i32(0).memory('i32.load', S.processor).i32(8).op('i32.shl').op('i32.or').memory('i32.store', EVENT.kind);
  f.get(at).i32(1 + says).memory('i32.store', EVENT.says);
  return instant;
}

/** Counts a small number, which `push` leaves on the stack. */
export function emitCount(f: FunctionBody, counts: 'exits' | 'exceptions' | 'interrupts' | 'hypercalls', push: () => void): void {
  const at = f.local(I32);
  push();
  f.i32(COUNTED_EACH - 1).op('i32.and').i32(2).op('i32.shl').i32(MAP.events + LOG[counts]).op('i32.add').tee(at).get(at).memory('i32.load', 0).i32(1).op('i32.add').memory('i32.store', 0);
}

const ofProcessor = (f: FunctionBody): FunctionBody => f.i32(0).memory('i32.load', S.processor).i32(3).op('i32.shl').i32(MAP.events).op('i32.add');

/** A VM exit at the instant in that local: what observe/service-times.ts does. */
export function emitExited(f: FunctionBody, instant: number, reason: number): void {
  ofProcessor(f).f64(1 + reason).memory('f64.store', LOG.openReason);
  ofProcessor(f).get(instant).memory('f64.store', LOG.openSince);
}

/** A VM entry likewise. */
export function emitEntered(f: FunctionBody, instant: number): void {
  const open = f.local(F64), since = f.local(F64), taken = f.local(F64), at = f.local(I32), { count, total, least, most, mostAt } = LOG.served;
  const column = (offset: number): FunctionBody => f.get(at).memory('f64.load', offset);
  const set = (offset: number, push: () => void): void => {
    f.get(at);
    push();
    f.memory('f64.store', offset);
  };
  ofProcessor(f).memory('f64.load', LOG.openReason).tee(open).f64(0).op('f64.ne').block('if');
  ofProcessor(f).f64(0).memory('f64.store', LOG.openReason);
  ofProcessor(f).memory('f64.load', LOG.openSince).set(since);
  f.get(instant).get(since).op('f64.sub').set(taken);
  f.get(open).op('i64.trunc_f64_s').op('i32.wrap_i64').i32(1).op('i32.sub').i32(3).op('i32.shl').i32(MAP.events).op('i32.add').set(at);
  column(count).f64(0).op('f64.eq').get(taken);
  column(least).op('f64.lt').op('i32.or').block('if');
  set(least, () => f.get(taken));
  f.end();
  set(count, () => column(count).f64(1).op('f64.add'));
  set(total, () => column(total).get(taken).op('f64.add'));
  f.get(taken);
  column(most).op('f64.ge').block('if');
  set(most, () => f.get(taken));
  set(mostAt, () => f.get(since));
  f.end().end();
}
