import type { AccessBytes, BusRange, Device } from '../../memory/bus.js';
import type { InterruptMessage } from '../interrupt-message.js';
import { PCI, type PciFunction } from './pci-function.js';

/** The one PCI bus: who answers to configuration, in memory and at ports. PCI Local Bus Specification 3.0, "Configuration Space Access Mechanism". */

const FUNCTIONS = 8, DEVICES = 32;
const FUNCTION_BYTES_ECAM = 4096, CONFIGURATION_BYTES = 256;
const MULTIFUNCTION = 0x80;
const allOnes = (bytes: AccessBytes): number => 2 ** (8 * bytes) - 1;

export interface PciBusWires {
  /** INTA to INTD (0 to 3) of a device may have changed. */
  interrupt(device: number, pin: number): void;
  message(message: InterruptMessage): void;
  /** Who answers where may have changed. */
  decodingChanged(): void;
}

export class PciBus {
  /** By 8·device + function. */
  private readonly functions = new Map<number, PciFunction>();
  private readonly windows: Record<'memory' | 'ports', BusRange[]> = { memory: [], ports: [] };

  constructor(private readonly wires: PciBusWires) {}

  /** Puts a function into a slot; function n of a device interrupts by pin n mod 4. */
  attach(device: number, pciFunction: PciFunction, number = 0): void {
    const slot = FUNCTIONS * device + number;
    if (device >= DEVICES || number >= FUNCTIONS || this.functions.has(slot)) throw new Error(`${pciFunction.name}: there is no free PCI slot ${device}.${number}`);
    this.functions.set(slot, pciFunction);
    pciFunction.wires = {
      interruptChanged: () => { this.wires.interrupt(device, number & 3); },
      message: (message) => { this.wires.message(message); },
      decodingChanged: () => { this.decode(); },
    };
  }

  get all(): readonly PciFunction[] { return [...this.functions.values()]; }

  /** Who asks for an interrupt now, and by which pin. */
  get interrupting(): { readonly device: number; readonly pin: number }[] {
    return [...this.functions].flatMap(([slot, each]) => (each.interrupting ? [{ device: slot >>> 3, pin: slot & 3 }] : []));
  }

  /** As firmware does at power-on. */
  assign(memoryBase: number, portBase: number, interruptLine: (device: number) => number): void {
    const next = { memory: memoryBase, ports: portBase };
    const place = (kind: 'memory' | 'ports', bytes: number): number => {
      const at = Math.ceil(next[kind] / bytes) * bytes;
      next[kind] = at + bytes;
      return at;
    };
    for (const [slot, each] of this.functions) each.assign(place, interruptLine(slot >>> 3));
  }

  /** `slot`: bus, device and function as in a configuration address. */
  read(slot: number, register: number, bytes: AccessBytes): number {
    const found = this.functions.get(slot);
    if (!found) return allOnes(bytes);
    const value = found.read(register, bytes), more = (slot & 7) === 0 && this.functions.has(slot + 1);
    return more && register <= PCI.headerType && PCI.headerType < register + bytes ? (value | (MULTIFUNCTION << (8 * (PCI.headerType - register)))) >>> 0 : value;
  }
  write(slot: number, register: number, bytes: AccessBytes, value: number): void { this.functions.get(slot)?.write(register, bytes, value); }

  /** For the buses that this one is behind. */
  find(kind: 'memory' | 'ports', address: number): BusRange | undefined {
    return this.windows[kind].find(({ base, size }) => base <= address && address < base + size);
  }

  /** Where in memory that device answers, if its function decodes addresses. */
  windowOf(name: string): BusRange | undefined { return this.windows.memory.find(({ device }) => device.name === name); }

  private decode(): void {
    const windows = this.all.flatMap((each) => each.windows);
    for (const kind of ['memory', 'ports'] as const) this.windows[kind] = windows.filter((each) => each.kind === kind);
    this.wires.decodingChanged();
  }
}

/** Configuration space in memory: a page for each function. PCI Express Base Specification, "PCI Express Enhanced Configuration Access Mechanism (ECAM)". */
export class EnhancedConfiguration implements Device {
  readonly name = 'PCI configuration (ECAM)';
  constructor(private readonly bus: PciBus) {}

  read(offset: number, bytes: AccessBytes): number {
    const slot = Math.floor(offset / FUNCTION_BYTES_ECAM), register = offset % FUNCTION_BYTES_ECAM;
    if (register < CONFIGURATION_BYTES) return this.bus.read(slot, register, bytes);
    // Nobody has extended capabilities.
    return this.bus.read(slot, 0, 2) === 0xffff ? allOnes(bytes) : 0;
  }
  write(offset: number, bytes: AccessBytes, value: number): void {
    const register = offset % FUNCTION_BYTES_ECAM;
    if (register < CONFIGURATION_BYTES) this.bus.write(Math.floor(offset / FUNCTION_BYTES_ECAM), register, bytes, value);
  }
  reset(): void {
    // While their routes are still known.
    for (const each of this.bus.all) each.setInterrupt(false);
    for (const each of this.bus.all) each.reset();
  }
  save(): unknown { return this.bus.all.map((each) => each.save()); }
  restore(state: unknown): void { this.bus.all.forEach((each, n) => { each.restore((state as unknown[])[n]); }); }
}

const ADDRESS_ENABLED = 0x80000000, ADDRESS_BITS = 0x80fffffc;
const DATA = 4, RESET_CONTROL = 1;

/** Ports CF8h to CFFh: an address, then data. A byte in the middle of the address is the reset control register. */
export class ConfigurationPorts implements Device {
  readonly name = 'PCI configuration (ports CF8h, CFCh)';
  readonly portBytes = 4;
  private address = 0;

  constructor(private readonly bus: PciBus, private readonly resetControl: Pick<Device, 'read' | 'write'>) {}

  read(offset: number, bytes: AccessBytes): number {
    if (offset >= DATA) return this.selected === undefined ? allOnes(bytes) : this.bus.read(this.selected, this.register + (offset & 3), bytes);
    if (bytes === 4) return this.address;
    return offset === RESET_CONTROL && bytes === 1 ? this.resetControl.read(0, 1) : allOnes(bytes);
  }
  write(offset: number, bytes: AccessBytes, value: number): void {
    if (offset >= DATA) {
      if (this.selected !== undefined) this.bus.write(this.selected, this.register + (offset & 3), bytes, value);
    } else if (bytes === 4) this.address = (value & ADDRESS_BITS) >>> 0;
    else if (offset === RESET_CONTROL && bytes === 1) this.resetControl.write(0, 1, value);
  }
  reset(): void { this.address = 0; }
  save(): unknown { return { address: this.address }; }
  restore(state: unknown): void { this.address = (state as { address: number }).address; }

  private get selected(): number | undefined { return (this.address & ADDRESS_ENABLED) !== 0 ? (this.address >>> 8) & 0xffff : undefined; }
  private get register(): number { return this.address & 0xfc; }
}
