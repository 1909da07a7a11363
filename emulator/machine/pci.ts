/** The PCI bus as it is built into this board: its bridges, and how its interrupts reach both interrupt controllers. */
import { ECAM, ISA_BRIDGE_DEVICE, PCI_MEMORY, PCI_PORTS, PIRQ_LINES, PIRQ_PINS, pirqOf, PM_PORT } from '../boot/board.js';
import type { InterruptMessage } from '../devices/interrupt-message.js';
import { HostBridge, IsaBridge } from '../devices/pci/bridges.js';
import { EnhancedConfiguration, PciBus } from '../devices/pci/pci-bus.js';
import type { BusRange } from '../memory/bus.js';

export interface PciWires {
  pin(pin: number, raised: boolean): void;
  line(line: number, raised: boolean): void;
  message(message: InterruptMessage): void;
  /** Where memory is has changed. */
  remapped(): void;
}

export interface BoardPci {
  readonly bus: PciBus;
  readonly hostBridge: HostBridge;
  readonly configuration: EnhancedConfiguration;
  /** Who answers at an address in memory. */
  find(address: number): BusRange | undefined;
  /** What firmware does at power-on: addresses for everybody, and routes to the 8259A. */
  assign(): void;
}

export function boardPci(wires: PciWires): BoardPci {
  const bus = new PciBus({
    interrupt: (device, pin) => { route(pirqOf(device, pin)); },
    message: (message) => { wires.message(message); },
    decodingChanged: () => { wires.remapped(); },
  });
  const asserted = (pirq: number) => bus.interrupting.some(({ device, pin }) => pirqOf(device, pin) === pirq);
  const isaBridge = new IsaBridge(PM_PORT, () => { PIRQ_PINS.forEach((_, pirq) => { route(pirq); }); });
  const lines = () => PIRQ_PINS.map((_, pirq) => isaBridge.routed(pirq));
  function route(pirq: number): void {
    wires.pin(PIRQ_PINS[pirq]!, asserted(pirq));
    const line = isaBridge.routed(pirq);
    if (line !== undefined) wires.line(line, lines().some((other, each) => other === line && asserted(each)));
  }
  const hostBridge = new HostBridge(() => { wires.remapped(); }), configuration = new EnhancedConfiguration(bus);
  bus.attach(0, hostBridge);
  bus.attach(ISA_BRIDGE_DEVICE, isaBridge);
  return {
    bus, hostBridge, configuration,
    find(address) {
      const space = hostBridge.configurationWindow;
      return space && space.base <= address && address < space.base + space.size ? { ...space, device: configuration } : bus.find('memory', address);
    },
    assign() {
      hostBridge.prepare(ECAM.base);
      bus.assign(PCI_MEMORY[0].base, PCI_PORTS.base, (device) => PIRQ_LINES[pirqOf(device, 0)]!);
      PIRQ_LINES.forEach((line, pirq) => { isaBridge.route(pirq, line); });
    },
  };
}
