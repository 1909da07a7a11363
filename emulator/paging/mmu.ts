/** Linear to physical: TLB, walk, flags, faults; and every operation that invalidates cached translations. */
import { dataBreakpointPages } from '../cpu/debug-registers.js';
import { EptFault, Exception, VECTORS } from '../cpu/events.js';
import { MAP, PLAIN_PAGING, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import type { Bus } from '../memory/bus.js';
import { MemoryMap, NOWHERE } from '../memory/memory-map.js';
import { named, NONE, type Sentence, TRAP } from '../cpu/trap-events.js';
import { exitsKnown, forgetDestinations, forgetEntries, moveExits } from '../cpu/known-worlds.js';
import { ep4ta, EPT_READ, EPT_WRITE, EPTP_ACCESSED_DIRTY, EptOutcome, walkEpt } from '../vmx/ept.js';
import { INVEPT_SAYS, INVLPG_SAYS, INVPCID_SAYS, INVVPID_SAYS, MOV_TO_CR3_SAYS } from './flush-sentences.js';
import { FastTlb, FAST_TABLES, UNMATCHED_TAG } from './fast-tlb.js';
import {
  DIRTY, EPT_RIGHTS_SHIFT, eptRight, EXECUTE, FlagUpdates, hex, NOT_LOGGED, READ, SMAP_ENFORCED, SMEP_ENFORCED, USER_ACCESS, WalkOutcome, WRITE, WRITE_PROTECT,
  type AccessKind, type WalkStep,
} from './outcome.js';
import { loadPdptes } from './pdptes.js';
import { hostOf, isPlain, maskA20 } from './physical-memory.js';
import { ALLOWED, judge } from './rights.js';
import { NO_EPT, type Space, Spaces, UNPAGED } from './spaces.js';
import { StaleWatch } from './stale-watch.js';
import { NO_ENTRY, Tlb, type TlbState } from './tlb.js';
import { type VmcsTranslation, WITHOUT_VMX } from './vmcs-translation.js';
import {
  CR0_PG, CR0_WP, CR4_PAE, CR4_PCIDE, CR4_PGE, CR4_PSE, CR4_SMAP, CR4_SMEP, enabledKeys, isStateOf, noteState, pagingMode, pagingState, walk, type PagingState,
} from './walk.js';

export { EXECUTE, READ, WRITE, type AccessKind } from './outcome.js';
export { isCanonical } from './capabilities.js';
export type { VmcsTranslation } from './vmcs-translation.js';

const RFLAGS_AC = 1 << 18, CR0_AM = 1 << 18;

export class Mmu {
  readonly tlb: Tlb;
  readonly spaces: Spaces;
  readonly fast: FastTlb;
  /** Whether data accesses must be aligned. SDM Vol. 3, "Interrupt 17—Alignment Check Exception (#AC)". */
  alignmentChecked = false;
  vmcs: VmcsTranslation = WITHOUT_VMX;
  /** Of the access that is about to be translated. */
  accessBytes = 0;

  private readonly outcome = new WalkOutcome();
  private vpid = 0;
  private pcid = 0;
  private eptp = 0;
  private modeBased = false;
  /** The APIC-access page of the present guest, and of the last one: other guests' accesses to it are in the fast TLB. */
  private apicAccess = -1;
  private lastApicAccess = -1;
  private nonRoot = false;
  private exits: { readonly space: Space; readonly privilege: number; readonly pkru: number } | undefined;
  private a20Mask = -1;
  /** PKRU where protection keys are enabled, else 0; and as it is. */
  private pkru = 0;
  private pkruRegister = 0;
  /** Linear pages with data breakpoints: never in the fast TLB. */
  private dataBreakpoints: readonly number[] = [];
  private stale: StaleWatch | undefined;
  /** Whether anything stands between linear and physical addresses. */
  private translating = false;
  /** Rules for supervisor accesses: by instructions at CPL < 3, and by the processor itself. */
  private explicitSupervisor = 0;
  private implicitSupervisor = 0;

  /** By page of the store, nonzero when translated code was read from it; all processors share them. */
  readonly codePages: Uint8Array;

  constructor(readonly cpu: Processor, readonly mmio: Bus, readonly map = new MemoryMap(cpu.guestBytes)) {
    this.codePages = new Uint8Array(cpu.memory.buffer, MAP.codePages, map.storeBytes >>> 12);
    this.fast = new FastTlb(cpu);
    this.spaces = new Spaces(cpu);
    this.tlb = new Tlb(cpu, this.spaces, (linear, shift) => { this.dropped(linear, shift); });
    cpu.i32[S.a20Mask >> 2] = -1;
    this.spaceChanged();
  }

  /**
   * The host-physical address, with accessed and dirty flags set and both TLBs filled; throws Exception (#PF) or EptFault.
   * `implicit`: by the processor itself (descriptor tables, TSS), a supervisor access whatever the CPL.
   */
  translate(linear: number, kind: AccessKind, user: boolean, implicit = false): number {
    const privilege = user && !implicit ? USER_ACCESS : implicit ? this.implicitSupervisor : this.explicitSupervisor;
    if (!this.translating) return this.fill(linear, linear, kind, privilege);
    const n = this.tlb.lookup(linear);
    if (n === NO_ENTRY) return this.walkAndFill(linear, kind, privilege);
    const rights = this.tlb.rights[n]!;
    const serves = (rights >> EPT_RIGHTS_SHIFT & eptRight(kind, rights)) !== 0 && (kind !== WRITE || (rights & DIRTY) !== 0) && judge(rights, kind, privilege, this.pkru) === ALLOWED;
    if (!serves) {
      this.tlb.remove(n);
      return this.walkAndFill(linear, kind, privilege);
    }
    this.stale?.used(n, linear, kind);
    return this.fill(linear, this.tlb.physical[n]! + (linear & ((1 << this.tlb.shift[n]!) - 1)), kind, privilege);
  }

  private walkAndFill(linear: number, kind: AccessKind, privilege: number): number {
    const { outcome, cpu } = this;
    walk(cpu, this.currentState(this.spaces.current.state), linear, kind, privilege, outcome);
    this.choosePlain();
    if (outcome.is !== 'mapped') this.fault(linear);
    this.setFlags(outcome.updates);
    const { guestPhysical, physical, pageShift, guestPageShift, rights } = outcome;
    const n = this.tlb.insert(linear, guestPhysical, physical, pageShift, guestPageShift, rights);
    this.stale?.cached(n);
    return this.fill(linear, physical, kind, privilege);
  }

  private fault(linear: number): never {
    const { outcome } = this;
    // "a page-fault exception … will invalidate any TLB entries that are for a page number corresponding to that linear address".
    // SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches"; for EPT violations Vol. 3C, "Operations that Invalidate Cached Mappings".
    this.tlb.invalidate(linear, this.ofCurrentPcid());
    if (outcome.is === 'EPT violation') this.tlb.invalidate(outcome.guestPhysical, { vpid: UNPAGED, globals: true });
    if (outcome.is === 'page fault') throw new Exception(VECTORS['#PF'], outcome.errorCode, linear, outcome.why);
    if (outcome.is === 'APIC access') throw this.vmcs.walkedToApic(outcome.why);
    throw new EptFault(outcome.is as EptFault['kind'], outcome.guestPhysical, linear, outcome.qualification, outcome.why, outcome.suppressed);
  }

  private setFlags({ count, physical, bits, logged }: FlagUpdates): void {
    const { cpu } = this;
    for (let n = 0; n < count; n++) {
      const at = this.map.place(maskA20(cpu, physical[n]!), WRITE), word = (MAP.guestMemory + at) >>> 2;
      if (at === NOWHERE || (cpu.u32[word]! & bits[n]!) === bits[n]) continue;
      if (logged[n] !== NOT_LOGGED) this.vmcs.logDirty(logged[n]!);
      cpu.u32[word]! |= bits[n]!;
      if (this.codePages[at >>> 12] !== 0) cpu.codeWritten(at, 4);
    }
  }

  /** VMFUNC: the guest goes on behind other tables; nothing is invalidated. */
  eptpSwitched(): void {
    this.enterWorld(true);
    this.spaceChanged();
  }

  /** Puts the page into the fast TLB when such an access needs nothing further; returns the address with A20 masked. */
  private fill(linear: number, physical: number, kind: AccessKind, privilege: number): number {
    const at = maskA20(this.cpu, physical), bytes = this.accessBytes;
    this.accessBytes = 0;
    if (this.apicAccess >= 0 && at - (at & 0xfff) === this.apicAccess) return this.vmcs.accessApic(linear, bytes, kind);
    if (kind !== EXECUTE && this.mayBreak(linear)) return at;
    if (kind === WRITE && this.stale?.written(at >>> 12) === true) return at;
    const host = hostOf(this.cpu, at, kind);
    if (host !== NOWHERE && (kind !== WRITE || isPlain(this.cpu, at, host))) this.fast.fill(FAST_TABLES[kind], linear, host, this.tag(privilege), privilege);
    return at;
  }

  /** Whether a data breakpoint lies in the page of that linear address. */
  mayBreak(linear: number): boolean { return this.dataBreakpoints.length > 0 && this.dataBreakpoints.includes(linear - (linear & 0xfff)); }

  /** After DR0–DR3 or DR7 were written. */
  debugRegistersChanged(): void {
    const pages = dataBreakpointPages(this.cpu);
    if (pages.length === 0 && this.dataBreakpoints.length === 0) return;
    this.dataBreakpoints = pages;
    for (const page of pages) this.fast.dropPage(page);
    this.choosePlain();
  }

  /** Raises 'stale translation' at every use of one, from now on or no longer. */
  watchStale(on: boolean): void {
    if (on !== (this.stale !== undefined)) this.stale = on ? new StaleWatch(this) : undefined;
    this.choosePlain();
  }

  /** The registers that a walk in the current space depends on. */
  currentState(state = pagingState()): PagingState { return noteState(this.cpu, this.eptp, this.modeBased, this.apicAccess, state); }

  /** What a walk says now, for panels: nothing changes. `user` as for `translate`. */
  inspect(linear: number, kind: AccessKind = READ, user = false, steps?: WalkStep[], state = this.currentState()): WalkOutcome {
    const outcome = new WalkOutcome();
    walk(this.cpu, state, linear, kind, user ? USER_ACCESS : this.explicitSupervisor, outcome, steps);
    return outcome;
  }

  /** The physical address that an access would reach, stale entries included; undefined when it would fault. Changes nothing. */
  peek(linear: number): number | undefined {
    const n = this.translating ? this.tlb.lookup(linear) : NO_ENTRY;
    if (n !== NO_ENTRY) return maskA20(this.cpu, this.tlb.physical[n]! + (linear & ((1 << this.tlb.shift[n]!) - 1)));
    const outcome = new WalkOutcome();
    walk(this.cpu, this.currentState(), linear, READ, 0, outcome);
    return outcome.is === 'mapped' ? maskA20(this.cpu, outcome.physical) : undefined;
  }

  /** After IA32_APIC_BASE was written, or the map has changed: what was memory may be a device now. */
  remapped(): void { this.fast.clear(); }

  protectCode(page: number): void {
    this.codePages[page] = 1;
    this.fast.dropWritesTo(page);
  }

  private dropped(linear: number, shift: number): void {
    if (shift === 12) this.fast.dropPage(linear);
    else this.fast.clear();
  }

  /** Recomputes the space tag: after CR0, CR3, CR4, EFER, PKRU, CPL, EFLAGS.AC or the A20 mask changed, and at VM entry and exit. */
  spaceChanged(): void {
    const { cpu } = this, { cr0, cr4, nonRoot } = cpu;
    if (nonRoot !== this.nonRoot) this.enterWorld(nonRoot);
    const paged = (cr0 & CR0_PG) !== 0;
    this.pcid = (cr4 & CR4_PCIDE) !== 0 ? cpu.low(S.cr3) & 0xfff : 0;
    this.translating = paged || this.eptp !== 0;
    if (this.spaces.tooMany) {
      this.tlb.sweep();
      forgetDestinations(cpu);
    }
    this.spaces.select(paged ? this.vpid : UNPAGED, paged ? this.pcid : UNPAGED, this.eptp === 0 ? NO_EPT : ep4ta(this.eptp));

    const supervisor = ((cr0 & CR0_WP) !== 0 ? WRITE_PROTECT : 0) | ((cr4 & CR4_SMEP) !== 0 ? SMEP_ENFORCED : 0);
    const smap = (cr4 & CR4_SMAP) !== 0;
    this.implicitSupervisor = supervisor | (smap ? SMAP_ENFORCED : 0);
    this.explicitSupervisor = smap && (cpu.low(S.rflags) & RFLAGS_AC) === 0 ? this.implicitSupervisor : supervisor;
    const a20Mask = cpu.i32[S.a20Mask >> 2]!, pkru = enabledKeys(cr4, cpu.efer, cpu.low(S.pkru));
    if (a20Mask !== this.a20Mask || cpu.low(S.pkru) !== this.pkruRegister) {
      if (a20Mask !== this.a20Mask) this.fast.clear();
      this.a20Mask = a20Mask;
      this.pkruRegister = cpu.low(S.pkru);
      forgetDestinations(cpu);
    }
    this.pkru = pkru;
    this.updateTag();
  }

  private enterWorld(nonRoot: boolean): void {
    this.nonRoot = nonRoot;
    this.vpid = nonRoot ? this.vmcs.vpid() : 0;
    this.eptp = nonRoot ? this.vmcs.eptp() : 0;
    this.modeBased = nonRoot && this.vmcs.modeBased();
    this.apicAccess = nonRoot ? this.vmcs.apicAccessPage() : -1;
    if (!nonRoot || this.apicAccess === this.lastApicAccess) return;
    this.lastApicAccess = this.apicAccess;
    this.fast.clear();
  }

  private updateTag(): void {
    const { cpu } = this;
    this.alignmentChecked = cpu.cpl === 3 && (cpu.cr0 & CR0_AM) !== 0 && (cpu.low(S.rflags) & RFLAGS_AC) !== 0;
    this.fast.select(this.spaces.current, this.nonRoot, this.explicitSupervisor, this.pkru);
    if (this.alignmentChecked) cpu.set(S.spaceTag, UNMATCHED_TAG, 0);
    this.choosePlain();
  }

  /** What plain walks may take for granted. */
  private choosePlain(): void {
    const { cpu, spaces } = this;
    const usual = this.eptp === 0 && !this.nonRoot && this.a20Mask === -1 && this.pkru === 0 && this.dataBreakpoints.length === 0 && !this.alignmentChecked && this.stale === undefined;
    cpu.u32[S.plainPaging >> 2] = usual && pagingMode(cpu) === '4-level' && isStateOf(cpu, spaces.current.state) ? PLAIN_PAGING.fourLevel : PLAIN_PAGING.none;
    this.tlb.show();
  }

  private tag(privilege: number, space = this.spaces.current, pkru = this.pkru): number {
    const { era } = this.fast, tag = this.fast.tag(space, privilege, pkru);
    if (this.fast.era !== era) this.updateTag();
    return tag;
  }

  /** The fast-TLB tag of implicit supervisor accesses. */
  get implicitTag(): number { return this.tag(this.implicitSupervisor); }

  private ofCurrentPcid(): { vpid: number; pcid: number; globals: boolean } {
    const { vpid, pcid } = this.spaces.current;
    return { vpid, pcid, globals: true };
  }

  // Operations that invalidate. SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches"; Vol. 3C, "Operations that
  // Invalidate Cached Mappings": those that exist without VMX concern the current VPID only, whatever the EP4TA.

  /** All entries of the current VPID, global ones included. */
  flushAll(why = 'all entries are flushed'): void {
    this.spaces.flushVpid(this.vpid);
    this.flushed([named('flush')], () => why);
  }

  /** RESET: everything. */
  reset(): void {
    this.spaces.flushEverything();
    this.tlb.clear();
    this.fast.clear();
    this.debugRegistersChanged();
    forgetDestinations(this.cpu);
    this.spaceChanged();
  }

  invlpg(linear: number): void {
    this.tlb.invalidate(linear, { vpid: this.vpid, pcid: this.pcid, globals: true });
    this.flushed([named('INVLPG'), NONE, NONE, NONE, NONE, linear], INVLPG_SAYS);
  }

  /** After CR3 was written. */
  loadCr3(flushNonGlobal: boolean): void {
    const pcid = (this.cpu.cr4 & CR4_PCIDE) !== 0 ? this.cpu.low(S.cr3) & 0xfff : 0;
    if (!flushNonGlobal) return this.spaceChanged();
    this.spaces.flushPcid(this.vpid, pcid);
    this.flushed([named('MOV to CR3'), NONE, pcid], MOV_TO_CR3_SAYS);
  }

  /** After MOV to CR0 (LMSW, CLTS), not at VM entry or exit. */
  cr0Changed(old: number): void {
    if ((old & ~this.cpu.cr0 & CR0_PG) !== 0) this.flushAll('CR0.PG was cleared: all entries are invalidated');
    else this.spaceChanged();
  }

  /** After MOV to CR4, not at VM entry or exit. */
  cr4Changed(old: number): void {
    const now = this.cpu.cr4, changed = old ^ now;
    // CR4.PAE and CR4.SMEP must flush the current PCID only, without global entries; flushing more is allowed, and CR4.PSE goes with them.
    const flushes = (changed & (CR4_PGE | CR4_PAE | CR4_PSE)) !== 0 || (old & ~now & CR4_PCIDE) !== 0 || (now & ~old & CR4_SMEP) !== 0;
    if (flushes) this.flushAll('MOV to CR4 changed PGE, PAE, PSE, PCIDE or SMEP: all entries are invalidated'); else this.spaceChanged();
  }

  /** SDM Vol. 2A, "INVPCID—Invalidate Process-Context Identifier". Types 0 to 3; operands already checked. */
  invpcid(type: number, pcid: number, linear: number): void {
    const { vpid } = this;
    if (type === 0) this.tlb.invalidate(linear, { vpid, pcid, globals: false });
    else if (type === 1) this.spaces.flushPcid(vpid, pcid);
    else if (type === 2) this.spaces.flushVpid(vpid);
    else this.spaces.flushVpidNonGlobal(vpid);
    this.flushed([named('INVPCID'), type, pcid, NONE, NONE, linear], INVPCID_SAYS);
  }

  /** SDM Vol. 3D, "INVEPT—Invalidate Translations Derived from EPT". Types 1 and 2. */
  invept(type: number, eptp: number): void {
    if (type === 1) this.spaces.flushEpt(ep4ta(eptp));
    else this.spaces.flushEpts();
    this.flushed([named('INVEPT'), type, NONE, NONE, eptp], INVEPT_SAYS, true);
  }

  /** SDM Vol. 3D, "INVVPID—Invalidate Translations Based on VPID". Types 0 to 3. */
  invvpid(type: number, vpid: number, linear: number): void {
    if (type === 0) this.tlb.invalidate(linear, { vpid, globals: true });
    else if (type === 1) this.spaces.flushVpid(vpid);
    else if (type === 2) this.spaces.flushVpids();
    else this.spaces.flushVpidNonGlobal(vpid);
    this.flushed([named('INVVPID'), type, NONE, vpid, NONE, linear], INVVPID_SAYS, true);
  }

  /**
   * Last step of a VM entry or VM exit, when all state is loaded. `vpid`: the guest's, 0 when "enable VPID" is 0; then all
   * mappings of VPID 0000H are invalidated, otherwise none.
   */
  vmTransition(vpid: number): void {
    if (vpid === 0) {
      this.spaces.flushVpid(0);
      forgetDestinations(this.cpu);
    }
    this.enterWorld(this.cpu.nonRoot);
    this.spaceChanged();
  }

  /** Whether generated code has changed worlds meanwhile: then the mode has changed, as far as TypeScript is concerned. */
  get behind(): boolean { return this.nonRoot !== this.cpu.nonRoot; }

  /** The present space and privilege are where VM exits lead. */
  exitsLeadHere(): void { this.exits = { space: this.spaces.current, privilege: this.explicitSupervisor, pkru: this.pkru }; }

  /** `guests`: translations of any guest may have been among them. */
  private flushed(values: readonly number[], says: Sentence, guests = false): void {
    this.spaceChanged();
    if (guests) forgetEntries(this.cpu);
    const { exits } = this;
    if (exits && exitsKnown(this.cpu)) moveExits(this.cpu, this.tag(exits.privilege, exits.space, exits.pkru), this.tag(USER_ACCESS, exits.space, exits.pkru));
    const { observer } = this.cpu as { observer?: Processor['observer'] };
    observer?.raise(TRAP['TLB flush'], values, says);
  }

  /** Loads the PDPTE registers from where `cr3` points to, through EPT when it is in use. False, and nothing loaded, when a present one sets a reserved bit. */
  loadPdptes(cr3: number): boolean { return loadPdptes(this.cpu, this.guestPhysicalToPhysical((cr3 & 0xffffffe0) >>> 0)); }

  private guestPhysicalToPhysical(guestPhysical: number): number {
    if (this.eptp === 0) return guestPhysical;
    const found = new EptOutcome(), updates = new FlagUpdates();
    const attempted = (this.eptp & EPTP_ACCESSED_DIRTY) !== 0 ? EPT_READ | EPT_WRITE : EPT_READ;
    if (!walkEpt(this.cpu, { eptp: this.eptp, modeBased: this.modeBased }, guestPhysical, attempted, 0, found, updates)) {
      throw new EptFault(found.is as EptFault['kind'], guestPhysical, 0, found.qualification, `the PDPTEs cannot be loaded: ${found.why}`, found.suppressed);
    }
    if (this.apicAccess >= 0 && found.physical - (found.physical & 0xfff) === this.apicAccess) throw this.vmcs.walkedToApic(`the PDPTEs at guest-physical ${hex(guestPhysical)} lie on the APIC-access page`);
    this.setFlags(updates);
    return found.physical;
  }

  /** The TLB is part of the architecture here: replay and state hashes rest on it. The registers are restored first. */
  save(): TlbState { return this.tlb.save(); }
  restore(state: TlbState): void {
    this.tlb.restore(state);
    this.fast.clear();
    this.debugRegistersChanged();
    forgetDestinations(this.cpu);
    this.enterWorld(this.cpu.nonRoot);
    this.spaceChanged();
    if (this.stale) this.stale = new StaleWatch(this);
  }
}
