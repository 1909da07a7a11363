import type { AccessBytes, Device } from '../../memory/bus.js';
import type { DirectMemory } from '../../memory/direct-memory.js';
import type { VirtioDevice } from './virtio-device.js';
import { initialQueue, MOST_ENTRIES, NO_VECTOR, QueueFault, serveQueue, type QueueState } from './virtqueue.js';

/** The registers of a virtio device over PCI, in the memory of one base address register. Virtual I/O Device (VIRTIO) Version 1.2, "Virtio Structure PCI Capabilities". */

/** Where each structure is, one to a page. */
export const STRUCTURES = { common: 0x0000, isr: 0x1000, device: 0x2000, notify: 0x3000 } as const;
export const STRUCTURE_BYTES = 0x1000, REGISTER_BYTES = 0x4000;
export const NOTIFY_MULTIPLIER = 4;

const COMMON = {
  deviceFeatureSelect: 0, deviceFeature: 4, driverFeatureSelect: 8, driverFeature: 12, configurationVector: 16, queueCount: 18, status: 20, queueSelect: 22,
  queueSize: 24, queueVector: 26, queueEnable: 28, queueNotifyOffset: 30, queueDescriptors: 32, queueDriver: 40, queueDevice: 48, bytes: 56,
} as const;
const FEATURES_OK = 8, DRIVER_OK = 4, NEEDS_RESET = 64;
const INDIRECT_DESCRIPTORS = 1 << 28;
/** In the upper half of the features. */
const VERSION_1 = 1;
const ISR_QUEUE = 1, ISR_CONFIGURATION = 2;
const HIGH = 2 ** 32;

export interface VirtioWires {
  readonly busMaster: boolean;
  readonly usesMsiX: boolean;
  setInterrupt(raised: boolean): void;
  signal(vector: number): boolean;
}

const initial = (queues: number) => ({
  deviceFeatureSelect: 0, driverFeatureSelect: 0, driverFeatures: [0, 0], configurationVector: NO_VECTOR, status: 0, queueSelect: 0, isr: 0,
  queues: Array.from({ length: queues }, initialQueue),
});
type State = ReturnType<typeof initial>;

export class VirtioRegisters implements Device {
  readonly name: string;
  wires: VirtioWires | undefined;
  private state: State;

  constructor(private readonly device: VirtioDevice, private readonly memory: DirectMemory, private readonly vectors: number) {
    this.name = `${device.name} registers`;
    this.state = initial(device.queues);
    device.connect?.((queue) => { this.notified(queue); });
  }

  read(offset: number, bytes: AccessBytes): number {
    const at = offset % STRUCTURE_BYTES;
    switch (offset - at) {
      case STRUCTURES.common: return pick(this.common(), at, bytes);
      case STRUCTURES.device: return pick(this.device.configuration, at, bytes);
      case STRUCTURES.isr: {
        const { isr } = this.state;
        this.state.isr = 0;
        this.wires?.setInterrupt(false);
        return at === 0 ? isr : 0;
      }
      default: return 0;
    }
  }

  write(offset: number, bytes: AccessBytes, value: number): void {
    const at = offset % STRUCTURE_BYTES;
    if (offset - at === STRUCTURES.common) this.writeCommon(at, bytes, value);
    else if (offset - at === STRUCTURES.notify) this.notified(Math.floor(at / NOTIFY_MULTIPLIER));
  }

  /** Power-on: the device forgets everything, and not only what its driver told it. */
  reset(): void {
    this.resetTransport();
    this.device.reset();
  }
  save(): unknown { return { transport: structuredClone(this.state), device: this.device.save() }; }
  restore(saved: unknown): void {
    const { transport, device } = saved as { transport: State; device: unknown };
    this.state = structuredClone(transport);
    this.device.restore(device);
  }

  private resetTransport(): void {
    this.state = initial(this.device.queues);
    this.wires?.setInterrupt(false);
  }

  private get features(): readonly [number, number] { return [this.device.features | INDIRECT_DESCRIPTORS, VERSION_1]; }
  private get queue(): QueueState | undefined { return this.state.queues[this.state.queueSelect]; }

