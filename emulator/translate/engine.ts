/** Runs guest code: blocks in WebAssembly, and everything architectural in TypeScript when they call for it. */
import { Abandon, EptFault, Exception, exception, ExitDue, FaultInNewTask, StopBeforeDelivery } from '../cpu/events.js';
import { forgetHits } from '../cpu/debug-registers.js';
import { EXIT } from '../cpu/exits.js';
import { updateFloatMode } from '../cpu/float-mode.js';
import { CS, S } from '../cpu/layout.js';
import type { Operation, Operations } from '../cpu/operations.js';
import type { Processor } from '../cpu/processor.js';
import { INFO } from '../meaning/emit.js';
import { RECORD, RECORD_BYTES } from '../meaning/record.js';
import type { DecodeTable } from '../isa/decode.js';
import { examine, probe, readTo, withoutAlignmentChecks, writeFrom } from '../paging/access.js';
import { fastHost } from '../paging/fast-tlb.js';
import { EXECUTE, READ, WRITE } from '../paging/mmu.js';
import { NOWHERE } from '../memory/memory-map.js';
import { hostOf, isPlain } from '../paging/physical-memory.js';
import { Blocks, FIRST_BLOCK } from './blocks.js';
import { type CoreExports, coreModule, LEAVE_SLOT, PLAIN_OPERATIONS, type PlainOperations } from './core.js';
import type { FaultHandlers } from './fault-handlers.js';
import { Handlers } from './handlers.js';
import { linearOf } from './linear-addresses.js';
import { Modes } from './mode.js';
import { numbered } from './operation-numbers.js';
import { Regions } from './regions.js';

const PAGE = 4096;

export class Engine {
  readonly blocks: Blocks;
  readonly modes = new Modes();
  readonly handlers: Handlers;
  readonly regions: Regions;
  /** Whether hot code is compiled. */
  compiles = true;
  private exhausted = false;
  private readonly core: CoreExports;
  private readonly operations: readonly Operation[];
  /** Instructions retired before the present run of the interpreter. */
  private retiredBefore = 0;
  private running = false;
  /** Nonzero while TypeScript works for the instruction of that record. */
  private current = 0;
  /** Instructions of the grant that are left after the one that TypeScript has ended. */
  private leftover = 0;
  /** A stop condition wants the machine to stop before an event is delivered. */
  private stopped = false;
  /** Where the interpreter is to leave though its budget lasts, and the handler that stands there otherwise. */
  private barrier: { readonly at: number; readonly handler: number } | undefined;
  private single = false;
  /** Of the last instruction that was run by itself. */
  private step = { from: 0, next: 0 };
  /** A check has found changed code. */
  private found = false;
  /** Whether it branched; the iterations of a repeated instruction are no branches. */
  get branched(): boolean { return this.cpu.rip !== this.step.next && this.cpu.rip !== this.step.from; }
  /** Whether the run loop must look around before the next instruction: set by the machine. */
  attention: () => boolean = () => true;
  /** Kinds of events, a bit each, that nobody waits for: set by the machine. */
  unasked: () => number = () => 0;
  /** What TypeScript threw that nobody here understands: thrown again outside WebAssembly. */
  private failure: unknown;

  /** The processor whose state the shared memory holds. */
  cpu: Processor;

