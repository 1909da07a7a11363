/** A machine under the debugger: its program, its symbols, what runs it, and what is known about its present stop. */
import { isBzImage } from '../emulator/boot/bzimage.js';
import type { BootPlan } from '../emulator/boot/index.js';
import type { Machine } from '../emulator/machine/contract.js';
import type { Processor } from '../emulator/cpu/processor.js';
import { readVmcs, type VmcsGroup } from '../emulator/observe/vmcs.js';
import { planBoot } from './boot-files.js';
import { TableBases } from './panel-data.js';
import type { Host } from './host.js';
import { Linux } from './guests/linux/linux.js';
import { Image, Images } from './images.js';
import type { Devices } from '../outside/devices.js';
import type { LaunchArguments } from './launch-arguments.js';
import { listingAround, type Listing } from './listing.js';
import { Pace } from './pace.js';
import { readProgram } from './program-file.js';
import { RequestError } from './request-error.js';
import { Runner, type Judge, type Stop } from './runner.js';
import { SerialOutput } from './serial-output.js';
import { Sources } from './sources.js';
import { SymbolError } from './symbols/symbol-error.js';
import { unwind, type Frame } from './unwinder.js';
import type { View } from './view.js';
import type { Node } from './variables.js';

export interface DebuggeeEvents {
  output(text: string, category: 'stdout' | 'console' | 'stderr'): void;
  stopped(stop: Stop): void;
  /** The machine has run for a while, and goes on. */
  served(): void;
}

/** Something that a client opened: it knows its children until the machine goes on. */
export interface Container {
  readonly frame: Frame;
  children(start?: number, count?: number, inHex?: boolean): Node[];
}

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

export class Debuggee {
  readonly runner: Runner;
  /** Why it stands; undefined before the first stop. */
  lastStop: Stop | undefined;
  readonly tables = new TableBases();
  /** The VMCS as it was at the stop before, and at this one. */
  private earlierVmcs: VmcsGroup[] = [];
  private presentVmcs: VmcsGroup[] = [];
  private readonly stacks = new Map<number, Frame[]>();
  private nextReference = 1;
  private readonly frames = new Map<number, Frame>();
  private readonly containers = new Map<number, Container>();
  private readonly listings = new Map<string, number>();
  private readonly listed = new Map<number, { view: View; address: bigint }>();

  private constructor(
    readonly machine: Machine,
    readonly options: LaunchArguments,
    readonly images: Images,
    readonly sources: Sources,
    readonly notes: readonly string[],
    private readonly plan: BootPlan,
    private readonly serial: readonly SerialOutput[],
    private readonly events: DebuggeeEvents,
    judge: Judge,
    host: Host,
    private readonly pace: Pace,
    private readonly devices: Devices,
  ) {
    this.runner = new Runner(machine, judge, {
      later: (callback, milliseconds) => { host.later(callback, milliseconds); },
      now: () => host.now(),
      served: () => {
        for (const line of serial) line.serve();
        devices.serve(machine).catch((error: unknown) => { events.output(`${error instanceof Error ? error.message : String(error)}\n`, 'stderr'); });
        events.served();
      },
      stopped: (stop) => { this.stopped(stop); },
    }, pace);
  }

  static async launch(options: LaunchArguments, host: Host, judge: Judge, events: DebuggeeEvents): Promise<Debuggee> {
    const program = host.absolute(options.program);
    const { plan, bytes, memoryBytes } = await planBoot({ ...options, program }, host);
    const notes = [...plan.notes];
    const programs = await readImages(program, bytes, options, host, notes);
    const images = new Images(programs, programs.flatMap((image) => Linux.of(image) ?? []));
    const sources = await Sources.find(images, (path) => host.exists(path));
    const lines = [1, 2, 3].map(() => new SerialOutput((text) => { events.output(text, 'stdout'); }, () => host.now()));
    const devices = await host.openDevices({
      ...options.devices, disks: options.devices.disks.map((file) => host.absolute(file)), shares: options.devices.shares.map((share) => ({ ...share, folder: host.absolute(share.folder) })),
    });
    const pace = new Pace(() => host.now(), () => devices.busy);
    const machine = await host.createMachine({
      memoryBytes,
      cpus: options.cpus,
      features: options.features,
      seed: options.seed,
      quantum: options.quantum,
      nanosecondsPerInstruction: options.nanosecondsPerInstruction,
      ...devices.options,
      onSerial: (port, byte) => { pace.active(); lines[port - 1]!.byte(byte); },
      onDebugConsole: (byte) => { pace.active(); lines[2]!.byte(byte); },
    });
    machine.load(plan);
    return new Debuggee(machine, options, images, sources, notes, plan, lines, events, judge, host, pace, devices);
  }

