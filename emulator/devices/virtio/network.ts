import type { VirtioDevice } from './virtio-device.js';

/** A network card. Virtual I/O Device (VIRTIO) Version 1.2, "Network Device"; it computes no checksums and cuts no segments. */

export const ADDRESS_BYTES = 6;
const ADDRESS = 1 << 5, STATUS = 1 << 16;
const STATUS_AT = 6, CONFIGURATION_BYTES = 8, LINK_UP = 1;
const RECEIVE = 0;
/** Before each frame; as received it says that it fills one buffer. */
const HEADER_BYTES = 12, BUFFERS_AT = 10;
/** Frames that wait for buffers. */
const MOST_WAITING = 256;

export class VirtioNetwork implements VirtioDevice {
  readonly type = 1;
  readonly classCode = 0x020000;
  readonly queues = 2;
  readonly features = ADDRESS | STATUS;
  readonly configuration = new Uint8Array(CONFIGURATION_BYTES);
  private waiting: Uint8Array[] = [];
  private ready: (queue: number) => void = () => undefined;

  /** `address`: of the card on its network. `sent`: Ethernet frames without their check sequence. */
  constructor(readonly name: string, address: Uint8Array, private readonly sent: (frame: Uint8Array) => void) {
    this.configuration.set(address.subarray(0, ADDRESS_BYTES));
    this.configuration[STATUS_AT] = LINK_UP;
  }

  connect(ready: (queue: number) => void): void { this.ready = ready; }

  /** False: there is no room, and the frame is not taken. */
  receive(frame: Uint8Array): boolean {
    if (this.waiting.length === MOST_WAITING) return false;
    this.waiting.push(frame.slice());
    this.ready(RECEIVE);
    return true;
  }

  request(queue: number, readable: Uint8Array, writableBytes: number): Uint8Array | undefined {
    if (queue === RECEIVE) return this.fill(writableBytes);
    if (readable.length > HEADER_BYTES) this.sent(readable.slice(HEADER_BYTES));
    return new Uint8Array(0);
  }

  /** A frame that is longer than the buffer is lost. */
  private fill(writableBytes: number): Uint8Array | undefined {
    for (let frame = this.waiting.shift(); frame; frame = this.waiting.shift()) {
      if (HEADER_BYTES + frame.length > writableBytes) continue;
      const bytes = new Uint8Array(HEADER_BYTES + frame.length);
      bytes[BUFFERS_AT] = 1;
      bytes.set(frame, HEADER_BYTES);
      return bytes;
    }
    return undefined;
  }

  reset(): void { this.waiting = []; }
  save(): unknown { return { waiting: this.waiting.map((frame) => frame.slice()) }; }
  restore(state: unknown): void { this.waiting = (state as { waiting: readonly Uint8Array[] }).waiting.map((frame) => frame.slice()); }
}