  constructor(processors: readonly Processor[], decodeTable: DecodeTable, operations: Operations, private readonly faults: FaultHandlers, plain: PlainOperations = {}) {
    const cpu = (this.cpu = processors[0]!);
    const all: Operations = { ...operations, raise: (c) => { throw new Exception(c.argumentLow(0), c.argumentLow(1)); } };
    const { list, numberOf } = numbered(all, [...Object.keys(plain), ...PLAIN_OPERATIONS]);
    this.operations = list;
    const table = new WebAssembly.Table({ initial: 4096, element: 'anyfunc' });
    const outOfBudget = (r: number, next: number) => this.outOfBudget(r, next);
    this.core = new WebAssembly.Instance(new WebAssembly.Module(coreModule(cpu.guestBytes, Object.keys(plain))), { e: {
      ...plain, m: cpu.memory, t: table, leave: (r: number) => this.exit(EXIT.at, r), slowTransfer: (r: number, linear: bigint) => this.slowTransfer(r, linear), slowOnward: () => this.slowOnward(),
      slowPerform: (r: number, op: number) => this.perform(r, op), changed: (r: number) => { this.found = true; this.blocks.changed(r); this.exit(EXIT.at, r); },
      slowReference: (r: number, info: number, s: number) => this.slowReference(r, info, s), outOfBudget, attention: () => this.attention(),
    } }).exports as unknown as CoreExports;
    this.handlers = new Handlers(cpu.memory, table, {
      slowStore: (r, info, s) => this.slowStore(r, info, s),
      compute: (r, op) => this.compute(r, op),
      unlinked: (r, slot, linear) => this.unlinked(r, slot, linear),
      outOfBudget, perform: this.core.perform, slowReference: this.core.slowReference, transfer: this.core.transfer, onward: this.core.onward, condition: this.core.condition, status: this.core.status,
    }, numberOf);
    this.blocks = new Blocks(cpu, decodeTable, this.handlers, { hostOf: (linear) => this.fetchHost(linear) }, (page) => {
      if (cpu.mmu.codePages[page] === 0) for (const each of processors) each.mmu.protectCode(page);
    });
    this.regions = new Regions(cpu, this.blocks, this.handlers, this.modes);
    for (const each of processors) {
      each.modeChanged = (spaceChosen = false) => {
        this.modes.update(each);
        if (!spaceChosen) each.mmu.spaceChanged();
        updateFloatMode(each);
      };
      each.codeWritten = (place, bytes) => this.codeWritten(place, bytes);
      each.lazyStatus = this.core.status;
    }
  }

  /** Retired up to the instruction under way. */
  retired(): number {
    if (!this.running) return this.retiredBefore;
    const { i32, f64 } = this.cpu;
    return f64[S.grantEnd >> 3]! - i32[S.budget >> 2]! - (this.current === 0 ? 0 : i32[(this.current + RECORD.remaining.offset) >> 2]!);
  }
  setRetired(count: number): void { this.retiredBefore = count; }

  /** That processor's state has been put into the shared memory. */
  switchTo(cpu: Processor): void {
    this.cpu = cpu;
    cpu.u32[S.processor >> 2] = cpu.id;
    this.modes.forget();
    cpu.modeChanged();
  }

  /** Generated code may have gone to another world: what TypeScript keeps of it follows before anybody asks. */
  private follow(): void {
    const { cpu } = this;
    if (!cpu.mmu.behind) return;
    this.modes.forget();
    cpu.modeChanged();
  }

  /** Everything translated is forgotten: memory changed from outside. */
  forget(): void {
    this.blocks.clear();
    this.regions.forget();
    this.modes.forget();
    this.cpu.mmu.codePages.fill(0);
    this.cpu.modeChanged();
  }

  /**
   * Runs at most `budget` instructions (at least one, unless it stops before one). Returns when the budget is used up or
   * TypeScript had to act; faults have been delivered. `watched`: an instruction is at a watched offset and was not run.
   */
  run(budget: number, ignoreWatched = false): 'ran' | 'watched' | 'stopped' {
    for (;;) {
      this.found = false;
      const ended = this.attempt(budget, ignoreWatched);
      // What stands there now has not been run.
      if (!this.found || ended !== 'watched') return ended;
    }
  }
  private attempt(budget: number, ignoreWatched: boolean): 'ran' | 'watched' | 'stopped' {
    const { cpu } = this;
    let record: number;
    cpu.nextRip = cpu.rip;
    try {
      const linear = this.linearRip();
      const host = this.fetchHost(linear), mode = this.modes.get(cpu.low(S.codeMode));
      cpu.setNumber(S.codePage, Math.floor(linear / PAGE) * PAGE);
      record = ignoreWatched && this.blocks.watchedOffsets.has(host & (PAGE - 1)) ? this.blocks.single(linear, host, mode) : this.blocks.find(linear, host, mode);
    } catch (e) { return this.act(e); }
    if (this.exhausted) {
      this.exhausted = false;
      if (this.compiles) this.regions.sample(record);
    }
    const count = cpu.i32[(record + RECORD.remaining.offset) >> 2]!;
    const used = Math.min(count, budget);
    if (count > budget) record = this.blocks.cut(record, budget);
    cpu.f64[S.grantEnd >> 3] = this.retiredBefore + budget;
    this.running = true;
    cpu.u32[S.unasked >> 2] = ignoreWatched ? 0 : this.unasked();
    this.single = cpu.alone = ignoreWatched;
    if (ignoreWatched) this.step = { from: cpu.rip, next: this.ripAt(record, RECORD.nextOffset.offset) };
    cpu.i32[S.budget >> 2] = budget - used;
    this.core.run(record);
    cpu.alone = true;
    return this.account(record);
  }

