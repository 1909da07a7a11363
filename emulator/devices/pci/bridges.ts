import { PciFunction } from './pci-function.js';

/** The two functions that every board of this kind has. Intel 3 Series Express Chipset Family data sheet, "DRAM Controller Registers"; Intel ICH9 data sheet, "LPC Interface Bridge Registers". */

const INTEL = 0x8086;
const PCIEXBAR = 0x60, PCIEXBAR_ENABLED = 1;

/** DEPARTURE: where configuration space is in memory cannot be changed. */
export function hostBridge(configurationBase: number): PciFunction {
  const bridge = new PciFunction({ name: 'host bridge', vendor: INTEL, device: 0x29c0, classCode: 0x060000 });
  bridge.define(PCIEXBAR, 4, (configurationBase | PCIEXBAR_ENABLED) >>> 0, 0);
  return bridge;
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
