/**
 * The one walker: from a linear address to a physical one, through the guest's paging structures and, with EPT, through
 * the hypervisor's. It reads and judges, and changes nothing. SDM Vol. 3, "Paging".
 */
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { EPT_READ, EPT_WRITE, EPTP_ACCESSED_DIRTY, EptOutcome, QUALIFICATION, walkEpt } from '../vmx/ept.js';
import { PHYSICAL_HIGH, PHYSICAL_RESERVED_HIGH } from './capabilities.js';
import {
  DIRTY, entryText, EPT_RIGHTS, EPT_RIGHTS_SHIFT, eptRight, EXECUTE, EXECUTE_DISABLE, GLOBAL, hex, KEY_SHIFT, USER, USER_ACCESS, WRITABLE, WRITE,
  type AccessKind, type WalkOutcome, type WalkStep,
} from './outcome.js';
import { load32 } from './physical-memory.js';
import { ALLOWED, DENIED_BY_EXECUTE_DISABLE, DENIED_BY_KEY, deniedByKey, DENIED_BY_SMAP, DENIED_BY_SMEP, DENIED_BY_USER, DENIED_BY_WRITE, judge } from './rights.js';

/** The registers that a walk depends on; not always the processor's present ones: a panel asks for a guest while its hypervisor runs. */
export interface PagingState {
  cr0: number;
  cr3: number;
  cr4: number;
  efer: number;
  /** Halves of the four PDPTE registers, used by PAE paging. */
  readonly pdptes: Uint32Array;
  /** The EPT pointer, 0 when EPT is not in use; and whether its execute rights depend on the mode of the linear address. */
  eptp: number;
  modeBased: boolean;
  /** Physical address of the APIC-access page, -1 when there is none. */
  apicAccessPage: number;
  /** PKRU; it counts only with CR4.PKE in IA-32e mode. */
  pkru: number;
}
export const pagingState = (): PagingState => ({ cr0: 0, cr3: 0, cr4: 0, efer: 0, pdptes: new Uint32Array(8), eptp: 0, modeBased: false, apicAccessPage: -1, pkru: 0 });
/** Notes what the processor has now. */
export function noteState(cpu: Processor, eptp: number, modeBased: boolean, apicAccessPage: number, state: PagingState): PagingState {
  state.cr0 = cpu.cr0;
  state.cr3 = cpu.cr3;
  state.cr4 = cpu.cr4;
  state.efer = cpu.efer;
  state.eptp = eptp;
  state.modeBased = modeBased;
  state.apicAccessPage = apicAccessPage;
  state.pkru = cpu.low(S.pkru);
  if (pagingMode(state) === 'PAE') state.pdptes.set(cpu.u32.subarray(S.pdpte >> 2, (S.pdpte >> 2) + 8));
  return state;
}
/** Whether it is what the processor has now, where there are neither EPT nor PDPTE registers. */
export const isStateOf = (cpu: Processor, s: PagingState): boolean =>
  s.cr3 === cpu.cr3 && s.cr0 === cpu.cr0 && s.cr4 === cpu.cr4 && s.efer === cpu.efer && s.eptp === 0 && !s.modeBased && s.apicAccessPage < 0 && s.pkru === cpu.low(S.pkru);
/** PKRU where protection keys are enabled, else 0, which forbids nothing. */
export const enabledKeys = (cr4: number, efer: number, pkru: number): number => ((cr4 & CR4_PKE) !== 0 && (efer & EFER_LMA) !== 0 ? pkru : 0);

export const CR0_PG = 0x80000000 | 0, CR0_WP = 1 << 16;
export const CR4_PSE = 1 << 4, CR4_PAE = 1 << 5, CR4_PGE = 1 << 7, CR4_PCIDE = 1 << 17, CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21, CR4_PKE = 1 << 22;
export const EFER_LMA = 1 << 10, EFER_NXE = 1 << 11;

export type PagingMode = 'none' | '32-bit' | 'PAE' | '4-level';
export const pagingMode = (s: Pick<PagingState, 'cr0' | 'cr4' | 'efer'>): PagingMode =>
  (s.cr0 & CR0_PG) === 0 ? 'none' : (s.cr4 & CR4_PAE) === 0 ? '32-bit' : (s.efer & EFER_LMA) === 0 ? 'PAE' : '4-level';