  private common(): Uint8Array {
    const bytes = new Uint8Array(COMMON.bytes), view = new DataView(bytes.buffer), s = this.state, { queue } = this;
    view.setUint32(COMMON.deviceFeatureSelect, s.deviceFeatureSelect, true);
    view.setUint32(COMMON.deviceFeature, this.features[s.deviceFeatureSelect] ?? 0, true);
    view.setUint32(COMMON.driverFeatureSelect, s.driverFeatureSelect, true);
    view.setUint32(COMMON.driverFeature, s.driverFeatures[s.driverFeatureSelect] ?? 0, true);
    view.setUint16(COMMON.configurationVector, s.configurationVector, true);
    view.setUint16(COMMON.queueCount, s.queues.length, true);
    view.setUint8(COMMON.status, s.status);
    view.setUint16(COMMON.queueSelect, s.queueSelect, true);
    if (!queue) return bytes;
    view.setUint16(COMMON.queueSize, queue.size, true);
    view.setUint16(COMMON.queueVector, queue.vector, true);
    view.setUint16(COMMON.queueEnable, queue.enabled ? 1 : 0, true);
    view.setUint16(COMMON.queueNotifyOffset, s.queueSelect, true);
    view.setBigUint64(COMMON.queueDescriptors, BigInt(queue.descriptors), true);
    view.setBigUint64(COMMON.queueDriver, BigInt(queue.available), true);
    view.setBigUint64(COMMON.queueDevice, BigInt(queue.used), true);
    return bytes;
  }

  /** Drivers write each field in its width, and the addresses in two halves. */
  private writeCommon(at: number, bytes: AccessBytes, value: number): void {
    const s = this.state, { queue } = this, vector = value < this.vectors ? value : NO_VECTOR;
    switch (at) {
      case COMMON.deviceFeatureSelect: s.deviceFeatureSelect = value; return;
      case COMMON.driverFeatureSelect: s.driverFeatureSelect = value; return;
      case COMMON.driverFeature: if (s.driverFeatureSelect < 2) s.driverFeatures[s.driverFeatureSelect] = value; return;
      case COMMON.configurationVector: s.configurationVector = vector; return;
      case COMMON.status: this.writeStatus(value & 0xff); return;
      case COMMON.queueSelect: s.queueSelect = value & 0xffff; return;
    }
    if (!queue) return;
    if (at === COMMON.queueVector) queue.vector = vector;
    if (queue.enabled) return;
    const half = (address: number, high: boolean): number => (high ? value * HIGH + (address % HIGH) : Math.floor(address / HIGH) * HIGH + value);
    switch (at & ~4) {
      case COMMON.queueDescriptors: if (bytes === 4) queue.descriptors = half(queue.descriptors, at !== COMMON.queueDescriptors); return;
      case COMMON.queueDriver: if (bytes === 4) queue.available = half(queue.available, at !== COMMON.queueDriver); return;
      case COMMON.queueDevice: if (bytes === 4) queue.used = half(queue.used, (at & 4) !== 0); return;
    }
    if (at === COMMON.queueSize && value > 0 && value <= MOST_ENTRIES && (value & (value - 1)) === 0) queue.size = value;
    if (at === COMMON.queueEnable) queue.enabled = value === 1;
  }

  private writeStatus(value: number): void {
    const s = this.state, { features } = this;
    if (value === 0) { this.resetTransport(); return; }
    const acceptable = (s.driverFeatures[1]! & VERSION_1) !== 0 && s.driverFeatures.every((wanted, half) => (wanted & ~features[half]!) === 0);
    const accepted = (s.status & FEATURES_OK) !== 0 || acceptable;
    s.status = (s.status & NEEDS_RESET) | (accepted ? value : value & ~FEATURES_OK);
  }

  private notified(number: number): void {
    const s = this.state, queue = s.queues[number];
    if (!queue?.enabled || (s.status & DRIVER_OK) === 0 || (s.status & NEEDS_RESET) !== 0 || !this.wires?.busMaster) return;
    try {
      if (serveQueue(queue, this.memory, (readable, writableBytes) => this.device.request(number, readable, writableBytes))) this.interrupt(queue.vector, ISR_QUEUE);
    } catch (error) {
      if (!(error instanceof QueueFault)) throw error;
      s.status |= NEEDS_RESET;
      this.interrupt(s.configurationVector, ISR_CONFIGURATION);
    }
  }

  private interrupt(vector: number, cause: number): void {
    if (this.wires!.usesMsiX) {
      if (vector !== NO_VECTOR) this.wires!.signal(vector);
      return;
    }
    this.state.isr |= cause;
    this.wires!.setInterrupt(true);
  }
}

function pick(from: Uint8Array, at: number, bytes: AccessBytes): number {
  let value = 0;
  for (let n = bytes - 1; n >= 0; n--) value = value * 256 + (from[at + n] ?? 0);
  return value;
}
