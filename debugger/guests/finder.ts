/** Finds the operating systems of the guests as soon as they are mapped: whenever an address space begins to be used. */
import type { Machine } from '../../emulator/machine/contract.js';
import type { StopCondition } from '../../emulator/observe/conditions.js';
import type { Images } from '../images.js';

export class SystemFinder {
  private readonly condition: StopCondition = { kind: 'TLB flush', test: ({ cpu }) => this.look(cpu) };
  private moved = false;

  constructor(private readonly machine: Machine, private readonly images: Images) {}

  /** From now on, until all are found. */
  watch(): void {
    this.machine.conditions.delete(this.condition);
    if (this.images.systems.some(({ isLocated }) => !isLocated)) this.machine.conditions.add(this.condition);
  }

  /** True once after one was found: what depends on where it is must be looked up again. */
  hasMoved(): boolean {
    const { moved } = this;
    this.moved = false;
    if (moved) this.watch();
    return moved;
  }

  /** The machine stops when it has found one, so that breakpoints are set in time. */
  look(cpu: number): boolean {
    const processor = this.machine.processors[cpu]!;
    for (const system of this.images.systems) if (system.locate(processor)) this.moved = true;
    return this.moved;
  }
}
