/** Puts a PC together and runs it. The machine is a pure function of what it is given: time is the count of instructions. */
import type { BootPlan } from '../boot/plan.js';
import { NotImplemented } from '../cpu/events.js';
import { deliverException } from '../cpu/exceptions.js';
import { beginStep, endStep, eventsPending, mustStep, quietBoundary, serviceInterrupts } from '../cpu/interrupts.js';
import { IF } from '../cpu/flags.js';
import { apicMsrs } from '../cpu/apic-msrs.js';
import { adjustedTsc, registerMsrs } from '../cpu/msrs.js';
import { FEATURES } from '../cpu/cpuid.js';
import { MAP, S } from '../cpu/layout.js';
import { ACTIVITY } from '../cpu/modes.js';
import { ROOT_INTERCEPTS } from '../cpu/intercepts.js';
import { Processor } from '../cpu/processor.js';
import { resetProcessor } from '../cpu/reset.js';
import { applyEntryState } from './entry-state.js';
import { LocalApic } from '../devices/local-apic.js';
import { INSTRUCTIONS } from '../isa/index.js';
import { OPERATIONS } from './operations.js';
import { StopConditions } from '../observe/conditions.js';
import { TrapLedger } from '../observe/ledger.js';
import { ProcessorObserver } from '../observe/observer.js';
import { Mmu } from '../paging/mmu.js';
import { Engine } from '../translate/engine.js';
import { attachVmx, selectIntercepts } from '../vmx/attach.js';
import { eptFault, nextVmxDeadline } from '../vmx/intercepts.js';
import { Chipset } from './chipset.js';
import { VirtualClock } from './clock.js';
import { prepareBoard, prepareProcessor } from './firmware.js';
import type { Breakpoints, Machine, MachineOptions, StopReason } from './contract.js';
import { restoreSnapshot, saveSnapshot } from './snapshot.js';
import { stateHash } from './state-hash.js';

const PAGE = 4096, WASM_PAGE = 65536;
/** Largest grant of instructions at once: hot code is found by where grants end. */
const LONGEST_RUN = 200_000;
/** Timer events that a halted processor may sleep through before the caller is asked whether to go on. */
const IDLE_EVENTS = 10_000;
/** 1 January 2026, in seconds since 1970: what the clock of the PC shows at reset. */
const EPOCH_SECONDS = 1_767_225_600;

export const MOST_MEMORY = 3 * 2 ** 30;

export class PersonalComputer implements Machine {
  readonly memory: WebAssembly.Memory;
  readonly guestBytes: number;
  readonly cpu: Processor;
  readonly ledger = new TrapLedger();
  readonly conditions = new StopConditions();
  readonly clock = new VirtualClock();
  readonly chipset: Chipset;
  readonly engine: Engine;
  private readonly observer: ProcessorObserver;
  private readonly nanosecondsPerInstruction: number;
  /** Virtual time that passed while the processor was halted. */
  private idleNanoseconds = 0;
  /** The timer deadline up to which the present grant of instructions reaches. */
  private deadline = Infinity;
  private outcome: StopReason | undefined;
  private plan: BootPlan | undefined;
  private readonly watched = new Set<number>();