/** Bits of paging-structure entries. */
export const PRESENT = 1 << 0, ACCESSED = 1 << 5, ENTRY_DIRTY = 1 << 6, MAPS_PAGE = 1 << 7, ENTRY_GLOBAL = 1 << 8;
const XD_HIGH = 0x80000000 | 0, PAE_IGNORED_HIGH = 0x7ff00000;
const LEVELS = ['', 'PTE', 'PDE', 'PDPTE', 'PML4E'] as const;
/** By level of the entry that maps a page: address bits that must be 0. */
export const ADDRESS_BELOW_PAGE = [0, 0, 0x1fe000, 0x3fffe000] as const;
export const ERROR = { present: 1, write: 2, user: 4, reserved: 8, fetch: 16, key: 32 } as const;

/** The entries of the walk under way, by level (leaf 1 … 4): what the flags and the sentence of a denial need. */
const entryGuestPhysical = new Float64Array(5), entryPhysical = new Float64Array(5);
const entryLow = new Int32Array(5), entryHigh = new Int32Array(5), entryEptRights = new Int32Array(5);
const ept = new EptOutcome();

export function walk(
  cpu: Processor, state: PagingState, linear: number, kind: AccessKind, privilege: number, outcome: WalkOutcome, steps?: WalkStep[],
): void {
  outcome.updates.count = 0;
  if ((state.cr0 & CR0_PG) === 0) {
    outcome.guestPageShift = 12;
    outcome.rights = WRITABLE | USER | DIRTY;
    finish(cpu, state, linear, linear, kind, outcome, steps);
  } else if ((state.cr4 & CR4_PAE) !== 0) {
    walkLong(cpu, state, linear, kind, privilege, outcome, steps);
  } else {
    walk32(cpu, state, linear, kind, privilege, outcome, steps);
  }
}

/** Eight-byte entries. SDM Vol. 3, "4-Level Paging and 5-Level Paging", "PAE Paging". */
function walkLong(
  cpu: Processor, state: PagingState, linear: number, kind: AccessKind, privilege: number, outcome: WalkOutcome, steps?: WalkStep[],
): void {
  const low32 = linear | 0, high32 = Math.floor(linear / 2 ** 32);
  const nxe = (state.efer & EFER_NXE) !== 0, pae = (state.efer & EFER_LMA) === 0;
  const reservedHigh = PHYSICAL_RESERVED_HIGH | (nxe ? 0 : XD_HIGH) | (pae ? PAE_IGNORED_HIGH : 0);
  let table: number, level = 4, rights = WRITABLE | USER, disabled = 0;
  if (pae) {
    const register = low32 >>> 30, low = state.pdptes[2 * register]!, high = state.pdptes[2 * register + 1]!;
    steps?.push(stepOf('PDPTE', linear, undefined, undefined, low, high, 8, rights, 0, undefined));
    if ((low & PRESENT) === 0) return fault(outcome, state, kind, privilege, 0, `PDPTE${register} (${entryText(low, high)}) is not present`, steps);
    table = (high & PHYSICAL_HIGH) * 2 ** 32 + ((low & 0xfffff000) >>> 0);
    level = 2;
  } else {
    table = Math.floor(state.cr3 / 4096) * 4096;
  }
  const top = level;
  for (; ; level--) {
    const index = level === 1 ? low32 >>> 12 : level === 2 ? low32 >>> 21 : level === 3 ? high32 << 2 | low32 >>> 30 : high32 >>> 7;
    const address = table + 8 * (index & 0x1ff);
    if (!locate(cpu, state, address, level, outcome, steps)) return;
    const physical = entryPhysical[level]!;
    const low = load32(cpu, physical), high = load32(cpu, physical + 4);
    entryLow[level] = low;
    entryHigh[level] = high;
    rights &= low;
    disabled |= high;
    const leaf = level === 1 || ((low & MAPS_PAGE) !== 0 && level < 4);
    steps?.push(stepOf(LEVELS[level]!, linear, address, physical, low, high, 8, rights, nxe ? disabled : 0, leaf ? 9 * level + 3 : undefined));

    if ((low & PRESENT) === 0) return fault(outcome, state, kind, privilege, 0, notPresent(level, entryGuestPhysical[level]!, low, high, 8), steps);
    if ((high & reservedHigh) !== 0 || (level === 4 && (low & MAPS_PAGE) !== 0) || (leaf && (low & ADDRESS_BELOW_PAGE[level]!) !== 0)) {
      return fault(outcome, state, kind, privilege, ERROR.present | ERROR.reserved, `${entryName(level, 8)}: ${reservedReason(high | 0, level, nxe, pae)}`, steps);
    }
    table = (high & PHYSICAL_HIGH) * 2 ** 32 + ((low & 0xfffff000) >>> 0);
    if (!leaf) continue;

    const shift = 9 * level + 3;
    outcome.guestPageShift = shift;
    outcome.rights = rights | (nxe && disabled < 0 ? EXECUTE_DISABLE : 0) | (pae ? 0 : (high >>> 27 & 15) << KEY_SHIFT);
    if (shift > 12) table = (high & PHYSICAL_HIGH) * 2 ** 32 + ((low & -(1 << shift)) >>> 0);
    return leafFound(cpu, state, linear, table + (low32 & ((1 << shift) - 1)), kind, privilege, level, top, 8, outcome, steps);
  }
}

