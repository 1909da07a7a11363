/** The walk of the extended page tables: reads and judges, changes nothing. SDM Vol. 3C, "The Extended Page Table Mechanism (EPT)". */
import type { Processor } from '../cpu/processor.js';
import { PHYSICAL_HIGH, PHYSICAL_RESERVED_HIGH } from '../paging/capabilities.js';
import { entryText, hex, NOT_LOGGED, type FlagUpdates, type WalkStep } from '../paging/outcome.js';
import { load32 } from '../paging/physical-memory.js';

export const EPTP_ACCESSED_DIRTY = 1 << 6;
/** Access rights in bits 2:0 of an entry; in bits 2:0 of the qualification, what was attempted. Then as bits 6:3 of the qualification hold them: those of all entries. */
export const EPT_READ = 1, EPT_WRITE = 2, EPT_EXECUTE = 4, EPT_EXECUTE_USER = 8;
/** With mode-based execute control, bit 10 of an entry allows instruction fetches from user-mode linear addresses, and bit 2 only those from supervisor-mode ones. */
const EXECUTE_USER_BIT = 10;
/** In the upper half of an entry: bit 63. */
const SUPPRESS_VE_HIGH = 1 << 31;
const MAPS_PAGE = 1 << 7, ACCESSED = 1 << 8, DIRTY = 1 << 9;

/** SDM Vol. 3C, "Exit Qualification for EPT Violations". */
export const QUALIFICATION = { allowedShift: 3, linearAddressValid: 1 << 7, translationOfLinear: 1 << 8 } as const;

const LEVELS = ['', 'EPT PTE', 'EPT PDE', 'EPT PDPTE', 'EPT PML4E'] as const;
const RIGHT_NAMES = [[EPT_READ, 'bit 0 (read)'], [EPT_WRITE, 'bit 1 (write)'], [EPT_EXECUTE, 'bit 2 (execute)'], [EPT_EXECUTE_USER, 'bit 10 (execute from user-mode linear addresses)']] as const;

/** Reserved bits of the lower half where an entry maps a page of that level: address bits below the page's size. */
const PAGE_RESERVED_LOW = [0, 0, 0x1ff000, 0x3ffff000] as const;
const TABLE_RESERVED_LOW = 0x78;
/** Memory types 2, 3 and 7 are reserved. */
const RESERVED_MEMORY_TYPES = 1 << 2 | 1 << 3 | 1 << 7;
/** Write without read, with or without execute. */
const RESERVED_RIGHTS = 1 << 2 | 1 << 6;

export class EptOutcome {
  is: 'mapped' | 'EPT violation' | 'EPT misconfiguration' = 'mapped';
  physical = 0;
  pageShift = 12;
  rights = 0;
  /** Whether a write needs no further flag: the page's dirty flag is set or will be, or such flags are off. */
  dirty = true;
  qualification = 0;
  /** Of a violation: bit 63 (suppress #VE) of the entry that is not present, or that maps the page. */
  suppressed = false;
  why = '';
}

/** EP4TA: bits 51:12 of the EPT pointer, as an address. What cached translations are tagged with. */
export const ep4ta = (eptp: number): number => Math.floor(eptp / 4096) * 4096;

/** The rights that an entry gives; without mode-based execute control, bit 2 is about all linear addresses. */
const rightsOf = (low: number, modeBased: boolean): number => (low & 7) | (modeBased ? low >> EXECUTE_USER_BIT & 1 : low >> 2 & 1) << 3;

/** Which EPT: its pointer, and the "mode-based execute control for EPT" VM-execution control. */
export interface Ept { readonly eptp: number; readonly modeBased: boolean }

/** `attempted`: rights needed; `qualification`: bits 7 and 8 as they would be reported. Returns whether it is mapped. */
export function walkEpt(
  cpu: Processor, ept: Ept, guestPhysical: number, attempted: number, qualification: number,
  outcome: EptOutcome, updates: FlagUpdates, steps?: WalkStep[],
): boolean {
  const { eptp, modeBased } = ept;
  const low32 = guestPhysical | 0, high32 = Math.floor(guestPhysical / 2 ** 32);
  const flags = (eptp & EPTP_ACCESSED_DIRTY) !== 0;
  let table = ep4ta(eptp), rights = EPT_READ | EPT_WRITE | EPT_EXECUTE | EPT_EXECUTE_USER;
  for (let level = 4; ; level--) {
    const index = level === 1 ? low32 >>> 12 : level === 2 ? low32 >>> 21 : level === 3 ? high32 << 2 | low32 >>> 30 : high32 >>> 7;
    const at = table + 8 * (index & 0x1ff);
    const low = load32(cpu, at), high = load32(cpu, at + 4);
    const own = rightsOf(low, modeBased), leaf = level === 1 || ((low & MAPS_PAGE) !== 0 && level < 4);
    rights &= own;
    steps?.push(stepOf(guestPhysical, level, at, low, high, rights, leaf, modeBased));

    if (own === 0) {
      const why = `${LEVELS[level]!} at ${hex(at)} is not present: ${modeBased ? 'bits 2:0 and bit 10' : 'bits 2:0'} are 0`;
      return violation(outcome, ept, attempted, rights, qualification, why, (high & SUPPRESS_VE_HIGH) !== 0, steps);
    }
    if (misconfigured(low, high, level, leaf)) return misconfiguration(outcome, low, high, level, leaf, at, steps);

    const address = (high & PHYSICAL_HIGH) * 2 ** 32 + ((low & 0xfffff000) >>> 0);
    if (!leaf) {
      if (flags && (low & ACCESSED) === 0) updates.add(at, ACCESSED);
      table = address;
      continue;
    }
    if ((rights & attempted) !== attempted) return denied(cpu, outcome, ept, guestPhysical, attempted, rights, qualification, level, (high & SUPPRESS_VE_HIGH) !== 0, steps);
    const shift = 9 * level + 3, write = (attempted & EPT_WRITE) !== 0;
    if (flags) {
      const missing = (write ? ACCESSED | DIRTY : ACCESSED) & ~low;
      if (missing !== 0) updates.add(at, missing, (missing & DIRTY) === 0 ? NOT_LOGGED : Math.floor(guestPhysical / 4096) * 4096);
    }
    outcome.is = 'mapped';
    outcome.pageShift = shift;
    outcome.physical = address + (low32 & ((1 << shift) - 1));
    outcome.rights = rights;
    outcome.dirty = !flags || write || (low & DIRTY) !== 0;
    return true;
  }
}

