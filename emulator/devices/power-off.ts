import type { Device } from '../memory/bus.js';

/** The ways by which a guest without ACPI tables turns an emulated PC off: Bochs' port 8900h takes the word "Shutdown", and
 *  the PM1a control registers of Bochs (B004h) and QEMU (604h) take SLP_EN with sleep type 0. */

/** Offsets; the PM1a control register may be attached at several ports. */
export const POWER_OFF_WORD = 0;
export const POWER_OFF_PM1A_CONTROL = 2;

const WORD = 'Shutdown';
const SLP_EN = 0x2000, SLP_TYP = 0x1c00;

export class PowerOff implements Device {
  readonly name = 'power off';
  readonly portBytes = 2;
  private matched = 0;

  constructor(private readonly powerOff: () => void) {}

  read(offset: number, bytes: number): number {
    return offset < POWER_OFF_PM1A_CONTROL ? 2 ** (8 * bytes) - 1 : 0;
  }

  write(offset: number, bytes: number, value: number): void {
    if (offset === POWER_OFF_WORD) this.spell(value & 0xff);
    else if (offset === POWER_OFF_PM1A_CONTROL && bytes === 2 && (value & (SLP_EN | SLP_TYP)) === SLP_EN) this.powerOff();
  }

  reset(): void {
    this.matched = 0;
  }

  save(): { matched: number } {
    return { matched: this.matched };
  }

  restore(state: unknown): void {
    this.matched = (state as { matched: number }).matched;
  }

  /** No letter but the first begins the word again. */
  private spell(byte: number): void {
    if (byte === WORD.charCodeAt(this.matched)) this.matched++;
    else this.matched = byte === WORD.charCodeAt(0) ? 1 : 0;
    if (this.matched < WORD.length) return;
    this.matched = 0;
    this.powerOff();
  }
}
