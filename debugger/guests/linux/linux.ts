/** A Linux kernel in the machine: found when it is mapped, then asked for its tasks, modules and log. */
import { currentPagingState, ObservedMemory } from '../../../emulator/observe/memory.js';
import { guestPagingState } from '../../../emulator/observe/vmcs.js';
import { S } from '../../../emulator/cpu/layout.js';
import type { Processor } from '../../../emulator/cpu/processor.js';
import { Image, linearNumber } from '../../images.js';
import { guestView, liveView } from '../../view.js';
import { worldOf } from '../../place.js';
import { bare } from '../../symbols/types.js';
import { findPlace, KernelMemory, NotReadable, whereReadable, type ReadBytes, type Struct } from './kernel-memory.js';
import { logRecords, type LogRecord } from './kernel-log.js';
import { allModules, type KernelModule } from './kernel-modules.js';
import type { KernelProgram } from './kernel-program.js';
import { isKernel, locateKernel } from './locate.js';
import { readModuleProgram } from './module-image.js';
import { areasOf, type Area } from './memory-map.js';
import { allTasks, currentTask, readTask, type Task } from './tasks.js';

/** With page-table isolation, this bit of CR3 chooses the tables of user space, in which the kernel is not mapped. */
const USER_TABLES = 1 << 12;
/** Linux, kernel/module/main.c. */
const MODULE_EVENTS = ['do_init_module', 'free_module'];
/** Kernel addresses are in the upper half. */
const isKernelAddress = (address: bigint): boolean => address >> 63n !== 0n;

export class Linux {
  private located = false;
  private readonly modulesByAddress = new Map<bigint, { readonly module: KernelModule; readonly image: Image; readonly program: KernelProgram }>();

  /** Undefined when the program is no Linux kernel. */
  static of(image: Image): Linux | undefined {
    return isKernel(image.symbols) ? new Linux(image) : undefined;
  }

  private constructor(readonly image: Image) {}

  get isLocated(): boolean {
    return this.located;
  }

  /** Looks whether the kernel is mapped now, and moves its image there. True: it was not known before where it is. */
  locate(cpu: Processor): boolean {
    if (this.located || worldOf(cpu) !== this.image.world || !cpu.longMode) return false;
    const slide = locateKernel(this.image.symbols, this.reader(cpu));
    if (slide === undefined) return false;
    this.image.base = slide;
    this.located = true;
    return true;
  }

  /** The machine begins anew. */
  forget(): void {
    this.located = false;
    this.image.base = 0n;
    this.modulesByAddress.clear();
  }

  /** The modules, as programs. */
  get loaded(): readonly Image[] {
    return [...this.modulesByAddress.values()].map(({ image }) => image);
  }

  /** Where the kernel comes by whenever it has loaded a module, or is about to unload one. */
  get moduleEvents(): readonly bigint[] {
    return MODULE_EVENTS.flatMap((name) => this.image.symbol(name) ?? []);
  }

  /** Looks for modules that came or went; answers whether there were any. */
  refreshModules(cpu: Processor): boolean {
    if (!this.located) return false;
    const memory = this.memory(cpu), present = new Map(whereReadable(() => [...allModules(memory)])?.map((module) => [module.address, module]));
    const known = this.modulesByAddress;
    let changed = false;
    for (const [address, { module, program }] of known) {
      const now = present.get(address);
      if (now?.name === module.name && now.base === module.base) program.ranges = now.ranges;
      else changed = known.delete(address);
    }
    for (const [address, module] of present) {
      const program = known.has(address) ? undefined : whereReadable(() => readModuleProgram(memory, module));
      if (!program) continue;
      known.set(address, { module, program, image: new Image(program, this.image.world, 0n) });
      changed = true;
    }
    return changed;
  }

  tasks(cpu: Processor): Task[] {
    return [...allTasks(this.memory(cpu))];
  }

  /** The structure of the task that the processor runs, in kernel or user mode. */
  currentStruct(cpu: Processor): Struct | undefined {
    const view = worldOf(cpu) === this.image.world ? liveView(cpu) : guestView(cpu);
    const candidates = [view.register('gs_base'), view.live ? kernelGsBase(cpu) : undefined];
    const base = candidates.find((candidate) => candidate !== undefined && isKernelAddress(candidate));
    return base === undefined ? undefined : currentTask(this.memory(cpu), base);
  }

  /** Why conditions cannot ask for a member of the current task; undefined when they can. */
  taskMemberFault(path: string): string | undefined {
    const type = this.image.symbols.type('struct task_struct'), record = type && bare(type);
    if (record?.is !== 'record') return `the types of ${this.image.name} are not known`;
    return findPlace(record, path) ? undefined : `struct task_struct has no member "${path}"`;
  }

  current(cpu: Processor): Task | undefined {
    const task = this.currentStruct(cpu);
    return task && readTask(task);
  }

  modules(cpu: Processor): KernelModule[] {
    return [...allModules(this.memory(cpu))];
  }

  log(cpu: Processor): LogRecord[] {
    return [...logRecords(this.memory(cpu))];
  }

  /** Of the address space of a task; empty for kernel threads. */
  areas(cpu: Processor, pid: number): Area[] {
    const memory = this.memory(cpu), task = this.tasks(cpu).find((each) => each.pid === pid);
    if (!task) throw new NotReadable(`there is no task ${pid}`);
    const mm = memory.struct('struct task_struct', task.address).pointed('mm');
    return mm ? [...areasOf(memory, mm)] : [];
  }

  memory(cpu: Processor): KernelMemory {
    if (!this.located) throw new NotReadable('the kernel has not been reached yet');
    return new KernelMemory(this.image.symbols, this.image.base, this.reader(cpu));
  }

  private reader(cpu: Processor): ReadBytes {
    const present = worldOf(cpu) === this.image.world ? currentPagingState(cpu) : guestPagingState(cpu);
    const spaces = [present, ...(present && (present.cr3 & USER_TABLES) !== 0 ? [{ ...present, cr3: present.cr3 - USER_TABLES }] : [])].map((state) => new ObservedMemory(cpu, state));
    return (address, count) => {
      for (const space of spaces) {
        const { bytes } = space.read(linearNumber(address), count);
        if (bytes.length === count) return bytes;
      }
      return undefined;
    };
  }
}

const kernelGsBase = (cpu: Processor): bigint => cpu.big(S.kernelGsBase);
