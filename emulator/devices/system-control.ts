import type { Device } from '../memory/bus.js';

/** Port 92h (A20 and fast reset) and port CF9h (reset control). Intel 82371SB (PIIX3) data sheet, "Reset Control Register"; IBM PS/2 "System Control Port A". */

/** Offsets of the two ports. */
export const SYSTEM_CONTROL_PORT_A = 0;
export const RESET_CONTROL = 1;

const FAST_RESET = 0x01, ALTERNATE_A20 = 0x02, PORT_A_WRITABLE = 0xcb;
const SYSTEM_RESET = 0x02, RESET_CPU = 0x04, FULL_RESET = 0x08, RESET_CONTROL_WRITABLE = SYSTEM_RESET | RESET_CPU | FULL_RESET;

export interface SystemControlOutputs {
  readonly a20: (enabled: boolean) => void;
  /** INIT resets the processor alone; a hard reset the whole machine. */
  readonly reset: (kind: 'INIT' | 'hard') => void;
}

export class SystemControl implements Device {
  readonly name = 'system control (ports 92h, CF9h)';
  private state = { portA: 0, resetControl: 0 };

  constructor(private readonly outputs: SystemControlOutputs) {}

  get a20(): boolean {
    return (this.state.portA & ALTERNATE_A20) !== 0;
  }

  read(offset: number): number {
    return offset === SYSTEM_CONTROL_PORT_A ? this.state.portA : this.state.resetControl;
  }

  write(offset: number, _bytes: number, value: number): void {
    if (offset === SYSTEM_CONTROL_PORT_A) this.writePortA(value & PORT_A_WRITABLE);
    else this.writeResetControl(value & RESET_CONTROL_WRITABLE);
  }

  reset(): void {
    this.state = { portA: 0, resetControl: 0 };
    this.outputs.a20(false);
  }

  save(): { portA: number; resetControl: number } {
    return { ...this.state };
  }

  restore(state: unknown): void {
    this.state = { ...(state as { portA: number; resetControl: number }) };
  }

  private writePortA(value: number): void {
    const before = this.state.portA;
    this.state.portA = value;
    this.outputs.a20(this.a20);
    if ((value & ~before & FAST_RESET) !== 0) this.outputs.reset('INIT');
  }

  private writeResetControl(value: number): void {
    const before = this.state.resetControl;
    // RCPU triggers on its rise and does not stay set.
    this.state.resetControl = value & ~RESET_CPU;
    if ((value & ~before & RESET_CPU) === 0) return;
    this.outputs.reset((value & (SYSTEM_RESET | FULL_RESET)) !== 0 ? 'hard' : 'INIT');
  }
}
