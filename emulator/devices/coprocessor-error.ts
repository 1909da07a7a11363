import type { Device } from '../memory/bus.js';

/**
 * FERR# of the processor as interrupt line 13, and port F0h, which takes it back. SDM Vol. 1, "Handling x87 FPU Exceptions in Software", "MS-DOS Compatibility
 * Sub-mode"; Intel 82371SB (PIIX3) data sheet, "Coprocessor Error Register".
 */
export class CoprocessorError implements Device {
  readonly name = 'coprocessor error (port F0h)';
  private raised = false;

  constructor(private readonly interrupt: (raised: boolean) => void) {}

  /** FERR#. */
  raise(): void { this.set(true); }
  read(): number { return 0xff; }
  write(): void { this.set(false); }
  reset(): void { this.set(false); }
  save(): boolean { return this.raised; }
  restore(state: unknown): void { this.raised = state as boolean; }

  private set(raised: boolean): void {
    this.raised = raised;
    this.interrupt(raised);
  }
}
