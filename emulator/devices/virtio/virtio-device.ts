/** What is behind a virtio transport. Virtual I/O Device (VIRTIO) Version 1.2, "Device Types". */
export interface VirtioDevice {
  readonly name: string;
  /** Its number in the list of device types. */
  readonly type: number;
  /** Base class, subclass and programming interface of PCI. */
  readonly classCode: number;
  /** Bits 0 to 23: those of this type. */
  readonly features: number;
  readonly queues: number;
  /** The device-specific configuration, which the driver only reads. */
  readonly configuration: Uint8Array;
  /** Gets what to call when a queue can be served whose buffers had to wait. */
  connect?(ready: (queue: number) => void): void;
  /** Serves what the driver put into a queue: gives what is to be written into its buffers, at most that many bytes. Undefined: there is nothing yet, and the buffers wait. */
  request(queue: number, readable: Uint8Array, writableBytes: number): Uint8Array | undefined;
  reset(): void;
  save(): unknown;
  restore(state: unknown): void;
}