  /** After the interpreter left: how many instructions have retired, and where execution goes on. */
  private account(first: number): 'ran' | 'watched' | 'stopped' {
    this.follow();
    const { cpu } = this;
    if (this.barrier) cpu.u32[this.barrier.at] = this.barrier.handler;
    this.barrier = undefined;
    const reason = cpu.low(S.exitReason), record = cpu.low(S.exitRecord);
    let left = cpu.i32[S.budget >> 2]!;
    if (reason === EXIT.at) {
      left += cpu.i32[(record + RECORD.remaining.offset) >> 2]!;
      cpu.rip = this.ripAt(record, RECORD.offset.offset);
    } else if (reason !== EXIT.target) left = this.leftover;
    const retired = cpu.f64[S.grantEnd >> 3]! - left, ran = retired - this.retiredBefore;
    this.retiredBefore = retired;
    this.running = false;
    if (this.failure !== undefined) { const f = this.failure; this.failure = undefined; throw f as Error; }
    if (this.stopped) { this.stopped = false; return 'stopped'; }
    return reason === EXIT.at && ran === 0 && record === first ? 'watched' : 'ran';
  }

  /** Acts on what interrupted an instruction. */
  private act(e: unknown): 'ran' | 'stopped' {
    const { cpu } = this;
    cpu.alone = true;
    try {
      if (e instanceof Exception) { forgetHits(cpu); cpu.nextRip = cpu.rip; this.faults.exception(cpu, e); cpu.rip = cpu.nextRip; }
      else if (e instanceof EptFault) { forgetHits(cpu); this.faults.eptFault(cpu, e); }
      else if (e instanceof ExitDue) { forgetHits(cpu); e.perform(); }
      else if (e instanceof StopBeforeDelivery) return 'stopped';
      else if (!(e instanceof Abandon)) throw e;
    } catch (thrown) { if (thrown !== e) return this.act(thrown); throw thrown; }
    return 'ran';
  }

  /** Does something between two instructions; what it throws is acted upon as an instruction's. True: it was acted upon. */
  boundary<T>(work: () => T): T | true {
    this.cpu.nextRip = this.cpu.rip;
    try { return work(); }
    catch (e) { this.act(e); return true; }
  }

  linearRip(): number {
    const { cpu } = this;
    if (!cpu.code64) return (cpu.base(CS) + cpu.rip) >>> 0;
    const high = cpu.i32[(S.rip >> 2) + 1]! >> 15;
    if (high !== 0 && high !== -1) throw exception('#GP', 0, 'RIP is not canonical');
    return cpu.rip;
  }
  private ripAt(record: number, field: number): number {
    const { cpu } = this;
    const linear = cpu.number(S.codePage) + cpu.view.getUint16(record + field, true);
    return cpu.code64 ? linear : (linear - cpu.base(CS)) >>> 0;
  }

  private fetchHost(linear: number): number {
    this.follow();
    const { cpu } = this, known = fastHost(cpu, linear);
    if (known !== undefined) return known;
    const physical = cpu.mmu.translate(linear, EXECUTE, cpu.cpl === 3), host = hostOf(cpu, physical, EXECUTE);
    if (host === NOWHERE) throw new Error(`not implemented: running code at physical address 0x${physical.toString(16)}, which is not memory`);
    return host;
  }

