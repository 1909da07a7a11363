/**
 * The plain case of a translation: RAM through 4-level paging. What the architectural TLB holds goes into the fast one; what it does not hold is walked for, and
 * cached in both with accessed and dirty flags set. It does what `Mmu.translate` and paging/walk.ts do; a test compares.
 */
import { FAST_TLB_ENTRIES, FAST_TLB_ENTRY_BYTES, FAST_TLB_FOLD, FAST_TLB_PART_BYTES, FAST_TLB_PARTS, MAP, PLAIN_PAGING, S, SEGMENT, SPACE, TLB, TLB_SETS, TLB_WAYS } from '../cpu/layout.js';
import { ACCESS, INFO } from '../meaning/emit.js';
import type { Value } from '../meaning/meaning.js';
import type { Plain } from '../meaning/plain.js';
import { ADAPTERS, ADAPTERS_END } from '../memory/memory-map.js';
import { PHYSICAL_HIGH, PHYSICAL_RESERVED_HIGH } from '../paging/capabilities.js';
import { FAST_TABLES } from '../paging/fast-tlb.js';
import {
  type AccessKind, DIRTY, EPT_RIGHTS, EXECUTE, EXECUTE_DISABLE, GLOBAL, KEY_SHIFT, SMAP_ENFORCED, SMEP_ENFORCED, USER, USER_ACCESS, WRITABLE, WRITE, WRITE_PROTECT,
} from '../paging/outcome.js';
import { ACCESSED, ADDRESS_BELOW_PAGE, CR4_PGE, EFER_NXE, ENTRY_DIRTY, ENTRY_GLOBAL, MAPS_PAGE, PRESENT } from '../paging/walk.js';

/** Besides a place in the shared memory: the case is not plain; an entry of the paging structures is not present. */
export const NOT_PLAIN = 0, NOT_PRESENT = -1;
export const PAGE_SHIFT = 12, LARGE_SHIFT = 21;
export const NONE = -1;

export const has = (value: Value, bits: number): Value => value.and(bits).ne(0);
const address = (low: Value, high: Value): Value => high.zeroExtend(64).shl(32).or(low.zeroExtend(64));
export const asFloat = (m: Plain, integer: Value): Value => m.wasm('f64.convert_i64_s', 64, [integer]);
const asInteger = (m: Plain, float: Value): Value => m.wasm('i64.trunc_f64_s', 64, [float]);
const isCodePage = (m: Plain, physical: Value): Value => m.get(physical.shr(PAGE_SHIFT).truncate(32), 8, MAP.codePages).ne(0);

/** Whether memory answers there, at the place of its number in the store. */
const isMemory = (physical: Value, guestBytes: number): Value => physical.ult(guestBytes).and(physical.sub(ADAPTERS).ult(ADAPTERS_END - ADAPTERS).isZero);

/** Where entry n of a column is. */
export const entry = (m: Plain, n: Value, bytes: 1 | 4 | 8): Value => m.word(S.tlb).add(bytes === 1 ? n : n.shl(bytes === 4 ? 2 : 3));
/** The first way of the set in which a page of that size is, outside VMX non-root operation and with paging. */
export function firstWay(linear: Value, shift: number): Value {
  const low = linear.truncate(32).shr(shift), high = linear.shr(32).truncate(32);
  return low.xor(low.shr(10)).xor(high.shl(2)).and(TLB_SETS - 1).shl(Math.log2(TLB_WAYS));
}
export const pageOf = (m: Plain, linear: Value, shift: number): Value => asFloat(m, linear.and(-(1n << BigInt(shift))));

/** Whether its owner's stamps let the entry live, and whether it is global. */
export function alive(m: Plain, n: Value): { owner: Value; live: Value; isGlobal: Value } {
  const owner = m.word(entry(m, n, 4), TLB.owner), isGlobal = m.word(entry(m, n, 4), TLB.rights).and(GLOBAL).ne(0), stamps = entry(m, owner, 8);
  const since = isGlobal.select(m.quad(stamps, TLB.globalSince), m.quad(stamps, TLB.since));
  return { owner, isGlobal, live: owner.ne(NONE).and(m.wasm('f64.ge', 1, [m.quad(entry(m, n, 8), TLB.born), since])) };
}

/** The entry that the present space may use, or NONE. */
function find(m: Plain, linear: Value, shift: number): Value {
  const found = m.variable(m.constant(NONE, 32)), first = firstWay(linear, shift), page = pageOf(m, linear, shift);
  for (let way = 0; way < TLB_WAYS; way++) {
    const n = first.add(way);
    m.when(m.quad(entry(m, n, 8), TLB.page).eq(page).and(m.get(entry(m, n, 1), 8, TLB.shift).eq(shift)).and(found.eq(NONE)), () => {
      const { owner, isGlobal, live } = alive(m, n), world = (space: Value) => m.word(entry(m, space, 4), TLB.world);
      m.when(live.and(isGlobal.select(world(owner).eq(world(m.word(S.space))), owner.eq(m.word(S.space)))), () => m.assign(found, n));
    });
  }
  return found;
}

