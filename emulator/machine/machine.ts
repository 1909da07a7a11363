/** Puts a PC together and runs it. The machine is a pure function of what it is given: time is the count of instructions. */
import type { FirmwarePlan } from '../boot/firmware.js';
import type { BootPlan } from '../boot/plan.js';
import { NotImplemented } from '../cpu/events.js';
import { deliverException } from '../cpu/exceptions.js';
import { beginStep, endStep, eventsPending, mustStep, quietBoundary, serviceInterrupts } from '../cpu/interrupts.js';
import { IF } from '../cpu/flags.js';
import { apicMsrs } from '../cpu/apic-msrs.js';
import { registerMsrs } from '../cpu/msrs.js';
import { FEATURES } from '../cpu/cpuid.js';
import { MAP, MOST_PROCESSORS, S } from '../cpu/layout.js';
import { ACTIVITY } from '../cpu/modes.js';
import { endWait, waitsForStore } from '../cpu/monitor.js';
import { Processor } from '../cpu/processor.js';
import { resetProcessor } from '../cpu/reset.js';
import { EOI_SAYS, TRAP } from '../cpu/trap-events.js';
import { applyEntryState } from './entry-state.js';
import { LocalApic } from '../devices/local-apic.js';
import { DecodeTable } from '../isa/decode.js';
import { rows } from '../isa/encoding.js';
import { INSTRUCTIONS } from '../isa/index.js';
import { OPERATIONS } from './operations.js';
import { StopConditions } from '../observe/conditions.js';
import { TrapLedger } from '../observe/ledger.js';
import { ProcessorObserver } from '../observe/observer.js';
import { type Translation, translationAt } from '../observe/translation.js';
import { Mmu } from '../paging/mmu.js';
import { Engine } from '../translate/engine.js';
import { attachVmx } from '../vmx/attach.js';
import { plainTransitions } from '../vmx/plain-transitions.js';
import { stateMoves } from '../vmx/state-moves.js';
import { eptFault, nextVmxDeadline } from '../vmx/intercepts.js';
import { ataDrives } from './drives.js';
import { Chipset } from './chipset.js';
import { VirtualClock } from './clock.js';
import { directMemory } from './direct-memory.js';
import { firmwareFiles, prepareBoard, prepareProcessor } from './firmware.js';
import type { Breakpoints, Machine, MachineOptions, StopReason } from './contract.js';
import { DEFAULT_QUANTUM, EPOCH_SECONDS, MOST_MEMORY } from './limits.js';
import { restoreSnapshot, saveSnapshot, settingsFor, type Settings } from './snapshot.js';
import { stateHash } from './state-hash.js';
import { Store } from './store.js';
import { Turns } from './turns.js';
import { plugVirtio, type VirtioDevices } from './virtio.js';

const PAGE = 4096;
/** Largest grant of instructions at once: hot code is found by where grants end. */
const LONGEST_RUN = 200_000;
/** Timer events that a halted processor may sleep through before the caller is asked whether to go on. */
const IDLE_EVENTS = 10_000;

export class PersonalComputer implements Machine {
  readonly guestBytes: number;
  private readonly turns: Turns;
  readonly ledger: TrapLedger;
  readonly conditions = new StopConditions();
  readonly clock = new VirtualClock();
  readonly chipset: Chipset;
  readonly engine: Engine;
  private readonly observers: readonly ProcessorObserver[];
  private readonly quantum: number;
  private readonly nanosecondsPerInstruction: number;
  private readonly features: ReadonlySet<string>;
  private readonly store: Store;
  /** Virtual time that passed while the processor was halted. */
  idleNanoseconds = 0;
  /** How much of it may have passed when the present run ends. */
  private idleEnd = Infinity;
  /** The timer deadline up to which the present grant of instructions reaches. */
  private deadline = Infinity;
  private outcome: StopReason | undefined;
  private plan: BootPlan | FirmwarePlan | undefined;
  private readonly watched = new Set<number>();

