import type { Device } from '../memory/bus.js';

/** Port E9h as Bochs has it: what is written appears on the console, and a read of E9h says that it is there. */
const PRESENT = 0xe9;

export class DebugConsole implements Device {
  readonly name = 'debug console (port E9h)';

  constructor(private readonly print: (byte: number) => void) {}

  read(): number {
    return PRESENT;
  }

  write(_offset: number, _bytes: number, value: number): void {
    this.print(value);
  }

  reset(): void {}

  save(): null {
    return null;
  }

  restore(): void {}
}
