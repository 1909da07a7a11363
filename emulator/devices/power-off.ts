import type { Device } from '../memory/bus.js';

/** Power-off for guests without ACPI tables: the PM1a control registers of Bochs (B004h) and QEMU (604h) take SLP_EN with sleep type 0. */
const SLP_EN = 0x2000, SLP_TYP = 0x1c00;

export class PowerOff implements Device {
  readonly name = 'power off';
  readonly portBytes = 2;

  constructor(private readonly powerOff: () => void) {}

  read(): number {
    return 0;
  }

  write(_offset: number, bytes: number, value: number): void {
    if (bytes === 2 && (value & (SLP_EN | SLP_TYP)) === SLP_EN) this.powerOff();
  }

  reset(): void {
    // It keeps nothing.
  }

  save(): null {
    return null;
  }

  restore(): void {
    // It keeps nothing.
  }
}