  constructor(private readonly options: MachineOptions) {
    if (options.cpus > MOST_PROCESSORS) throw new NotImplemented(`${options.cpus} processors; at most ${MOST_PROCESSORS}`);
    if (options.memoryBytes > MOST_MEMORY) throw new NotImplemented('more than 3072 MiB of guest memory');
    this.guestBytes = Math.ceil(options.memoryBytes / PAGE) * PAGE;
    this.store = new Store(this.guestBytes);
    this.ledger = new TrapLedger(this.memory.buffer, MAP.events);
    this.nanosecondsPerInstruction = options.nanosecondsPerInstruction ?? 1;
    this.features = options.features ?? FEATURES;
    this.quantum = options.quantum ?? DEFAULT_QUANTUM;
    const all = Array.from({ length: options.cpus }, (_, id) => new Processor(this.memory, id, this.guestBytes, options.cpus));
    const turns = (this.turns = new Turns(all, () => this.instructions, (cpu) => { this.engine.switchTo(cpu); }));
    this.processors = Object.defineProperties([] as Processor[], Object.fromEntries(all.map(({ id }) => [id, { enumerable: true, get: () => turns.look(id) }])));
    this.chipset = new Chipset(this.clock, this.guestBytes, EPOCH_SECONDS, all.map(({ id }) => ({
      tsc: () => BigInt(this.now()) + turns.big(id, S.tscAdjust),
      NMI: () => { turns.words(id)[S.pendingNmi >> 2] = 1; },
      serviced: (vector) => { all[id]!.observer.raise(TRAP.EOI, [vector], EOI_SAYS); },
      SMI: () => { throw new NotImplemented('system-management interrupts'); },
      INIT: () => {
        turns.words(id)[S.pendingInit >> 2] = 1;
        turns.words(id)[S.pendingStartUp >> 2] = 0;
      },
      startUp: (vector) => { turns.words(id)[S.pendingStartUp >> 2] = 0x100 + vector; },
    })), {
      memory: directMemory(all[0]!),
      serial: (port, byte) => options.onSerial(port, byte),
      debugConsole: (byte) => options.onDebugConsole(byte),
      exit: (value) => { this.end({ kind: 'exit', value }); },
      powerOff: () => { this.end({ kind: 'power-off' }); },
      reset: () => { this.resetAsked = true; },
      a20: (enabled) => {
        for (const { id } of all) turns.words(id)[S.a20Mask >> 2] = enabled ? 0xffffffff : ~(1 << 20);
        if (this.plan !== undefined || this.instructions > 0) this.cpu.modeChanged();
      },
      remapped: () => { this.remap(); },
    }, ataDrives(options));
    this.virtio = plugVirtio(this.chipset.pci.bus, directMemory(all[0]!), options, () => { this.frameSent = true; });
    this.observers = all.map((cpu) => new ProcessorObserver(cpu, this.ledger, this.conditions, () => this.instructions));
    for (const cpu of all) {
      cpu.localApic = this.chipset.localApics[cpu.id]!;
      cpu.ports = this.chipset.ports;
      cpu.observer = this.observers[cpu.id]!;
      cpu.mmu = new Mmu(cpu, this.chipset.mmio, this.store.map);
      cpu.readTsc = () => BigInt(this.now());
      cpu.signalFloatError = () => { this.chipset.coprocessor.raise(); };
      cpu.restart = () => { this.resetAsked = true; };
    }
    const moves = stateMoves(this.memory);
    this.engine = new Engine(all, new DecodeTable(INSTRUCTIONS.flatMap(rows), this.features), OPERATIONS, { exception: deliverException, eptFault },
      plainTransitions(this.memory, { ...moves, attention: () => this.engine.attention() }));
    this.engine.unasked = () => this.conditions.unasked;
    this.engine.attention = () => this.outcome !== undefined || this.frameSent || this.observer.stoppedBy !== undefined || this.resetAsked || this.remapped || this.cpu.activity !== ACTIVITY.active
      || (this.cpu.yields && all.length > 1) || this.clock.nextDeadline() !== this.deadline || !quietBoundary(this.cpu);
    this.engine.compiles = options.tier !== 'interpreter';
    for (const cpu of all) {
      registerMsrs(cpu, apicMsrs(LocalApic.X2APIC_REGISTERS));
      attachVmx(cpu, moves);
    }
    this.clock.instant = () => this.now();
    this.powerUp();
  }

