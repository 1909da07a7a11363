/** Finds the operating systems of the guests as soon as they are mapped, and what they load: breakpoints there are set in time. */
import type { Machine } from '../../emulator/machine/contract.js';
import type { StopCondition } from '../../emulator/observe/conditions.js';
import { linearNumber, type Images } from '../images.js';
import type { Place } from '../place.js';
import type { Runner } from '../runner.js';

export class SystemFinder {
  /** A kernel is mapped when an address space begins to be used. */
  private readonly condition: StopCondition = { kind: 'TLB flush', test: ({ cpu }) => this.look(cpu) };
  private readonly watched = new Set<number>();
  private found = false;

  constructor(private readonly machine: Machine, private readonly runner: Runner, private readonly images: Images) {}

  /** From now on, anew after each start of the machine. */
  watch(): void {
    for (const linear of this.watched) this.runner.unwatch(linear);
    this.watched.clear();
    this.machine.conditions.delete(this.condition);
    if (this.images.systems.some(({ isLocated }) => !isLocated)) this.machine.conditions.add(this.condition);
    for (const system of this.images.systems) if (system.isLocated) for (const address of system.moduleEvents) this.watched.add(linearNumber(address));
    for (const linear of this.watched) this.runner.watch(linear);
    this.images.update();
  }

  /** True once after a kernel was found: what depends on where it is must be looked up again. */
  hasFound(): boolean {
    const { found } = this;
    this.found = false;
    if (found) this.watch();
    return found;
  }

  /** The processor stands where a kernel has loaded or unloaded something: true when programs came or went. */
  reached({ rip, cpu }: Place): boolean {
    return this.watched.has(rip) && this.refresh(cpu);
  }

  refresh(cpu: number): boolean {
    const changed = this.images.systems.map((system) => system.refreshModules(this.machine.processors[cpu]!)).some(Boolean);
    if (changed) this.images.update();
    return changed;
  }

  private look(cpu: number): boolean {
    const processor = this.machine.processors[cpu]!;
    for (const system of this.images.systems) if (system.locate(processor)) this.found = true;
    return this.found;
  }
}