  processor(thread: number): Processor {
    const cpu = this.machine.processors[thread - 1];
    if (!cpu) throw new RequestError(`There is no thread ${thread}.`);
    return cpu;
  }

  /** The same machine from its first instruction. */
  restart(): void {
    this.runner.abandon();
    for (const line of this.serial) line.flush();
    this.machine.load(this.plan);
    for (const system of this.images.systems) system.forget();
    this.forget();
    this.earlierVmcs = [];
    this.presentVmcs = [];
  }

  /** Text for the first serial port. */
  input(text: string): void {
    this.pace.active();
    this.machine.input(1, new TextEncoder().encode(text));
  }

  /** Whether it has nothing to do until something comes in. */
  get waits(): boolean { return this.pace.wait > 0; }

  /** Lets go of everything outside. */
  close(): Promise<void> { return this.devices.close(); }

  requireStopped(): void {
    if (this.runner.running) throw new RequestError('The machine is running: pause it first.');
  }

  stack(cpu: Processor): Frame[] {
    if (this.runner.running) return unwind(cpu, this.images);
    const known = this.stacks.get(cpu.id);
    if (known) return known;
    const frames = unwind(cpu, this.images);
    this.stacks.set(cpu.id, frames);
    return frames;
  }

  referTo(frame: Frame): number {
    this.frames.set(this.nextReference, frame);
    return this.nextReference++;
  }

  /** Without a reference: the innermost frame of the processor that stopped. */
  frame(reference?: number): Frame {
    const frame = reference === undefined ? this.stack(this.machine.processors[this.lastStop?.cpu ?? 0]!)[0] : this.frames.get(reference);
    if (!frame) throw new RequestError('This frame is gone: the machine has run since.');
    this.lookAt(frame.view.cpu.id);
    return frame;
  }

  /** What a processor's registers say can only be read while it is looked at. */
  private lookAt(cpu: number): Processor {
    return this.machine.processors[cpu]!;
  }

  open(container: Container): number {
    this.containers.set(this.nextReference, container);
    return this.nextReference++;
  }

  container(reference: number): Container {
    const container = this.containers.get(reference);
    if (!container) throw new RequestError('These variables are gone: the machine has run since.');
    return container;
  }

  /** A reference that stays the same for the same function as long as the session lasts. */
  listing(frame: Frame): { reference: number; listing: Listing } {
    const listing = listingAround(frame.view, this.images, frame.address);
    const key = `${frame.world} ${listing.lines[0]?.address ?? frame.address}`;
    const reference = this.listings.get(key) ?? this.listings.size + 1;
    this.listings.set(key, reference);
    this.listed.set(reference, { view: frame.view, address: frame.address });
    return { reference, listing };
  }

  listingOf(reference: number): Listing {
    const known = this.listed.get(reference);
    if (!known) throw new RequestError(`There is no source ${reference}.`);
    return listingAround(known.view, this.images, known.address);
  }

  /** What the field held at the stop before, when that was something else. */
  changedFrom(name: string, value: bigint): bigint | undefined {
    const before = this.earlierVmcs.flatMap(({ fields }) => fields).find((field) => field.name === name)?.value;
    return before === undefined || before === value ? undefined : before;
  }

  /** After something was written: what was read before is no longer true. */
  changed(): void {
    this.stacks.clear();
  }

  forget(): void {
    this.stacks.clear();
    this.frames.clear();
    this.containers.clear();
  }

  flushOutput(): void {
    for (const line of this.serial) line.flush();
  }

  private stopped(stop: Stop): void {
    this.lastStop = stop;
    this.forget();
    this.flushOutput();
    this.earlierVmcs = this.presentVmcs;
    this.presentVmcs = readVmcs(this.machine.processors[stop.cpu]!);
    this.events.stopped(stop);
  }
}

async function readImages(program: string, bytes: Uint8Array, options: LaunchArguments, host: Host, notes: string[]): Promise<Image[]> {
  const images: Image[] = [];
  const given = options.symbols.map((entry) => ({ ...entry, file: host.absolute(entry.file) }));
  const isElf = ELF_MAGIC.every((byte, index) => bytes[index] === byte);
  if ((isElf || isBzImage(bytes)) && !given.some(({ file, world }) => file === program && world === 'host')) {
    try {
      images.push(new Image(await readProgram(program, bytes), 'host', 0n));
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      notes.push(error.message);
    }
  }
  for (const { file, world, base } of given) images.push(new Image(await readProgram(file, file === program ? bytes : await host.readFile(file)), world, base));
  return images;
}