  private resetAsked = false;
  private readonly virtio: VirtioDevices;
  /** In the present run. */
  private frameSent = false;
  /** Memory is elsewhere since the present grant of instructions began. */
  private remapped = false;
  readonly processors: readonly Processor[];

  /** Whose state the shared memory holds. */
  get cpu(): Processor { return this.turns.cpu; }
  private get firmware(): FirmwarePlan | undefined { return this.plan && 'rom' in this.plan ? this.plan : undefined; }
  get memory(): WebAssembly.Memory { return this.store.memory; }
  get current(): number { return this.turns.turn; }
  private get observer(): ProcessorObserver { return this.observers[this.cpu.id]!; }
  get instructions(): number { return this.engine.retired(); }
  /** Nanoseconds of virtual time. */
  now(): number { return Math.floor(this.instructions * this.nanosecondsPerInstruction) + this.idleNanoseconds; }

  load(plan: BootPlan | FirmwarePlan): void {
    this.plan = plan;
    this.reset();
  }

  reset(): void {
    this.store.clear(this.firmware?.rom);
    this.powerUp();
  }

  private powerUp(): void {
    this.outcome = undefined;
    this.idleNanoseconds = 0;
    this.engine.setRetired(0);
    for (const disk of [...this.options.disks ?? [], ...this.options.ataDisks ?? []]) disk.reset();
    this.start();
    this.ledger.clear();
    for (const observer of this.observers) observer.clear();
  }

  /** Everything as RESET leaves it, and what a loader does, but with memory as it is. */
  private start(): void {
    const { turns, plan, firmware } = this;
    this.resetAsked = false;
    this.clock.restore({ now: this.now(), queue: [] });
    this.chipset.fwCfg.files = firmware ? firmwareFiles(this.chipset, firmware) : [];
    this.chipset.reset();
    for (let n = this.processors.length - 1; n >= 0; n--) {
      const cpu = turns.look(n);
      resetProcessor(cpu, this.features);
      cpu.set(S.random, this.options.seed ?? 0, n);
      if (n > 0) cpu.activity = ACTIVITY.waitForSipi;
      if (plan && !firmware) prepareProcessor(cpu);
    }
    turns.reset();
    if (plan && 'entry' in plan) {
      prepareBoard(turns.cpu, this.chipset);
      for (const { address, bytes } of plan.writes) turns.cpu.u8.set(bytes, MAP.guestMemory + address);
      applyEntryState(turns.cpu, plan.entry);
    }
    this.engine.forget();
  }

  private remap(): void {
    if (!this.store.remap(this.chipset.pci)) return;
    this.remapped = true;
    for (const mmu of this.turns.mmus) mmu.remapped();
  }

  private end(reason: StopReason): void { this.outcome ??= reason; }

  run(instructions: number, idleNanoseconds = Infinity): StopReason {
    this.idleEnd = this.idleNanoseconds + Math.max(0, idleNanoseconds);
    this.frameSent = false;
    const reason = this.advance(this.instructions + instructions);
    this.idleEnd = Infinity;
    return reason;
  }

