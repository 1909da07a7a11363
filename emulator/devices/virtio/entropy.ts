import type { VirtioDevice } from './virtio-device.js';

/** A source of random numbers: the same every time the same machine runs. Virtual I/O Device (VIRTIO) Version 1.2, "Entropy Device". */

const WORD_BYTES = 8;
/** The driver asks again for what a larger buffer lacks. */
const MOST_BYTES = 4096;

export interface NumberGenerator {
  next(state: bigint): bigint;
  number(state: bigint): bigint;
}

export class VirtioEntropy implements VirtioDevice {
  readonly name = 'entropy';
  readonly type = 4;
  readonly classCode = 0x00ff00;
  readonly queues = 1;
  readonly features = 0;
  readonly configuration = new Uint8Array(0);
  private state: bigint;

  /** `seed`: where the numbers begin, 32 bits. */
  constructor(private readonly seed: number, private readonly generator: NumberGenerator) {
    this.state = BigInt(seed);
  }

  request(_queue: number, _readable: Uint8Array, writableBytes: number): Uint8Array {
    const bytes = Math.min(writableBytes, MOST_BYTES), words = new BigUint64Array(Math.ceil(bytes / WORD_BYTES)).map(() => {
      this.state = this.generator.next(this.state);
      return this.generator.number(this.state);
    });
    return new Uint8Array(words.buffer, 0, bytes);
  }

  reset(): void { this.state = BigInt(this.seed); }
  save(): unknown { return { state: this.state.toString(16) }; }
  restore(saved: unknown): void { this.state = BigInt(`0x${(saved as { state: string }).state}`); }
}