/** Four-byte entries. SDM Vol. 3, "32-Bit Paging". */
function walk32(
  cpu: Processor, state: PagingState, linear: number, kind: AccessKind, privilege: number, outcome: WalkOutcome, steps?: WalkStep[],
): void {
  let table = (state.cr3 & 0xfffff000) >>> 0, rights = WRITABLE | USER;
  for (let level = 2; ; level--) {
    const address = table + 4 * ((level === 2 ? linear >>> 22 : linear >>> 12) & 0x3ff);
    if (!locate(cpu, state, address, level, outcome, steps)) return;
    const physical = entryPhysical[level]!, low = load32(cpu, physical);
    entryLow[level] = low;
    entryHigh[level] = 0;
    rights &= low;
    const large = level === 2 && (low & MAPS_PAGE) !== 0 && (state.cr4 & CR4_PSE) !== 0;
    steps?.push(stepOf(LEVELS[level]!, linear, address, physical, low, 0, 4, rights, 0, large ? 22 : level === 1 ? 12 : undefined));

    if ((low & PRESENT) === 0) return fault(outcome, state, kind, privilege, 0, notPresent(level, entryGuestPhysical[level]!, low, 0, 4), steps);
    if (large && (low & 1 << 21) !== 0) {
      return fault(outcome, state, kind, privilege, ERROR.present | ERROR.reserved, `${entryName(level, 4)}: reserved bit 21 is set in an entry that maps a 4-MByte page`, steps);
    }
    outcome.rights = rights;
    if (large) {
      // "bits 39:32 of the physical address" stand in bits 20:13. SDM Vol. 3, "32-Bit Paging".
      outcome.guestPageShift = 22;
      const base = (low >>> 13 & 0xff) * 2 ** 32 + ((low & 0xffc00000) >>> 0);
      return leafFound(cpu, state, linear, base + (linear & 0x3fffff), kind, privilege, 2, 2, 4, outcome, steps);
    }
    table = (low & 0xfffff000) >>> 0;
    if (level === 1) {
      outcome.guestPageShift = 12;
      return leafFound(cpu, state, linear, table + (linear & 0xfff), kind, privilege, 1, 2, 4, outcome, steps);
    }
  }
}

/** Where the entry at a guest-physical address is in host-physical memory. */
function locate(cpu: Processor, state: PagingState, address: number, level: number, outcome: WalkOutcome, steps?: WalkStep[]): boolean {
  entryGuestPhysical[level] = address;
  if (state.eptp === 0) {
    entryPhysical[level] = address;
    return true;
  }
  // "processor accesses to guest paging-structure entries are treated as writes". SDM Vol. 3C, "Accessed and Dirty Flags for EPT".
  const attempted = (state.eptp & EPTP_ACCESSED_DIRTY) !== 0 ? EPT_READ | EPT_WRITE : EPT_READ;
  if (!walkEpt(cpu, state, address, attempted, QUALIFICATION.linearAddressValid, ept, outcome.updates, steps)) {
    return eptDenies(outcome, address, `the ${LEVELS[level]!} at guest-physical ${hex(address)} cannot be reached`);
  }
  entryPhysical[level] = ept.physical;
  entryEptRights[level] = ept.rights;
  return !isApicAccess(state, outcome, address, LEVELS[level]!);
}