  /** Until so many instructions have been run, or the turn of that processor begins. */
  private advance(end: number, awaited?: number): StopReason {
    for (let idle = 0; ;) {
      this.turns.look(this.turns.turn);
      const stop = this.pendingStop();
      if (stop) return stop;
      if (this.instructions >= end || this.turns.turn === awaited) return { kind: 'budget' };
      if (this.frameSent && awaited === undefined) return { kind: 'paused' };
      try {
        if (this.boundary() || this.passTurn()) continue;
        if (this.cpu.activity !== ACTIVITY.active) {
          const slept = this.sleep();
          if (slept) return slept;
          if (++idle > IDLE_EVENTS) return { kind: 'paused' };
          continue;
        }
        this.remapped = false;
        const linear = this.interpret(Math.min(end - this.instructions, this.untilEvent()), false);
        if (linear !== undefined) return { kind: 'breakpoint', linear };
      } catch (thrown) { return this.refused(thrown); }
    }
  }

  step(number: number): StopReason {
    const { turns } = this;
    turns.look(turns.turn);
    const stop = this.pendingStop();
    if (stop) return stop;
    try {
      let taken = turns.turn === number && this.boundary();
      if (!taken && (turns.turn !== number || this.passTurn())) {
        const reason = this.advance(this.instructions + this.processors.length * this.quantum, number);
        if (turns.turn !== number || reason.kind !== 'budget') return reason;
        taken = this.boundary();
      }
      if (!taken) {
        if (this.cpu.activity !== ACTIVITY.active) return this.sleep() ?? { kind: 'budget' };
        this.interpret(1, true);
      }
    } catch (thrown) { return this.refused(thrown); }
    return this.pendingStop() ?? { kind: 'budget' };
  }

  /** Whether the turn went to another: this one's is over, or it sleeps. */
  private passTurn(): boolean {
    const { turns } = this, { turn } = turns;
    if (this.processors.length === 1 || (this.cpu.activity === ACTIVITY.active && this.instructions < turns.turnEnd)) return false;
    const wakes = (number: number): boolean => {
      if (!turns.mayWake(number)) return false;
      turns.look(number);
      return this.boundary();
    };
    const passed = turns.pass(this.quantum, (number) => turns.isActive(number) || wakes(number));
    turns.look(turns.turn);
    return passed && turns.turn !== turn;
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
    const shutdown = this.cpu.activity === ACTIVITY.shutdown && !this.cpu.nonRoot;
    if (shutdown && this.options.onTripleFault !== 'restart') return { kind: 'triple fault', autopsy: [...this.cpu.autopsy] };
    if (!shutdown && !this.resetAsked) return undefined;
    if (this.options.onReset === 'stop') return (this.outcome = { kind: 'reset' });
    // Firmware finds memory as it was; without it, a loader begins with an empty one.
    if (!this.firmware) this.store.clear();
    this.start();
    this.options.restarted?.();
    return undefined;
  }

  /** Timers that are due, then interrupts and traps. True: something was taken. */
  private boundary(): boolean {
    const now = this.now();
    if (this.clock.nextDeadline() <= now) this.clock.runDue(now);
    const { cpu } = this, waits = waitsForStore(cpu);
    if (waits && endWait(cpu)) return true;
    if (!eventsPending(cpu)) return false;
    // Whoever takes the event finds an active processor.
    if (waits) cpu.activity = ACTIVITY.active;
    const taken = this.engine.boundary(() => serviceInterrupts(cpu));
    if (waits && taken !== true) cpu.activity = ACTIVITY.HLT;
    return taken;
  }

  /** Instructions until a timer must fire. */
  private untilEvent(): number {
    const now = this.now();
    this.deadline = this.clock.nextDeadline();
    const wait = Math.min(this.deadline - now, nextVmxDeadline(this.cpu)), turn = this.processors.length === 1 ? Infinity : this.turns.turnEnd - this.instructions;
    return Math.max(1, Math.min(LONGEST_RUN, turn, Math.ceil(wait / this.nanosecondsPerInstruction)));
  }