/** SDM Vol. 3, "Determination of Access Rights"; without protection keys. */
function allowed(m: Plain, rights: Value, kind: AccessKind, privilege: Value): Value {
  const no = m.constant(0, 1), user = has(privilege, USER_ACCESS), ofUser = has(rights, USER);
  const executeDisabled = kind === EXECUTE ? has(rights, EXECUTE_DISABLE) : no;
  const readOnly = kind === WRITE ? has(rights, WRITABLE).isZero : no;
  const kept = ofUser.and(has(privilege, kind === EXECUTE ? SMEP_ENFORCED : SMAP_ENFORCED));
  return user.select(ofUser.isZero.or(readOnly), kept.or(readOnly.and(has(privilege, WRITE_PROTECT)))).or(executeDisabled).isZero;
}

/** Demands that the page is RAM that needs nothing further; what is filled then is the fast TLB. */
function demandOrdinary(m: Plain, physical: Value, kind: AccessKind, guestBytes: number): void {
  m.demand(isMemory(physical, guestBytes).and(physical.xor(m.quad(S.apicBase)).and(-4096n).ne(0)));
  if (kind === WRITE) m.demand(isCodePage(m, physical).isZero);
}
const fastEntry = (linear: Value): Value => {
  const low = linear.truncate(32);
  return low.shr(PAGE_SHIFT).xor(low.shr(FAST_TLB_FOLD)).and(FAST_TLB_ENTRIES - 1).shl(Math.log2(FAST_TLB_ENTRY_BYTES));
};
function fill(m: Plain, linear: Value, physical: Value, kind: AccessKind): void {
  const at = fastEntry(linear).add(m.word(S.tlbPart)), page = linear.and(-4096n), host = physical.add(MAP.guestMemory).truncate(32);
  m.set(at, page.or(m.quad(S.spaceTag)), FAST_TABLES[kind]);
  m.set(at, host.sub(linear.truncate(32)), FAST_TABLES[kind] + 8);
  m.return(host);
}
/** Whatever the fast TLB holds of that page. */
export function dropPage(m: Plain, linear: Value): void {
  const at = fastEntry(linear).add(m.word(S.supervisorSpace + SPACE.part)), nothing = m.constant(-1, 64);
  for (const table of FAST_TABLES) for (let part = 0; part < FAST_TLB_PARTS; part++) m.set(at, nothing, table + part * FAST_TLB_PART_BYTES);
}

interface Entry { readonly host: Value; readonly physical: Value; readonly low: Value; readonly high: Value }

/** Records the translation of a canonical linear address; `notPresent` what follows when an entry of that level is not present. */
export function translate(m: Plain, linear: Value, kind: AccessKind, guestBytes: number, notPresent: (level: number, entry: Entry) => void): void {
  const shifts = m.word(m.word(S.tlb), TLB.shifts);
  m.demand(m.word(S.plainPaging).eq(PLAIN_PAGING.fourLevel).and(shifts.and(~(1 << PAGE_SHIFT | 1 << LARGE_SHIFT)).eq(0)).and(linear.shl(16).sar(16).eq(linear)));
  const user = m.word(S.cpl).eq(3), privilege = user.select(m.constant(USER_ACCESS, 32), m.word(S.supervisorSpace + SPACE.privilege));
  const small = find(m, linear, PAGE_SHIFT), n = m.variable(small);
  m.when(small.eq(NONE).and(has(shifts, 1 << LARGE_SHIFT)), () => m.assign(n, find(m, linear, LARGE_SHIFT)));
  m.when(n.ne(NONE), () => {
    const rights = m.word(entry(m, n, 4), TLB.rights), shift = m.get(entry(m, n, 1), 8, TLB.shift).zeroExtend(64);
    m.demand(allowed(m, rights, kind, privilege));
    if (kind === WRITE) m.demand(has(rights, DIRTY));
    const physical = asInteger(m, m.quad(entry(m, n, 8), TLB.physical)).add(linear.and(m.constant(1, 64).shl(shift).sub(1)));
    demandOrdinary(m, physical, kind, guestBytes);
    fill(m, linear, physical, kind);
  });

  const nxe = has(m.word(S.efer), EFER_NXE), entries: Entry[] = [];
  let table = m.quad(S.cr3).and(~0xfffn), rights = m.constant(WRITABLE | USER, 32), disabled = m.constant(0, 32);
  for (let level = 4; level >= 1; level--) {
    const physical = table.add(linear.shr(9 * level + 3).and(0x1ff).shl(3));
    m.demand(isMemory(physical, guestBytes));
    const host = physical.truncate(32).add(MAP.guestMemory), low = m.word(host), high = m.word(host, 4), each: Entry = { host, physical, low, high };
    entries.push(each);
    m.when(low.and(PRESENT).eq(0), () => { notPresent(level, each); });
    m.demand(high.and(PHYSICAL_RESERVED_HIGH).eq(0).and(nxe.or(m.constant(-1, 32).slt(high))));
    rights = rights.and(low);
    disabled = disabled.or(high);
    const leaf = { linear, kind, privilege, entries: [...entries], rights, disabled: disabled.slt(0), level, guestBytes, shifts };
    if (level === 1) cache(m, leaf);
    else if (level === 2) m.when(has(low, MAPS_PAGE), () => { cache(m, leaf); });
    else m.demand(has(low, MAPS_PAGE).isZero);
    if (level > 1) table = address(low.and(0xfffff000), high.and(PHYSICAL_HIGH));
  }
}

