import type { AccessBytes } from '../../memory/bus.js';
import type { DirectMemory } from '../../memory/direct-memory.js';
import { PciFunction } from '../pci/pci-function.js';
import type { VirtioDevice } from './virtio-device.js';
import { NOTIFY_MULTIPLIER, REGISTER_BYTES, STRUCTURE_BYTES, STRUCTURES, VirtioRegisters } from './virtio-registers.js';

/** A virtio device as a function on the PCI bus. Virtual I/O Device (VIRTIO) Version 1.2, "Virtio Over PCI Bus"; the transitional interface by ports is not there. */

const VENDOR = 0x1af4, FIRST_DEVICE = 0x1040, SUBSYSTEM = 0x1100, REVISION = 1;
const REGISTERS = 4, TABLE = 1;
const VENDOR_CAPABILITY = 0x09;
const CAPABILITY = { common: 1, notify: 2, isr: 3, device: 4, access: 5 } as const;
/** The first capability is the window through which the registers are reached without their base address. */
const WINDOW = 0x40, WINDOW_REGISTERS = WINDOW + 4, WINDOW_OFFSET = WINDOW + 8, WINDOW_LENGTH = WINDOW + 12, WINDOW_DATA = WINDOW + 16;

const little32 = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
const capability = (type: number, offset: number, length: number, more: readonly number[] = []) =>
  ({ id: VENDOR_CAPABILITY, body: [16 + more.length, type, type === CAPABILITY.access ? 0 : REGISTERS, 0, 0, 0, ...little32(offset), ...little32(length), ...more] });

export class VirtioFunction extends PciFunction {
  private readonly registers: VirtioRegisters;

  constructor(device: VirtioDevice, memory: DirectMemory) {
    const vectors = device.queues + 1, registers = new VirtioRegisters(device, memory, vectors);
    super({
      name: device.name, vendor: VENDOR, device: FIRST_DEVICE + device.type, classCode: device.classCode, revision: REVISION, subsystemVendor: VENDOR, subsystem: SUBSYSTEM,
      baseAddresses: { [REGISTERS]: { kind: 'memory', bytes: REGISTER_BYTES, device: registers } }, interrupts: true, msiX: { vectors, baseAddress: TABLE },
      capabilities: [
        capability(CAPABILITY.access, 0, 0, little32(0)),
        capability(CAPABILITY.common, STRUCTURES.common, STRUCTURE_BYTES),
        capability(CAPABILITY.isr, STRUCTURES.isr, STRUCTURE_BYTES),
        capability(CAPABILITY.device, STRUCTURES.device, STRUCTURE_BYTES),
        capability(CAPABILITY.notify, STRUCTURES.notify, STRUCTURE_BYTES, little32(NOTIFY_MULTIPLIER)),
      ],
    });
    this.registers = registers;
    registers.wires = this;
    this.define(WINDOW_REGISTERS, 1, 0, 0xff);
    this.define(WINDOW_OFFSET, 4, 0, ~0);
    this.define(WINDOW_LENGTH, 4, 0, ~0);
  }

  override read(offset: number, bytes: AccessBytes): number {
    return this.opens(offset, bytes) ? this.registers.read(super.read(WINDOW_OFFSET, 4), bytes) : super.read(offset, bytes);
  }
  override write(offset: number, bytes: AccessBytes, value: number): void {
    if (this.opens(offset, bytes)) this.registers.write(super.read(WINDOW_OFFSET, 4), bytes, value);
    else super.write(offset, bytes, value);
  }

  /** Whether an access goes through the window: aligned, of the length that was set, and to the registers. */
  private opens(offset: number, bytes: AccessBytes): boolean {
    if (offset !== WINDOW_DATA || super.read(WINDOW_REGISTERS, 1) !== REGISTERS || super.read(WINDOW_LENGTH, 4) !== bytes) return false;
    const at = super.read(WINDOW_OFFSET, 4);
    return at % bytes === 0 && at < REGISTER_BYTES;
  }
}