/** SDM Vol. 3C, "Guest-Physical Accesses to the APIC-Access Page": never virtualized. */
function isApicAccess(state: PagingState, outcome: WalkOutcome, guestPhysical: number, level: string): boolean {
  if (state.apicAccessPage < 0 || ept.physical - (ept.physical & 0xfff) !== state.apicAccessPage) return false;
  outcome.is = 'APIC access';
  outcome.guestPhysical = guestPhysical;
  outcome.why = `the ${level} at guest-physical ${hex(guestPhysical)} lies on the APIC-access page`;
  return true;
}

function leafFound(
  cpu: Processor, state: PagingState, linear: number, guestPhysical: number, kind: AccessKind, privilege: number,
  level: number, top: number, entryBytes: 4 | 8, outcome: WalkOutcome, steps?: WalkStep[],
): void {
  const pkru = enabledKeys(state.cr4, state.efer, state.pkru), denial = judge(outcome.rights, kind, privilege, pkru);
  if (denial !== ALLOWED) {
    const at = denyingLevel(denial, level, top), cause = ERROR.present | (deniedByKey(outcome.rights, kind, privilege, pkru) ? ERROR.key : 0);
    return fault(outcome, state, kind, privilege, cause, `${entryName(at, entryBytes)}: ${denialSentence(denial, privilege, outcome.rights >>> KEY_SHIFT & 15)}`, steps, at);
  }
  const low = entryLow[level]!;
  if ((low & ENTRY_GLOBAL) !== 0 && (state.cr4 & CR4_PGE) !== 0) outcome.rights |= GLOBAL;
  if (kind === WRITE || (low & ENTRY_DIRTY) !== 0) outcome.rights |= DIRTY;
  for (let l = top; l >= level; l--) {
    const missing = (l === level && kind === WRITE ? ACCESSED | ENTRY_DIRTY : ACCESSED) & ~entryLow[l]!;
    if (missing === 0) continue;
    if (state.eptp !== 0 && (entryEptRights[l]! & EPT_WRITE) === 0) {
      walkEpt(cpu, state, entryGuestPhysical[l]!, EPT_WRITE, QUALIFICATION.linearAddressValid, ept, outcome.updates, steps);
      eptDenies(outcome, entryGuestPhysical[l]!, `the accessed or dirty flag of the ${LEVELS[l]!} at guest-physical ${hex(entryGuestPhysical[l]!)} cannot be set`);
      return;
    }
    outcome.updates.add(entryPhysical[l]!, missing);
  }
  finish(cpu, state, linear, guestPhysical, kind, outcome, steps);
}

/** The guest's part of the walk is over: the last guest-physical address through EPT. */
function finish(
  cpu: Processor, state: PagingState, linear: number, guestPhysical: number, kind: AccessKind, outcome: WalkOutcome, steps?: WalkStep[],
): void {
  outcome.guestPhysical = guestPhysical;
  if (state.eptp === 0) {
    outcome.physical = guestPhysical;
    outcome.pageShift = outcome.guestPageShift;
    outcome.rights |= EPT_RIGHTS;
  } else {
    const qualification = QUALIFICATION.linearAddressValid | QUALIFICATION.translationOfLinear;
    if (!walkEpt(cpu, state, guestPhysical, eptRight(kind, outcome.rights), qualification, ept, outcome.updates, steps)) {
      eptDenies(outcome, guestPhysical, `linear ${hex(linear)} is guest-physical ${hex(guestPhysical)}`);
      return;
    }
    outcome.physical = ept.physical;
    outcome.pageShift = (state.cr0 & CR0_PG) === 0 ? ept.pageShift : Math.min(outcome.guestPageShift, ept.pageShift);
    outcome.rights |= ept.rights << EPT_RIGHTS_SHIFT;
    if (!ept.dirty) outcome.rights &= ~DIRTY;
  }
  outcome.is = 'mapped';
}

function eptDenies(outcome: WalkOutcome, guestPhysical: number, what: string): false {
  outcome.is = ept.is;
  outcome.guestPhysical = guestPhysical;
  outcome.qualification = ept.qualification;
  outcome.suppressed = ept.suppressed;
  outcome.why = `${what}: ${ept.why}`;
  return false;
}