interface Leaf {
  readonly linear: Value; readonly kind: AccessKind; readonly privilege: Value; readonly entries: readonly Entry[]; readonly rights: Value; readonly disabled: Value;
  readonly level: number; readonly guestBytes: number; readonly shifts: Value;
}

/** An entry maps the page: the flags, both TLBs. */
function cache(m: Plain, { linear, kind, privilege, entries, rights: allow, disabled, level, guestBytes, shifts }: Leaf): void {
  const shift = 9 * level + 3, { low, high } = entries[entries.length - 1]!, offset = linear.and((1n << BigInt(shift)) - 1n);
  const when = (condition: Value, bits: number): Value => condition.select(m.constant(bits, 32), m.constant(0, 32));
  let rights = allow.or(when(disabled, EXECUTE_DISABLE)).or(high.shr(27).and(15).shl(KEY_SHIFT));
  m.demand(low.and(ADDRESS_BELOW_PAGE[level] ?? 0).eq(0).and(has(shifts, 1 << shift)).and(allowed(m, rights, kind, privilege)));
  rights = rights.or(when(has(low, ENTRY_GLOBAL).and(has(m.word(S.cr4), CR4_PGE)), GLOBAL)).or(EPT_RIGHTS).or(kind === WRITE ? m.constant(DIRTY, 32) : when(has(low, ENTRY_DIRTY), DIRTY));
  const page = address(low.and(-(1 << shift)), high.and(PHYSICAL_HIGH));
  demandOrdinary(m, page.add(offset), kind, guestBytes);
  const flagged = entries.map((each, n) => {
    const flags = n === entries.length - 1 && kind === WRITE ? ACCESSED | ENTRY_DIRTY : ACCESSED, present = each.low.and(flags).eq(flags);
    m.demand(present.or(isCodePage(m, each.physical).isZero));
    return { host: each.host, low: each.low.or(flags) };
  });

  const first = firstWay(linear, shift), place = m.variable(m.constant(NONE, 32));
  for (let way = 0; way < TLB_WAYS; way++) m.when(place.eq(NONE), () => { m.when(alive(m, first.add(way)).live.isZero, () => m.assign(place, first.add(way))); });
  m.when(place.eq(NONE), () => {
    const at = m.word(S.tlb).add(first.shr(Math.log2(TLB_WAYS))), way = m.get(at, 8, TLB.victims).zeroExtend(32), victim = first.add(way);
    m.demand(m.get(entry(m, victim, 1), 8, TLB.shift).eq(PAGE_SHIFT));
    m.assign(place, victim);
    m.set(at, way.add(1).and(TLB_WAYS - 1).truncate(8), TLB.victims);
    dropPage(m, asInteger(m, m.quad(entry(m, victim, 8), TLB.page)));
  });
  for (const { host, low: flags } of flagged) m.set(host, flags);

  const quads = entry(m, place, 8), words = entry(m, place, 4), bytes = entry(m, place, 1), base = asFloat(m, page);
  m.set(quads, pageOf(m, linear, shift), TLB.page);
  m.set(quads, base, TLB.guestPhysical);
  m.set(quads, base, TLB.physical);
  m.set(quads, m.quad(S.tlbNow), TLB.born);
  m.set(words, rights, TLB.rights);
  m.set(words, m.word(S.space), TLB.owner);
  for (const column of [TLB.shift, TLB.guestShift]) m.set(bytes, m.constant(shift, 8), column);
  fill(m, linear, page.add(offset), kind);
}

/** The linear address of a reference as generated code describes it to `slowReference`: with at most the base of a segment, inside one page. */
export function referenceAddress(m: Plain, info: Value, segmentAt: Value): Value {
  const bytes = info.and(0xff), offset = m.quad(S.args + 7 * 16);
  m.demand(info.and(INFO.implicitSupervisor).eq(0).and(segmentAt.eq(0).or(info.and(INFO.baseOnly).ne(0))));
  const linear = segmentAt.eq(0).select(offset, offset.add(m.quad(segmentAt, SEGMENT.base))), low = linear.truncate(32);
  m.demand(low.and(0xfff).add(bytes).ule(4096).and(info.and(INFO.aligned).eq(0).or(low.and(bytes.sub(1)).eq(0))));
  return linear;
}
export const isRead = (info: Value): Value => info.shr(INFO.accessShift).and(3).eq(ACCESS.read);