  private exit(reason: number, record: number): void {
    const { u32 } = this.cpu;
    u32[S.exitReason >> 2] = reason;
    u32[S.exitRecord >> 2] = record;
  }
  private goTo(record: number, linear: number): number {
    const { cpu } = this;
    cpu.rip = cpu.code64 ? linear : (linear - cpu.base(CS)) >>> 0;
    this.exit(EXIT.target, record);
    return 0;
  }
  private slowTransfer(record: number, linear: bigint): number {
    const target = Number(BigInt.asIntN(64, linear)), { cpu } = this;
    try {
      const host = this.fetchHost(target);
      const next = this.blocks.find(target, host, this.modes.get(cpu.low(S.codeMode)));
      cpu.setNumber(S.codePage, Math.floor(target / PAGE) * PAGE);
      return next;
    } catch { return this.goTo(record, target); }
  }
  private unlinked(record: number, slot: number, linear: bigint): number {
    const epoch = this.blocks.epoch, { cpu } = this;
    const target = Number(BigInt.asIntN(64, linear)), page = cpu.number(S.codePage);
    const next = this.slowTransfer(record, linear);
    const inBlocks = record >= FIRST_BLOCK;
    if (next !== 0 && epoch === this.blocks.epoch && inBlocks && Math.floor(target / PAGE) * PAGE === page && cpu.view.getUint16(next + RECORD.nextOffset.offset, true) <= PAGE) {
      cpu.u32[(record + slot) >> 2] = next;
    }
    return next;
  }
  /** `next` is the block that does not fit any more, or 0: the instruction itself is to go on later (REP). */
  private outOfBudget(record: number, next: number): number {
    // A single step says nothing of what is hot.
    if (!this.single) this.exhausted = true;
    if (next === 0) { this.exit(EXIT.at, record); return 0; }
    const { cpu } = this;
    return this.goTo(record, cpu.number(S.codePage) + cpu.view.getUint16(next + RECORD.offset.offset, true));
  }

  private enter(record: number): void {
    this.follow();
    this.current = record;
    const { cpu } = this;
    cpu.rip = this.ripAt(record, RECORD.offset.offset);
    cpu.nextRip = this.ripAt(record, RECORD.nextOffset.offset);
  }
  /** The instruction is abandoned for what was thrown. */
  private abandon(record: number, thrown: unknown): 0 {
    const { cpu } = this;
    if (!(thrown instanceof Abandon || thrown instanceof FaultInNewTask)) cpu.rip = this.ripAt(record, RECORD.offset.offset);
    try {
      this.stopped = this.act(thrown) === 'stopped';
      this.onward(record, 0);
    } catch (failure) {
      this.failure = failure;
      this.exit(EXIT.at, record);
      cpu.u32[S.resume >> 2] = 0;
    }
    this.current = 0;
    return 0;
  }

  /** The instruction of that record is over, `retired` or not, and S.rip says where to go on: in WebAssembly, if nothing asks for the run loop. */
  private onward(record: number, retired: 0 | 1): void {
    const { cpu } = this, { i32, u32 } = cpu;
    const left = i32[S.budget >> 2]! + i32[(record + RECORD.remaining.offset) >> 2]! - retired;
    this.leftover = left;
    this.exit(retired === 1 ? EXIT.after : EXIT.settled, record);
    u32[S.resume >> 2] = 0;
    this.current = 0;
    if (left <= 0 || this.single || this.stopped) return;
    // What is asked here may count instructions: the budget stands as if the block ended here.
    i32[S.budget >> 2] = left;
    if (this.attention()) return;
    try {
      cpu.setNumber(S.onward, this.linearRip());
      u32[S.resume >> 2] = 1;
      cpu.alone = false;
    } catch { /* RIP is not canonical: the run loop meets that again. */ }
  }
  /** The same in TypeScript, where WebAssembly does not find the block at S.onward. */
  private slowOnward(): number {
    const { cpu } = this, { i32 } = cpu, linear = cpu.number(S.onward);
    try {
      const next = this.blocks.find(linear, this.fetchHost(linear), this.modes.get(cpu.low(S.codeMode)));
      const left = i32[S.budget >> 2]! - i32[(next + RECORD.remaining.offset) >> 2]!;
      if (left < 0) return 0;
      i32[S.budget >> 2] = left;
      cpu.setNumber(S.codePage, Math.floor(linear / PAGE) * PAGE);
      return next;
    } catch { return 0; /* The fetch faults: the run loop meets that again. */ }
  }
  private compute(record: number, operation: number): number {
    this.enter(record);
    try {
      const abandoned = this.operations[operation]!(this.cpu);
      if (abandoned !== undefined) return this.abandon(record, abandoned);
    } catch (e) { return this.abandon(record, e); }
    this.current = 0;
    return 1;
  }
  private perform(record: number, operation: number): void {
    this.enter(record);
    const { cpu } = this;
    try {
      const abandoned = this.operations[operation]!(cpu);
      if (abandoned !== undefined) { this.abandon(record, abandoned); return; }
    } catch (e) { this.abandon(record, e); return; }
    cpu.rip = cpu.nextRip;
    this.onward(record, 1);
  }

