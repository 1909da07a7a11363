import type { Device } from '../memory/bus.js';

/** A byte written here ends the run with that byte as its result: the convention of QEMU's isa-debug-exit at port F4h. */
export class ExitPort implements Device {
  readonly name = 'exit port';

  constructor(private readonly exit: (byte: number) => void) {}

  read(): number {
    return 0;
  }

  write(_offset: number, _bytes: number, value: number): void {
    this.exit(value);
  }

  reset(): void {}

  save(): null {
    return null;
  }

  restore(): void {}
}
