/** The plain cases of INVLPG and of a page fault at an entry that is not present, with their events in the trap ledger. They do what cpu/exceptions.ts, paging/mmu.ts and observe/observer.ts do. */
import { commonSentence, EVENT, EVENTS_KEPT, LOG } from '../cpu/event-log.js';
import { Exception, VECTORS } from '../cpu/events.js';
import { exceptionSays } from '../cpu/exceptions.js';
import { RF } from '../cpu/flags.js';
import { FS, MAP, PLAIN_PAGING, S, SEGMENT, segment, TLB, TLB_WAYS } from '../cpu/layout.js';
import { named, NONE as ABSENT, TRAP } from '../cpu/trap-events.js';
import type { Value } from '../meaning/meaning.js';
import type { Plain } from '../meaning/plain.js';
import { RECORD } from '../meaning/record.js';
import { INVLPG_SAYS } from '../paging/flush-sentences.js';
import { ERROR, notPresent } from '../paging/walk.js';
import { alive, asFloat, dropPage, entry, firstWay, has, LARGE_SHIFT, NONE, NOT_PRESENT, PAGE_SHIFT, pageOf } from './plain-paging.js';
import { canonical, deliver, demandUsual, goOn, never, operand, type PlainCase, type PlainImports, rflags } from './plain-transfers.js';

const floatBits = (value: number): bigint => new BigUint64Array(new Float64Array([value]).buffer)[0]!;
const float = (m: Plain, value: number): Value => m.constant(floatBits(value), 64);
const unsigned = (m: Plain, value: Value): Value => asFloat(m, value.zeroExtend(64));

/** Nobody waits for events of that kind. */
const demandUnasked = (m: Plain, kind: number): void => m.demand(has(m.word(S.unasked), 1 << kind));

const INVLPG = commonSentence(INVLPG_SAYS);
/** Values behind the fields: level, physical address and halves of the entry. */
const ABSENT_ENTRY = commonSentence(({ rip }, values) => {
  const [vector, error, cr2, , level, address, low, high] = Array.from(values!);
  return exceptionSays(true, rip, new Exception(vector!, error!, cr2, notPresent(level!, address!, low!, high!, 8)));
});

interface PlainEvent {
  readonly kind: number;
  readonly rip: Value;
  /** As floats: the fields of the kind, and what its sentence needs besides. */
  readonly values: readonly Value[];
  readonly says: number;
}
/** An event of the instruction of that record, outside VMX non-root operation: as `emitEvent` of cpu/event-log.ts records it. */
function note(m: Plain, record: Value, { kind, rip, values, says }: PlainEvent): void {
  const addTo = (offset: number): void => m.put64(MAP.events + offset, m.wasm('f64.add', 64, [m.quad(MAP.events + offset), float(m, 1)]));
  const slot = m.wasm('i64.trunc_f64_s', 64, [m.quad(MAP.events + LOG.recorded)]).truncate(32).and(EVENTS_KEPT - 1).mul(EVENT.bytes).add(MAP.events + LOG.ring);
  const left = m.word(S.budget).add(m.word(record, RECORD.remaining.offset)).signExtend(64), world = m.word(S.vmxOn).ne(0).zeroExtend(32);
  m.set(slot, m.wasm('f64.sub', 64, [m.quad(S.grantEnd), asFloat(m, left)]), EVENT.at);
  m.set(slot, asFloat(m, rip), EVENT.rip);
  values.forEach((value, place) => { m.set(slot, value, EVENT.values + 8 * place); });
  m.set(slot, world.shl(16).or(m.word(S.processor).shl(8)).or(kind | values.length << 24), EVENT.kind);
  m.set(slot, m.constant(1 + says, 32), EVENT.says);
  addTo(LOG.recorded);
  addTo(LOG.kinds + 8 * kind);
}

/** What a translation leaves behind where an entry is not present, for `pageFault`. */
export function noteAbsent(m: Plain, level: number, physical: Value, low: Value, high: Value): void {
  m.put(S.absentLevel, level);
  m.put64(S.absentAddress, physical);
  m.put(S.absentEntry, low);
  m.put(S.absentEntry + 4, high);
  m.return(NOT_PRESENT);
}

