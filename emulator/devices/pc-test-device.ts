import type { AccessBytes, Device } from '../memory/bus.js';

/** What bare-metal test programs expect of QEMU's pc-testdev: a port that keeps 32 bits, and ports that drive interrupt lines. */

/** Offsets: the register, then one port for each line. */
export const TEST_REGISTER = 0, TEST_LINES = 4;
export const TEST_LINE_COUNT = 24;

export class PcTestDevice implements Device {
  readonly name = 'test device';
  readonly portBytes = 4;
  private value = 0;

  constructor(private readonly interrupt: (line: number, raised: boolean) => void) {}

  read(offset: number, bytes: AccessBytes): number {
    if (offset >= TEST_LINES) return 0;
    const value = this.value >>> (8 * offset);
    return bytes === 4 ? value : value & (bytes === 2 ? 0xffff : 0xff);
  }

  write(offset: number, bytes: AccessBytes, value: number): void {
    if (offset >= TEST_LINES) return this.interrupt(offset - TEST_LINES, value !== 0);
    const mask = ((bytes === 4 ? 0xffffffff : bytes === 2 ? 0xffff : 0xff) << (8 * offset)) >>> 0;
    this.value = ((this.value & ~mask) | ((value << (8 * offset)) & mask)) >>> 0;
  }

  reset(): void { this.value = 0; }
  save(): unknown { return { value: this.value }; }
  restore(state: unknown): void { this.value = (state as { value: number }).value; }
}