  constructor(options: MachineOptions) {
    if (options.cpus !== 1) throw new NotImplemented(`${options.cpus} processors; start with one`);
    if (options.memoryBytes > MOST_MEMORY) throw new NotImplemented('more than 3072 MiB of guest memory');
    this.guestBytes = Math.ceil(options.memoryBytes / PAGE) * PAGE;
    const pages = Math.ceil((MAP.guestMemory + this.guestBytes) / WASM_PAGE);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.nanosecondsPerInstruction = options.nanosecondsPerInstruction ?? 1;
    const cpu = (this.cpu = new Processor(this.memory, 0, this.guestBytes));
    this.chipset = new Chipset(this.clock, this.guestBytes, EPOCH_SECONDS, [{
      tsc: () => adjustedTsc(cpu),
      NMI: () => { cpu.u32[S.pendingNmi >> 2] = 1; },
      SMI: () => { throw new NotImplemented('system-management interrupts'); },
      INIT: () => { this.resetAsked = true; },
      startUp: () => undefined,
    }], {
      serial: (port, byte) => options.onSerial(port, byte),
      debugConsole: (byte) => options.onDebugConsole(byte),
      exit: (value) => { this.end({ kind: 'exit', value }); },
      powerOff: () => { this.end({ kind: 'power-off' }); },
      reset: () => { this.resetAsked = true; },
      a20: (enabled) => {
        cpu.i32[S.a20Mask >> 2] = enabled ? -1 : ~(1 << 20);
        if (this.plan) cpu.modeChanged();
      },
    });
    cpu.localApic = this.chipset.localApics[0]!;
    cpu.ports = this.chipset.ports;
    cpu.intercepts = ROOT_INTERCEPTS;
    cpu.observer = this.observer = new ProcessorObserver(cpu, this.ledger, this.conditions, () => this.instructions);
    cpu.mmu = new Mmu(cpu, this.chipset.mmio);
    this.engine = new Engine(cpu, INSTRUCTIONS.filter((i) => i.feature === undefined || FEATURES.has(i.feature)), OPERATIONS, { exception: deliverException, eptFault });
    this.engine.attention = () => this.outcome !== undefined || this.observer.stoppedBy !== undefined || this.resetAsked || cpu.activity !== ACTIVITY.active
      || this.clock.nextDeadline() !== this.deadline || !quietBoundary(cpu);
    this.engine.compiles = options.tier !== 'interpreter';
    cpu.readTsc = () => BigInt(this.now());
    registerMsrs(cpu, apicMsrs(LocalApic.X2APIC_REGISTERS));
    attachVmx(cpu);
    this.clock.instant = () => this.now();
    this.reset();
  }

  private resetAsked = false;

  get processors(): readonly Processor[] { return [this.cpu]; }
  get instructions(): number { return this.engine.retired(); }
  /** Nanoseconds of virtual time. */
  now(): number { return Math.floor(this.instructions * this.nanosecondsPerInstruction) + this.idleNanoseconds; }

  load(plan: BootPlan): void {
    this.plan = plan;
    this.reset();
  }

  reset(): void {
    const { cpu } = this;
    this.outcome = undefined;
    this.resetAsked = false;
    this.idleNanoseconds = 0;
    this.engine.setRetired(0);
    cpu.u8.fill(0, MAP.guestMemory, MAP.guestMemory + this.guestBytes);
    this.clock.restore({ now: 0, queue: [] });
    this.chipset.reset();
    resetProcessor(cpu);
    selectIntercepts(cpu);
    if (this.plan) {
      prepareBoard(cpu, this.chipset);
      for (const { address, bytes } of this.plan.writes) cpu.u8.set(bytes, MAP.guestMemory + address);
      applyEntryState(cpu, this.plan.entry);
      prepareProcessor(cpu);
    }
    this.engine.forget();
    this.ledger.clear();
    this.observer.clear();
  }

  private end(reason: StopReason): void { this.outcome ??= reason; }

  run(instructions: number): StopReason {
    const end = this.instructions + instructions;
    for (let idle = 0; ;) {
      const stop = this.pendingStop();
      if (stop) return stop;
      if (this.instructions >= end) return { kind: 'budget' };
      try {
        if (this.boundary()) continue;
        if (this.cpu.activity !== ACTIVITY.active) {
          const slept = this.sleep();
          if (slept) return slept;
          if (++idle > IDLE_EVENTS) return { kind: 'paused' };
          continue;
        }
        const linear = this.interpret(Math.min(end - this.instructions, this.untilEvent()), false);
        if (linear !== undefined) return { kind: 'breakpoint', linear };
      } catch (thrown) { return this.refused(thrown); }
    }
  }

  step(_cpu: number): StopReason {
    const stop = this.pendingStop();
    if (stop) return stop;
    try {
      if (!this.boundary()) {
        if (this.cpu.activity !== ACTIVITY.active) return this.sleep() ?? { kind: 'budget' };
        this.interpret(1, true);
      }
    } catch (thrown) { return this.refused(thrown); }
    return this.pendingStop() ?? { kind: 'budget' };
  }

  /** What cannot be done is said by name; the machine stays where it is. */
  private refused(thrown: unknown): StopReason {
    if (thrown instanceof NotImplemented) return { kind: 'not implemented', what: thrown.what };
    if (thrown instanceof Error && thrown.message.startsWith('not implemented: ')) return { kind: 'not implemented', what: thrown.message.slice(17) };
    throw thrown;
  }

