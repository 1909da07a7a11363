import { type Disk, SECTOR_BYTES } from './disk.js';
import type { VirtioDevice } from './virtio-device.js';

/** A disk. Virtual I/O Device (VIRTIO) Version 1.2, "Block Device". */

const SEGMENTS_MOST = 1 << 2, READ_ONLY = 1 << 5, BLOCK_SIZE = 1 << 6, FLUSH = 1 << 9;
const CAPACITY_AT = 0, SEGMENTS_AT = 12, BLOCK_SIZE_AT = 20, CONFIGURATION_BYTES = 60;
/** As many as a queue of 128 holds beside header and status. */
const MOST_SEGMENTS = 126;
const TYPE = { read: 0, write: 1, flush: 4, identify: 8 } as const;
const STATUS = { done: 0, error: 1, unsupported: 2 } as const;
const HEADER_BYTES = 16, SECTOR_AT = 8, IDENTIFIER_BYTES = 20;

export class VirtioBlock implements VirtioDevice {
  readonly type = 2;
  readonly classCode = 0x010000;
  readonly queues = 1;
  readonly features: number;
  readonly configuration = new Uint8Array(CONFIGURATION_BYTES);

  constructor(readonly name: string, private readonly disk: Disk) {
    this.features = SEGMENTS_MOST | BLOCK_SIZE | FLUSH | (disk.readOnly ? READ_ONLY : 0);
    const view = new DataView(this.configuration.buffer);
    view.setBigUint64(CAPACITY_AT, BigInt(disk.bytes / SECTOR_BYTES), true);
    view.setUint32(SEGMENTS_AT, MOST_SEGMENTS, true);
    view.setUint32(BLOCK_SIZE_AT, SECTOR_BYTES, true);
  }

  /** The status is the last byte that the device writes. */
  request(_queue: number, readable: Uint8Array, writableBytes: number): Uint8Array {
    if (writableBytes === 0) return new Uint8Array(0);
    const answer = new Uint8Array(writableBytes);
    answer[writableBytes - 1] = readable.length < HEADER_BYTES ? STATUS.error : this.serve(readable, answer.subarray(0, -1));
    return answer;
  }

  reset(): void {
    // What is written is not lost.
  }
  save(): unknown { return this.disk.save(); }
  restore(state: unknown): void { this.disk.restore(state); }

  private serve(readable: Uint8Array, answer: Uint8Array): number {
    const view = new DataView(readable.buffer, readable.byteOffset, readable.byteLength), data = readable.subarray(HEADER_BYTES);
    const type = view.getUint32(0, true), address = Number(view.getBigUint64(SECTOR_AT, true)) * SECTOR_BYTES;
    const fits = (bytes: Uint8Array): boolean => bytes.length % SECTOR_BYTES === 0 && address + bytes.length <= this.disk.bytes;
    switch (type) {
      case TYPE.read:
        if (!fits(answer)) return STATUS.error;
        answer.set(this.disk.read(address, answer.length));
        return STATUS.done;
      case TYPE.write:
        if (!fits(data) || this.disk.readOnly) return STATUS.error;
        this.disk.write(address, data);
        return STATUS.done;
      case TYPE.flush:
        return STATUS.done;
      case TYPE.identify:
        answer.set(new TextEncoder().encode(this.name).subarray(0, Math.min(IDENTIFIER_BYTES, answer.length)));
        return STATUS.done;
      default:
        return STATUS.unsupported;
    }
  }
}