/** SDM Vol. 3, "Page-Fault Exceptions". */
function fault(
  outcome: WalkOutcome, state: PagingState, kind: AccessKind, privilege: number, cause: number, why: string, steps?: WalkStep[], level?: number,
): void {
  const fetchReported = (state.cr4 & CR4_SMEP) !== 0 || ((state.cr4 & CR4_PAE) !== 0 && (state.efer & EFER_NXE) !== 0);
  outcome.is = 'page fault';
  outcome.errorCode = cause
    | (kind === WRITE ? ERROR.write : 0)
    | ((privilege & USER_ACCESS) !== 0 ? ERROR.user : 0)
    | (kind === EXECUTE && fetchReported ? ERROR.fetch : 0);
  outcome.why = why;
  const step = steps?.findLast((s) => s.stage === 'guest' && (level === undefined || s.level === LEVELS[level]));
  if (step) step.denied = why;
}

const nameOf = (level: number, address: number, low: number, high: number, entryBytes: 4 | 8): string =>
  `${LEVELS[level]!} at ${hex(address)} (${entryText(low, entryBytes === 8 ? high : 0)})`;
const entryName = (level: number, entryBytes: 4 | 8): string => nameOf(level, entryGuestPhysical[level]!, entryLow[level]!, entryHigh[level]!, entryBytes);
/** The sentence of a walk that ends at such an entry. */
export const notPresent = (level: number, address: number, low: number, high: number, entryBytes: 4 | 8): string => `${nameOf(level, address, low, high, entryBytes)} is not present: bit 0 is 0`;

function reservedReason(high: number, level: number, nxe: boolean, pae: boolean): string {
  if (high < 0 && !nxe) return 'bit 63 is reserved and set, because IA32_EFER.NXE = 0';
  if (pae && (high & PAE_IGNORED_HIGH) !== 0) return 'a reserved bit among bits 62:52 is set';
  if ((high & PHYSICAL_RESERVED_HIGH) !== 0) return 'an address bit beyond MAXPHYADDR is set';
  return level === 4 ? 'reserved bit 7 is set' : 'an address bit below the page size is set';
}

/** The first entry with the bit that denies; for SMAP and SMEP, where every entry has it, and for the key, the one that maps the page. */
function denyingLevel(denial: number, level: number, top: number): number {
  for (let l = top; l > level; l--) {
    if (denial === DENIED_BY_USER && (entryLow[l]! & USER) === 0) return l;
    if (denial === DENIED_BY_WRITE && (entryLow[l]! & WRITABLE) === 0) return l;
    if (denial === DENIED_BY_EXECUTE_DISABLE && entryHigh[l]! < 0) return l;
  }
  return level;
}

function denialSentence(denial: number, privilege: number, key: number): string {
  switch (denial) {
    case DENIED_BY_USER: return 'bit 2 (U/S) is 0: not for user-mode accesses';
    case DENIED_BY_WRITE: return `bit 1 (R/W) is 0: ${(privilege & USER_ACCESS) !== 0 ? 'no writes' : 'no writes, not even by the supervisor, because CR0.WP = 1'}`;
    case DENIED_BY_EXECUTE_DISABLE: return 'bit 63 (XD) is 1: no instruction fetches';
    case DENIED_BY_SMAP: return 'bit 2 (U/S) is 1 in every entry, a user page, and CR4.SMAP keeps the supervisor’s data accesses out';
    case DENIED_BY_SMEP: return 'bit 2 (U/S) is 1 in every entry, a user page, and CR4.SMEP keeps the supervisor from executing it';
    case DENIED_BY_KEY: return `bits 62:59 are protection key ${key}, and PKRU forbids the access`;
    default: throw new Error(`no such denial: ${denial}`);
  }
}

const stepOf = (
  level: string, translates: number, guestPhysical: number | undefined, physical: number | undefined,
  low: number, high: number, entryBytes: 4 | 8, rights: number, disabled: number, pageShift: number | undefined,
): WalkStep => ({
  stage: 'guest', level, translates, guestPhysical, physical, low, high, entryBytes,
  rights: { read: true, write: (rights & WRITABLE) !== 0, execute: disabled >= 0, user: (rights & USER) !== 0 },
  pageShift, denied: undefined,
});