  /** Time passes to the next event while all processors are halted, as far as it may. */
  private sleep(): StopReason | undefined {
    let wait = this.clock.nextDeadline() - this.now(), deaf = true;
    for (const cpu of this.processors) {
      wait = Math.min(wait, nextVmxDeadline(cpu));
      const hears = cpu.activity !== ACTIVITY.waitForSipi && ((cpu.low(S.rflags) & IF) !== 0 || cpu.low(S.pendingNmi) !== 0 || waitsForStore(cpu));
      if (hears || cpu.nonRoot) deaf = false;
    }
    this.turns.look(this.turns.turn);
    const may = this.idleEnd - this.idleNanoseconds, awaitsInput = may !== Infinity && (this.virtio.networks.length > 0 || this.chipset.serial.some(({ awaitsInput }) => awaitsInput));
    if (deaf || (wait === Infinity && !awaitsInput)) return { kind: 'halted for ever' };
    this.idleNanoseconds += Math.min(Math.max(0, wait), may);
    return wait > may ? { kind: 'paused' } : undefined;
  }

  /** Linear address when an instruction at a breakpoint was not run. */
  private interpret(budget: number, ignoreBreakpoints: boolean): number | undefined {
    const { cpu } = this, linear = this.interpretTurn(cpu, budget, ignoreBreakpoints);
    // A processor that waits for another gives its turn away.
    if (cpu.yields) this.turns.turnEnd = this.instructions;
    cpu.yields = false;
    return linear;
  }
  private interpretTurn(cpu: Processor, budget: number, ignoreBreakpoints: boolean): number | undefined {
    const { engine } = this;
    if (mustStep(cpu)) {
      const linear = this.breakpointHere();
      if (linear !== undefined && !ignoreBreakpoints) return linear;
      const step = engine.boundary(() => beginStep(cpu));
      if (step === true) return undefined;
      engine.run(1, true);
      endStep(cpu, step, engine.branched);
      return undefined;
    }
    if (engine.run(budget, ignoreBreakpoints) !== 'watched') return undefined;
    const linear = this.breakpointHere();
    if (linear === undefined) engine.run(1, true);
    return linear;
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
  private watchedChanged(): void { this.engine.blocks.watch(this.watched); }

  input(port: 1 | 2, bytes: Uint8Array): void { for (const byte of bytes) this.chipset.serial[port - 1]!.receive(byte); }
  receive(card: number, frame: Uint8Array): boolean { return this.virtio.networks[card]!.receive(frame); }

  translation(linear: number): Translation | undefined { return translationAt(this.engine, linear); }
  /** What there is to see besides processors and memory. */
  besides(): unknown { return { instructions: this.instructions, now: this.now(), turns: this.turns.save(), devices: this.chipset.save(), clock: this.clock.save() }; }
  stateHash(): string { return stateHash(this.processors, this.store.usedBytes, this.besides()); }

  private get settings(): Settings { return settingsFor(this.options, this.guestBytes, this.store.usedRomBytes, this.chipset.pci.bus.all); }
  save(): Uint8Array {
    return saveSnapshot(this.cpu, this.store.usedBytes, this.turns.areas, {
      settings: this.settings, instructions: this.instructions, idleNanoseconds: this.idleNanoseconds, turns: this.turns.save(), devices: this.chipset.save(), clock: this.clock.save(),
      mmus: this.turns.mmus.map((mmu) => mmu.save()),
    });
  }
  restore(data: Uint8Array): void {
    this.turns.look(0);
    const saved = restoreSnapshot(this.cpu, this.store, this.turns.areas, this.settings, data);
    this.outcome = undefined;
    this.engine.setRetired(saved.instructions);
    this.idleNanoseconds = saved.idleNanoseconds;
    this.clock.restore(saved.clock);
    this.chipset.restore(saved.devices as Record<string, unknown>);
    this.turns.restore(saved.turns);
    for (const cpu of this.processors) cpu.mmu.restore((saved.mmus as ReturnType<Mmu['save']>[])[cpu.id]!);
    this.engine.forget();
    for (const observer of this.observers) observer.clear();
  }
}

export const createMachine = (options: MachineOptions): Machine => new PersonalComputer(options);