  private pendingStop(): StopReason | undefined {
    if (this.outcome) return this.outcome;
    const event = this.observer.stoppedBy;
    if (event) {
      this.observer.stoppedBy = undefined;
      return { kind: 'event', event };
    }
    if (this.cpu.activity === ACTIVITY.shutdown && !this.cpu.nonRoot) return { kind: 'triple fault', autopsy: [...this.cpu.autopsy] };
    if (this.resetAsked) this.warmReset();
    return undefined;
  }

  /** Timers that are due, then interrupts and traps. True: something was taken. */
  private boundary(): boolean {
    const now = this.now();
    if (this.clock.nextDeadline() <= now) this.clock.runDue(now);
    const { cpu } = this;
    if (!eventsPending(cpu)) return false;
    return this.engine.boundary(() => serviceInterrupts(cpu));
  }

  /** Instructions until a timer must fire. */
  private untilEvent(): number {
    const now = this.now();
    this.deadline = this.clock.nextDeadline();
    const wait = Math.min(this.deadline - now, nextVmxDeadline(this.cpu));
    return Math.max(1, Math.min(LONGEST_RUN, Math.ceil(wait / this.nanosecondsPerInstruction)));
  }

  /** Time passes to the next event while the processor is halted. */
  private sleep(): StopReason | undefined {
    const { cpu } = this;
    const wait = Math.min(this.clock.nextDeadline() - this.now(), nextVmxDeadline(cpu));
    const deaf = (cpu.low(S.rflags) & IF) === 0 && !cpu.nonRoot && cpu.low(S.pendingNmi) === 0;
    if (deaf || wait === Infinity) return { kind: 'halted for ever' };
    this.idleNanoseconds += Math.max(0, wait);
    return undefined;
  }

  /** Linear address when an instruction at a breakpoint was not run. */
  private interpret(budget: number, ignoreBreakpoints: boolean): number | undefined {
    const { cpu, engine } = this;
    if (mustStep(cpu)) {
      const linear = this.breakpointHere();
      if (linear !== undefined && !ignoreBreakpoints) return linear;
      const step = engine.boundary(() => { const s = beginStep(cpu); return s; });
      if (step === true) return undefined;
      engine.run(1, true);
      endStep(cpu, step, engine.branched);
      return undefined;
    }
    if (engine.run(budget, ignoreBreakpoints) !== 'watched') return undefined;
    const linear = this.breakpointHere();
    if (linear !== undefined) return linear;
    engine.run(1, true);
    return undefined;
  }
  private breakpointHere(): number | undefined {
    if (this.watched.size === 0) return undefined;
    const linear = this.engine.linearRip();
    return this.watched.has(linear) ? linear : undefined;
  }

  readonly breakpoints: Breakpoints = {
    set: (linear) => { this.watched.add(linear); this.watchedChanged(); },
    clear: (linear) => { this.watched.delete(linear); this.watchedChanged(); },
    list: () => [...this.watched],
  };
  private watchedChanged(): void {
    const { watchedOffsets } = this.engine.blocks;
    watchedOffsets.clear();
    for (const linear of this.watched) watchedOffsets.add(linear & (PAGE - 1));
    this.engine.forget();
  }

  private warmReset(): void {
    this.resetAsked = false;
    this.end({ kind: 'reset' });
  }

  input(port: 1 | 2, bytes: Uint8Array): void { for (const byte of bytes) this.chipset.serial[port - 1]!.receive(byte); }

  stateHash(): string { return stateHash(this.cpu, { instructions: this.instructions, now: this.now(), devices: this.chipset.save(), clock: this.clock.save() }); }

  save(): Uint8Array {
    return saveSnapshot(this.cpu, {
      instructions: this.instructions, idleNanoseconds: this.idleNanoseconds, devices: this.chipset.save(), clock: this.clock.save(), mmu: this.cpu.mmu.save(),
    });
  }
  restore(data: Uint8Array): void {
    const saved = restoreSnapshot(this.cpu, data);
    this.outcome = undefined;
    this.engine.setRetired(saved.instructions);
    this.idleNanoseconds = saved.idleNanoseconds;
    this.clock.restore(saved.clock);
    this.chipset.restore(saved.devices as Record<string, unknown>);
    this.cpu.mmu.restore(saved.mmu as ReturnType<Mmu["save"]>);
    selectIntercepts(this.cpu);
    this.engine.forget();
    this.observer.clear();
  }
}

export const createMachine = (options: MachineOptions): Machine => new PersonalComputer(options);
