import { PciFunction } from './pci-function.js';

/** The functions that every board of this kind has, and its ATA controller. Intel 3 Series Express Chipset Family data sheet, "DRAM Controller Registers"; Intel ICH9 data sheet, "LPC Interface Bridge Registers"; Intel 82371SB (PIIX3) data sheet, "IDE Configuration Registers". */

const INTEL = 0x8086;
const PCIEXBAR = 0x60, PCIEXBAR_ENABLED = 1, PCIEXBAR_LENGTH = 6, LONGEST_PCIEXBAR = 2 ** 28;
const PAM = 0x90, PAM_COUNT = 7, PAM_BITS = 0x33, READ_ENABLE = 1, WRITE_ENABLE = 2;
/** The first register has one area in its upper half, the others two of these. */
const BIOS_AREA = 0xf0000, EXPANSION_AREAS = 0xc0000, EXPANSION_BYTES = 0x4000, MIB = 0x100000;

/** Part of the addresses below 1 MiB, and whether reads and writes reach memory there. */
export interface AttributeArea {
  readonly base: number;
  readonly end: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

export class HostBridge extends PciFunction {
  /** `remapped`: what memory answers to has changed. */
  constructor(private readonly remapped: () => void) {
    super({ name: 'host bridge', vendor: INTEL, device: 0x29c0, classCode: 0x060000 });
    this.define(PCIEXBAR, 4, 0, 0xf0000000 | PCIEXBAR_LENGTH | PCIEXBAR_ENABLED);
    this.define(PAM, 1, 0, PAM_BITS & 0xf0);
    for (let n = 1; n < PAM_COUNT; n++) this.define(PAM + n, 1, 0, PAM_BITS);
  }

  /** Where configuration space is in memory, if anywhere. */
  get configurationWindow(): { readonly base: number; readonly size: number } | undefined {
    const value = this.read(PCIEXBAR, 4), size = LONGEST_PCIEXBAR / 2 ** ((value & PCIEXBAR_LENGTH) >> 1);
    return (value & PCIEXBAR_ENABLED) === 0 ? undefined : { base: (value & 0xf0000000) >>> 0, size };
  }

  /** "Programmable Attribute Map". */
  get attributeAreas(): readonly AttributeArea[] {
    return Array.from({ length: 2 * PAM_COUNT - 1 }, (_, n) => {
      const attributes = this.read(PAM + ((n + 1) >> 1), 1) >> (n % 2 === 0 ? 4 : 0), base = n === 0 ? BIOS_AREA : EXPANSION_AREAS + (n - 1) * EXPANSION_BYTES;
      return { base, end: n === 0 ? MIB : base + EXPANSION_BYTES, reads: (attributes & READ_ENABLE) !== 0, writes: (attributes & WRITE_ENABLE) !== 0 };
    });
  }

  /** What firmware sets: configuration space, and memory wherever there can be some. */
  prepare(configurationBase: number): void {
    this.write(PCIEXBAR, 4, (configurationBase | PCIEXBAR_ENABLED) >>> 0);
    for (let n = 0; n < PAM_COUNT; n++) this.write(PAM + n, 1, PAM_BITS);
  }

  override write(...access: Parameters<PciFunction['write']>): void {
    super.write(...access);
    this.remapped();
  }
  override reset(): void {
    super.reset();
    this.remapped();
  }
  override restore(state: unknown): void {
    super.restore(state);
    this.remapped();
  }
}

const PM_BASE = 0x40, ACPI_CONTROL = 0x44, ACPI_ENABLED = 0x80, PORTS = 1;
/** PIRQA to PIRQD; those above are not connected. */
const ROUTING = 0x60, ROUTING_HIGH = 0x68, NOT_ROUTED = 0x80, ROUTING_BITS = 0x8f;
/** The lines of the 8259A to which a PIRQ can be routed. */
const ROUTABLE = 0b1101_1110_1111_1000;

export class IsaBridge extends PciFunction {
  /** DEPARTURE: where the power-management registers are cannot be changed. `rerouted`: a routing register was written. */
  constructor(powerManagementBase: number, private readonly rerouted: () => void) {
    super({ name: 'ISA bridge', vendor: INTEL, device: 0x2918, classCode: 0x060100, revision: 2 });
    this.define(PM_BASE, 4, powerManagementBase | PORTS, 0);
    this.define(ACPI_CONTROL, 1, ACPI_ENABLED, 0);
    for (let n = 0; n < 4; n++) {
      this.define(ROUTING + n, 1, NOT_ROUTED, ROUTING_BITS);
      this.define(ROUTING_HIGH + n, 1, NOT_ROUTED, ROUTING_BITS);
    }
  }

  /** The line of the 8259A that a PIRQ drives, if any. */
  routed(pirq: number): number | undefined {
    const routing = this.read(ROUTING + pirq, 1);
    return (routing & NOT_ROUTED) === 0 && ((ROUTABLE >>> (routing & 15)) & 1) !== 0 ? routing & 15 : undefined;
  }
  route(pirq: number, line: number): void { this.write(ROUTING + pirq, 1, line); }

  override write(...access: Parameters<PciFunction['write']>): void {
    super.write(...access);
    this.rerouted();
  }
}

const IDE_TIMING = 0x40, IDE_DECODE_ENABLE = 0x8000;

/** Both channels at the ports and lines of the PC/AT, without bus mastering. DEPARTURE: they are decoded whatever the timing and command registers say. */
export function ataController(): PciFunction {
  const controller = new PciFunction({ name: 'ATA controller', vendor: INTEL, device: 0x7010, classCode: 0x010100 });
  for (const channel of [0, 1]) controller.define(IDE_TIMING + 2 * channel, 2, IDE_DECODE_ENABLE, 0xffff);
  return controller;
}
