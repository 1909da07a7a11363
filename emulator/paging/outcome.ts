/** What a walk says: the verdict, what a cached translation needs to know, the flags that must be set, and on request its steps. */

/** Kinds of access, in the order of the EPT access rights. */
export const READ = 0, WRITE = 1, EXECUTE = 2;
export type AccessKind = typeof READ | typeof WRITE | typeof EXECUTE;

/** Rights and facts of a translation, as walks return them and TLB entries keep them; bits 1 and 2 lie as in the entries. */
export const WRITABLE = 1 << 1, USER = 1 << 2, EXECUTE_DISABLE = 1 << 3, DIRTY = 1 << 4, GLOBAL = 1 << 5;
/** Of 4-level paging: the protection key. */
export const KEY_SHIFT = 12;
/** EPT read, write and execute access, the last from supervisor-mode and from user-mode linear addresses; all set when EPT is not in use. */
export const EPT_RIGHTS_SHIFT = 8, EPT_RIGHTS = 15 << EPT_RIGHTS_SHIFT;

/** The EPT right that an access needs to a linear address with these rights. A linear address is of user mode when every entry that translates it allows user-mode accesses. */
export const eptRight = (kind: AccessKind, rights: number): number => (kind === EXECUTE && (rights & USER) !== 0 ? 8 : 1 << kind);

/** Who accesses, under which rules; also what a space tag of the fast TLB tells apart. */
export const USER_ACCESS = 1 << 0, SMAP_ENFORCED = 1 << 1, WRITE_PROTECT = 1 << 2, SMEP_ENFORCED = 1 << 3;
export const PRIVILEGES = 16;

/** One load of a paging-structure entry. Values are 32-bit halves (`high` is 0 for four-byte entries). */
export interface WalkStep {
  readonly stage: 'guest' | 'EPT';
  readonly level: string;
  /** What this stage translates: the linear address, or for EPT a guest-physical address. */
  readonly translates: number;
  /** Where the entry is: its guest-physical address (undefined for EPT entries and registers), its host-physical address (undefined for PDPTE registers). */
  readonly guestPhysical: number | undefined;
  readonly physical: number | undefined;
  readonly low: number;
  readonly high: number;
  readonly entryBytes: 4 | 8;
  /** What all entries of this stage allow so far. `executeUser`: with mode-based execute control for EPT, where `execute` is about supervisor-mode linear addresses only. */
  readonly rights: { readonly read: boolean; readonly write: boolean; readonly execute: boolean; readonly user: boolean; readonly executeUser?: boolean };
  /** Size of the page, when this entry maps one. */
  readonly pageShift: number | undefined;
  /** Set on the load after which the walk failed. */
  denied: string | undefined;
}

/** No page is to be logged. */
export const NOT_LOGGED = -1;

/** Accessed and dirty flags that the translation requires to be set: physical addresses of dwords, the bits, and the guest-physical page that becomes dirty in EPT. */
export class FlagUpdates {
  count = 0;
  readonly physical = new Float64Array(64);
  readonly bits = new Int32Array(64);
  readonly logged = new Float64Array(64);

  add(physical: number, bits: number, logged = NOT_LOGGED): void {
    this.logged[this.count] = logged;
    this.physical[this.count] = physical;
    this.bits[this.count++] = bits;
  }
}

/** 'APIC access': an entry of the guest's paging structures lies, by EPT, on the APIC-access page. */
export type Verdict = 'mapped' | 'page fault' | 'EPT violation' | 'EPT misconfiguration' | 'APIC access';

/** Reused from walk to walk. */
export class WalkOutcome {
  is: Verdict = 'mapped';
  /** The address accessed, when mapped; the guest-physical one also when EPT denies it. */
  guestPhysical = 0;
  physical = 0;
  /** Size of the page in the guest's tables, and of the largest region that both stages map as one. */
  guestPageShift = 12;
  pageShift = 12;
  rights = 0;
  errorCode = 0;
  qualification = 0;
  /** Of an EPT violation: whether it is kept from becoming #VE. */
  suppressed = false;
  /** The entry and the bit that deny. */
  why = '';
  readonly updates = new FlagUpdates();
}

export const hex = (value: number): string => (value < 0 ? `0x${(BigInt.asUintN(64, BigInt(value))).toString(16)}` : `0x${value.toString(16)}`);
export const entryText = (low: number, high: number): string => hex((high >>> 0) * 2 ** 32 + (low >>> 0));
