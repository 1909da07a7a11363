import type { Device } from '../memory/bus.js';

/** Port 80h: firmware writes its progress here, and a write serves as a short delay. It reads back, being a spare DMA page register. */
export class PostCode implements Device {
  readonly name = 'POST code (port 80h)';
  private code = 0;

  constructor(private readonly show: (code: number) => void) {}

  read(): number {
    return this.code;
  }

  write(_offset: number, _bytes: number, value: number): void {
    this.code = value;
    this.show(value);
  }

  reset(): void {
    this.code = 0;
  }

  save(): { code: number } {
    return { code: this.code };
  }

  restore(state: unknown): void {
    this.code = (state as { code: number }).code;
  }
}
