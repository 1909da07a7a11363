import type { VirtioDevice } from './virtio-device.js';

/** A way for 9P messages. Virtual I/O Device (VIRTIO) Version 1.2, "9P Transport" by its number; what the messages say is not known here. */

const MOUNT_TAG = 1 << 0;

/** A folder that a guest can mount, served by messages. */
export interface Share {
  /** By which the guest asks for it. */
  readonly tag: string;
  /** The reply to a message, at most that many bytes. */
  serve(message: Uint8Array, mostBytes: number): Uint8Array;
  reset(): void;
  save(): unknown;
  restore(state: unknown): void;
}

export class VirtioFileShare implements VirtioDevice {
  readonly type = 9;
  readonly classCode = 0x00ff00;
  readonly queues = 1;
  readonly features = MOUNT_TAG;
  readonly configuration: Uint8Array;

  constructor(readonly name: string, private readonly share: Share) {
    const tag = new TextEncoder().encode(share.tag);
    this.configuration = Uint8Array.of(tag.length & 0xff, tag.length >>> 8, ...tag);
  }

  request(_queue: number, readable: Uint8Array, writableBytes: number): Uint8Array { return this.share.serve(readable, writableBytes); }
  reset(): void { this.share.reset(); }
  save(): unknown { return this.share.save(); }
  restore(state: unknown): void { this.share.restore(state); }
}
