import type { AccessBytes, Device } from '../../memory/bus.js';
import { messageSignalled, type InterruptMessage } from '../interrupt-message.js';
import { MsiXTable } from './msi-x-table.js';

/** One function of a PCI device: configuration space, base address registers, interrupts by line and by message. PCI Local Bus Specification 3.0, "Configuration Space". */

export interface BaseAddress {
  readonly kind: 'memory' | 'ports';
  /** A power of two: at least 16 of memory, 4 of ports. */
  readonly bytes: number;
  readonly device: Device;
}

export interface PciDescription {
  readonly name: string;
  readonly vendor: number;
  readonly device: number;
  /** Base class, subclass and programming interface: 24 bits. */
  readonly classCode: number;
  readonly revision?: number;
  readonly subsystemVendor?: number;
  readonly subsystem?: number;
  /** By number, 0 to 5. */
  readonly baseAddresses?: Readonly<Partial<Record<number, BaseAddress>>>;
  /** Interrupts by INTA. */
  readonly interrupts?: boolean;
  readonly msi?: boolean;
  /** Vectors of MSI-X, whose table fills the memory of this base address register. */
  readonly msiX?: { readonly vectors: number; readonly baseAddress: number };
  /** Further capabilities: identifier, then all after the pointer to the next. */
  readonly capabilities?: readonly { readonly id: number; readonly body: readonly number[] }[];
}

export interface PciWires {
  /** `interrupting` may have changed. */
  interruptChanged(): void;
  message(message: InterruptMessage): void;
  /** Base addresses or the command register have changed. */
  decodingChanged(): void;
}
const UNWIRED: PciWires = { interruptChanged: () => undefined, message: () => undefined, decodingChanged: () => undefined };

export const PCI = { command: 0x04, status: 0x06, classCode: 0x09, headerType: 0x0e, baseAddresses: 0x10, subsystemVendor: 0x2c, capabilities: 0x34, interruptLine: 0x3c, interruptPin: 0x3d } as const;
export const COMMAND = { ports: 1, memory: 2, busMaster: 4, parity: 0x40, system: 0x100, noInterrupt: 0x400 } as const;
const STATUS_INTERRUPT = 8, STATUS_CAPABILITIES = 0x10;
const FIRST_CAPABILITY = 0x40, CAPABILITY = { msi: 0x05, msiX: 0x11 } as const;
const MSI_ENABLED = 1, MSI_WIDE = 0x80, MSI_X_ENABLED = 0x8000, MSI_X_MASKED = 0x4000;
const CONFIGURATION_BYTES = 256, BASE_ADDRESS_COUNT = 6;

export class PciFunction implements Device {
  readonly name: string;
  wires: PciWires = UNWIRED;
  private readonly configuration = new Uint8Array(CONFIGURATION_BYTES);
  private readonly writable = new Uint8Array(CONFIGURATION_BYTES);
  private readonly initial: Uint8Array;
  private readonly view = new DataView(this.configuration.buffer);
  private readonly baseAddresses: readonly (BaseAddress | undefined)[];
  private readonly table: MsiXTable | undefined;
  private msiAt = 0;
  private msiXAt = 0;
  private line = false;

  constructor(private readonly description: PciDescription) {
    const { name, msiX, interrupts = false } = description, { view } = this;
    this.name = name;
    this.table = msiX && new MsiXTable(msiX.vectors, (address, data) => { this.send(address, data); });
    this.baseAddresses = Array.from({ length: BASE_ADDRESS_COUNT }, (_, n) =>
      (msiX?.baseAddress === n ? { kind: 'memory', bytes: MsiXTable.bytes(msiX.vectors), device: this.table! } : description.baseAddresses?.[n]));
    view.setUint16(0, description.vendor, true);
    view.setUint16(2, description.device, true);
    view.setUint32(8, ((description.classCode << 8) | (description.revision ?? 0)) >>> 0, true);
    view.setUint16(PCI.subsystemVendor, description.subsystemVendor ?? 0, true);
    view.setUint16(PCI.subsystemVendor + 2, description.subsystem ?? 0, true);
    this.configuration[PCI.interruptPin] = interrupts ? 1 : 0;
    this.allow(PCI.interruptLine, 1, 0xff);
    this.allow(PCI.command, 2, Object.values(COMMAND).reduce((all, bit) => all | bit, 0));
    this.baseAddresses.forEach((bar, n) => {
      if (!bar) return;
      view.setUint32(PCI.baseAddresses + 4 * n, bar.kind === 'ports' ? 1 : 0, true);
      this.allow(PCI.baseAddresses + 4 * n, 4, -bar.bytes >>> 0);
    });
    this.placeCapabilities();
    this.initial = this.configuration.slice();
  }

  /** Makes bits of configuration space writable, with a value at reset: for registers of a kind of device. */
  define(at: number, bytes: 1 | 2 | 4, value: number, writable: number): void {
    for (let n = 0; n < bytes; n++) this.initial[at + n] = this.configuration[at + n] = value >>> (8 * n);
    this.allow(at, bytes, writable);
  }

  get busMaster(): boolean { return (this.command & COMMAND.busMaster) !== 0; }
  get usesMsiX(): boolean { return this.msiXAt !== 0 && (this.view.getUint16(this.msiXAt + 2, true) & MSI_X_ENABLED) !== 0; }
  private get usesMsi(): boolean { return this.msiAt !== 0 && (this.view.getUint16(this.msiAt + 2, true) & MSI_ENABLED) !== 0; }
  private get command(): number { return this.view.getUint16(PCI.command, true); }

  /** INTA: what drives it says whether it still asks. Without effect while messages are used. */
  setInterrupt(raised: boolean): void {
    this.line = raised;
    this.drive();
  }