/** SDM Vol. 3, "Interrupt 14—Page-Fault Exception (#PF)": of a data access by the instruction of that record. */
export function pageFault(m: Plain, record: Value, linear: Value, writes: Value, imports: PlainImports): void {
  demandUsual(m);
  demandUnasked(m, TRAP.exception);
  m.demand(m.quad(S.pendingDebug).eq(0));
  const rip = m.quad(S.codePage).add(m.record('offset', 64)), no = m.constant(0, 32);
  const errorCode = writes.select(m.constant(ERROR.write, 32), no).or(m.word(S.cpl).eq(3).select(m.constant(ERROR.user, 32), no)), vector = m.constant(VECTORS['#PF'], 32);
  const handler = deliver(m, { vector, returnTo: rip, checksGateDpl: false, pushedFlags: rflags(m).or(RF), errorCode });
  m.put64(S.cr2, linear);
  const counted = MAP.events + LOG.exceptions + 4 * VECTORS['#PF'];
  m.put(counted, m.word(counted).add(1));
  note(m, record, {
    kind: TRAP.exception, rip, says: ABSENT_ENTRY,
    values: [vector, errorCode].map((value) => unsigned(m, value)).concat(asFloat(m, linear), asFloat(m, rip), unsigned(m, m.word(S.absentLevel)), asFloat(m, m.quad(S.absentAddress)),
      ...[0, 4].map((half) => unsigned(m, m.word(S.absentEntry + half)))),
  });
  goOn(m, record, handler, never(m), imports, 0);
}

/** SDM Vol. 2, "INVLPG—Invalidate TLB Entries". */
export const invalidatePage: PlainCase = (m, record, imports) => {
  demandUsual(m);
  demandUnasked(m, TRAP['TLB flush']);
  const place = operand(m, 1), base = m.constant(segment(FS), 32).ule(place).select(m.quad(place, SEGMENT.base), m.constant(0, 64)), linear = m.quad(S.args).add(base);
  const shifts = m.word(m.word(S.tlb), TLB.shifts), page = pageOf(m, linear, PAGE_SHIFT), large = pageOf(m, linear, LARGE_SHIFT);
  m.demand(m.word(S.plainPaging).eq(PLAIN_PAGING.fourLevel).and(shifts.and(~(1 << PAGE_SHIFT | 1 << LARGE_SHIFT)).eq(0)).and(m.word(S.cpl).eq(0)).and(canonical(linear)));
  for (let way = 0; way < TLB_WAYS; way++) m.demand(m.quad(entry(m, firstWay(linear, LARGE_SHIFT).add(way), 8), TLB.page).ne(large).or(m.get(entry(m, firstWay(linear, LARGE_SHIFT).add(way), 1), 8, TLB.shift).eq(PAGE_SHIFT)));
  for (let way = 0; way < TLB_WAYS; way++) {
    const n = firstWay(linear, PAGE_SHIFT).add(way);
    m.when(m.quad(entry(m, n, 8), TLB.page).eq(page).and(m.get(entry(m, n, 1), 8, TLB.shift).eq(PAGE_SHIFT)), () => {
      const { owner, isGlobal, live } = alive(m, n), world = (space: Value): Value => m.word(entry(m, space, 4), TLB.world);
      m.when(live.and(isGlobal.select(world(owner).eq(world(m.word(S.space))), owner.eq(m.word(S.space)))), () => {
        m.set(entry(m, n, 8), float(m, NaN), TLB.page);
        m.set(entry(m, n, 4), m.constant(NONE, 32), TLB.owner);
        dropPage(m, linear);
      });
    });
  }
  const absent = float(m, ABSENT), rip = m.quad(S.codePage).add(m.record('offset', 64));
  note(m, record, { kind: TRAP['TLB flush'], rip, says: INVLPG, values: [float(m, named('INVLPG')), absent, absent, absent, absent, asFloat(m, linear)] });
  goOn(m, record, m.quad(S.codePage).add(m.record('nextOffset', 64)), never(m), imports);
};