  private slowReference(record: number, info: number, at: number): number {
    this.enter(record);
    try { return info & INFO.unaligned ? withoutAlignmentChecks(this.cpu, () => this.refer(record, info, at)) : this.refer(record, info, at); }
    catch (e) { return this.abandon(record, e); }
  }
  /** Where the bytes of a reference are; in S.bounce when there is no one place. */
  private refer(record: number, info: number, at: number): number {
    const { cpu } = this, bytes = info & 0xff, access = (info >> INFO.accessShift) & 3, supervisor = (info & INFO.implicitSupervisor) !== 0;
    const linear = linearOf(cpu, info, at), inPage = linear & (PAGE - 1);
    if ((info & INFO.aligned) !== 0 && (linear & (bytes - 1)) !== 0) throw exception('#GP', 0, `address is not aligned to ${bytes} bytes`);
    let host: number = S.bounce;
    examine(cpu, linear, bytes, access === 0 ? READ : WRITE, supervisor);
    if ((inPage < 0 ? inPage + PAGE : inPage) + bytes <= PAGE) {
      const kind = access === 0 ? READ : WRITE, physical = cpu.mmu.translate(linear, kind, cpu.cpl === 3 && !supervisor, supervisor), found = hostOf(cpu, physical, kind);
      if (found !== NOWHERE && (access === 0 || isPlain(cpu, physical, found))) host = found;
    } else if (access !== 0) probe(cpu, linear, bytes, WRITE, supervisor);
    if (host === S.bounce && access !== 1) {
      readTo(cpu, linear, bytes, S.bounce, supervisor);
      if (access === 0) this.deviceAccessed(record, false);
    }
    this.current = 0;
    return host;
  }
  private slowStore(record: number, info: number, at: number): number {
    this.enter(record);
    try { writeFrom(this.cpu, linearOf(this.cpu, info, at), info & 0xff, S.bounce, (info & INFO.implicitSupervisor) !== 0); }
    catch (e) { return this.abandon(record, e); }
    this.deviceAccessed(record, true);
    this.current = 0;
    return 1;
  }
  /** A device was accessed: when that concerns the run loop, the interpreter leaves after the instruction. */
  private deviceAccessed(record: number, written: boolean): void {
    if (this.single || this.barrier || !this.attention()) return;
    const { i32, u32, f64 } = this.cpu, at = (record + RECORD_BYTES) >> 2;
    this.barrier = { at, handler: u32[at]! };
    u32[at] = LEAVE_SLOT;
    // No event of this instruction is plain.
    u32[S.unasked >> 2] = 0;
    if (!written) return;
    u32[S.regionStamp >> 2]! += 1;
    // An instruction that ends its block finds no budget for the next.
    f64[S.grantEnd >> 3]! -= i32[S.budget >> 2]!;
    i32[S.budget >> 2] = 0;
  }
  private codeWritten(place: number, bytes: number): void {
    this.blocks.written(place, bytes);
    const first = Math.floor(place / PAGE), last = Math.floor((place + bytes - 1) / PAGE);
    for (let page = first; page <= last; page++) if (!this.blocks.inPage(page)) this.cpu.mmu.codePages[page] = 0;
  }
}