  /** An interrupt by message: of that MSI-X vector, or of MSI. False: messages are not in use. */
  signal(vector = 0): boolean {
    if (this.usesMsiX) this.table!.signal(vector);
    else if (this.usesMsi) {
      const { view, msiAt } = this;
      this.send(view.getUint32(msiAt + 4, true), view.getUint16(msiAt + 12, true));
    } else return false;
    return true;
  }

  /** What answers in memory and at ports now. */
  get windows(): { readonly kind: 'memory' | 'ports'; readonly base: number; readonly size: number; readonly device: Device }[] {
    return this.baseAddresses.flatMap((bar, n) => {
      if (!bar || (this.command & COMMAND[bar.kind]) === 0) return [];
      const base = (this.view.getUint32(PCI.baseAddresses + 4 * n, true) & -bar.bytes) >>> 0;
      return [{ kind: bar.kind, base, size: bar.bytes, device: bar.device }];
    });
  }

  /** As firmware does: asks for an address for each base address register, largest first, and turns decoding on. */
  assign(place: (kind: 'memory' | 'ports', bytes: number) => number, interruptLine: number): void {
    const bars = this.baseAddresses.flatMap((bar, n) => (bar ? [{ ...bar, n }] : [])).sort((a, b) => b.bytes - a.bytes);
    for (const { kind, bytes, n } of bars) this.write(PCI.baseAddresses + 4 * n, 4, place(kind, bytes));
    if (this.configuration[PCI.interruptPin] !== 0) this.write(PCI.interruptLine, 1, interruptLine);
    const kinds = bars.reduce((all, { kind }) => all | COMMAND[kind], 0);
    if (kinds !== 0) this.write(PCI.command, 2, kinds);
  }

  read(offset: number, bytes: AccessBytes): number {
    let value = 0;
    for (let n = bytes - 1; n >= 0; n--) value = value * 256 + (this.configuration[offset + n] ?? 0);
    return value;
  }

  write(offset: number, bytes: AccessBytes, value: number): void {
    for (let n = 0; n < bytes; n++) {
      const at = offset + n, mask = this.writable[at] ?? 0;
      this.configuration[at] = (this.configuration[at]! & ~mask) | ((value >>> (8 * n)) & mask);
    }
    if (this.table) {
      const control = this.view.getUint16(this.msiXAt + 2, true);
      this.table.setMasked((control & (MSI_X_ENABLED | MSI_X_MASKED)) !== MSI_X_ENABLED);
    }
    this.drive();
    this.wires.decodingChanged();
  }

  reset(): void {
    this.configuration.set(this.initial);
    for (const bar of this.baseAddresses) bar?.device.reset();
    this.drive();
    this.wires.decodingChanged();
  }

  save(): unknown {
    return { configuration: this.configuration.slice(), line: this.line, devices: this.baseAddresses.map((bar) => bar?.device.save() ?? null) };
  }
  restore(state: unknown): void {
    const { configuration, line, devices } = state as { configuration: Uint8Array; line: boolean; devices: unknown[] };
    this.configuration.set(configuration);
    this.line = line;
    this.baseAddresses.forEach((bar, n) => { bar?.device.restore(devices[n]); });
    this.wires.decodingChanged();
  }

  private allow(at: number, bytes: number, mask: number): void {
    for (let n = 0; n < bytes; n++) this.writable[at + n] = mask >>> (8 * n);
  }

  private placeCapabilities(): void {
    const { msi = false, msiX, capabilities = [] } = this.description;
    const list = capabilities.map(({ id, body }) => ({ id, body, placed: (_at: number): void => undefined }));
    if (msi) {
      list.push({ id: CAPABILITY.msi, body: [MSI_WIDE, 0, ...new Array<number>(10).fill(0)], placed: (at) => {
        this.msiAt = at;
        this.allow(at + 2, 2, MSI_ENABLED);
        this.allow(at + 4, 4, ~3);
        this.allow(at + 8, 4, ~0);
        this.allow(at + 12, 2, 0xffff);
      } });
    }
    if (msiX) {
      const pending = MsiXTable.pendingAt(msiX.vectors) | msiX.baseAddress;
      const body = [(msiX.vectors - 1) & 0xff, (msiX.vectors - 1) >>> 8, msiX.baseAddress, 0, 0, 0, pending & 0xff, (pending >>> 8) & 0xff, (pending >>> 16) & 0xff, 0];
      list.push({ id: CAPABILITY.msiX, body, placed: (at) => {
        this.msiXAt = at;
        this.allow(at + 2, 2, MSI_X_ENABLED | MSI_X_MASKED);
      } });
    }
    let pointer: number = PCI.capabilities, at = FIRST_CAPABILITY;
    for (const { id, body, placed } of list) {
      this.configuration[pointer] = at;
      this.configuration[at] = id;
      this.configuration.set(body, at + 2);
      placed(at);
      pointer = at + 1;
      at = (at + 2 + body.length + 3) & ~3;
    }
    if (list.length > 0) this.view.setUint16(PCI.status, STATUS_CAPABILITIES, true);
  }

  private drive(): void {
    const { view } = this, status = view.getUint16(PCI.status, true);
    view.setUint16(PCI.status, this.line ? status | STATUS_INTERRUPT : status & ~STATUS_INTERRUPT, true);
    this.wires.interruptChanged();
  }

  /** Whether INTA is asserted. */
  get interrupting(): boolean { return this.line && (this.command & COMMAND.noInterrupt) === 0 && !this.usesMsi && !this.usesMsiX; }

  /** A message is a store by the device, which only a bus master may make. */
  private send(address: number, data: number): void {
    if (this.busMaster) this.wires.message(messageSignalled(address, data));
  }
}