/** SDM Vol. 3C, "EPT Misconfigurations". */
const misconfigured = (low: number, high: number, level: number, leaf: boolean): boolean =>
  (RESERVED_RIGHTS >> (low & 7) & 1) !== 0
  || (high & PHYSICAL_RESERVED_HIGH) !== 0
  || (leaf
    ? (RESERVED_MEMORY_TYPES >> (low >> 3 & 7) & 1) !== 0 || (low & PAGE_RESERVED_LOW[level]!) !== 0
    : (low & (level === 4 ? TABLE_RESERVED_LOW | MAPS_PAGE : TABLE_RESERVED_LOW)) !== 0);

function misconfiguration(outcome: EptOutcome, low: number, high: number, level: number, leaf: boolean, at: number, steps?: WalkStep[]): false {
  const reason = (RESERVED_RIGHTS >> (low & 7) & 1) !== 0 ? 'bit 1 (write) is 1 while bit 0 (read) is 0'
    : (high & PHYSICAL_RESERVED_HIGH) !== 0 ? 'an address bit beyond MAXPHYADDR is set'
      : leaf && (RESERVED_MEMORY_TYPES >> (low >> 3 & 7) & 1) !== 0 ? `bits 5:3 hold the reserved memory type ${low >> 3 & 7}`
        : leaf ? 'an address bit below the page size is set' : `a reserved bit among bits ${level === 4 ? '7:3' : '6:3'} is set`;
  outcome.is = 'EPT misconfiguration';
  outcome.qualification = 0;
  outcome.why = `${LEVELS[level]!} at ${hex(at)} (${entryText(low, high)}): ${reason}`;
  markDenied(steps, outcome.why);
  return false;
}

/** Bit 6 of the qualification, the fourth right, is undefined without mode-based execute control: 0. */
function violation(outcome: EptOutcome, { modeBased }: Ept, attempted: number, rights: number, qualification: number, why: string, suppressed: boolean, steps?: WalkStep[]): false {
  const reported = modeBased ? rights : rights & ~EPT_EXECUTE_USER, isFetch = (attempted & (EPT_EXECUTE | EPT_EXECUTE_USER)) !== 0;
  outcome.is = 'EPT violation';
  outcome.suppressed = suppressed;
  outcome.qualification = (isFetch ? EPT_EXECUTE : attempted) | reported << QUALIFICATION.allowedShift | qualification;
  outcome.rights = rights;
  outcome.why = why;
  markDenied(steps, why);
  return false;
}

/** Finds the first entry without the right, for the sentence. */
function denied(
  cpu: Processor, outcome: EptOutcome, ept: Ept, guestPhysical: number, attempted: number, rights: number,
  qualification: number, leafLevel: number, suppressed: boolean, steps?: WalkStep[],
): false {
  const lacks = ([right]: (typeof RIGHT_NAMES)[number]): boolean => (attempted & ~rights & right) !== 0;
  // Bit 10 says nothing without mode-based execute control.
  const [right, name] = !ept.modeBased && lacks(RIGHT_NAMES[3]) ? RIGHT_NAMES[2] : RIGHT_NAMES.find(lacks)!;
  let table = ep4ta(ept.eptp);
  for (let level = 4; level >= leafLevel; level--) {
    const at = table + 8 * (Math.floor(guestPhysical / 2 ** (9 * level + 3)) & 0x1ff);
    const low = load32(cpu, at), high = load32(cpu, at + 4);
    if ((rightsOf(low, ept.modeBased) & right) === 0) {
      return violation(outcome, ept, attempted, rights, qualification, `${LEVELS[level]!} at ${hex(at)} (${entryText(low, high)}): ${name} is 0`, suppressed, steps);
    }
    table = (high & PHYSICAL_HIGH) * 2 ** 32 + ((low & 0xfffff000) >>> 0);
  }
  throw new Error('the walk of the extended page tables changed under way');
}

function markDenied(steps: WalkStep[] | undefined, why: string): void {
  const last = steps?.at(-1);
  if (last) last.denied = why;
}

const stepOf = (translates: number, level: number, physical: number, low: number, high: number, rights: number, leaf: boolean, modeBased: boolean): WalkStep => ({
  stage: 'EPT', level: LEVELS[level]!, translates, guestPhysical: undefined, physical, low, high, entryBytes: 8,
  rights: { read: (rights & EPT_READ) !== 0, write: (rights & EPT_WRITE) !== 0, execute: (rights & EPT_EXECUTE) !== 0, user: true, ...(modeBased && { executeUser: (rights & EPT_EXECUTE_USER) !== 0 }) },
  pageShift: leaf ? 9 * level + 3 : undefined, denied: undefined,
});
