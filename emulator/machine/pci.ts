/** The PCI bus as it is built into this board: its bridges, and how its interrupts reach both interrupt controllers. */
import { ECAM, ISA_BRIDGE_DEVICE, PCI_MEMORY, PCI_PORTS, PIRQ_LINES, PIRQ_PINS, pirqOf, PM_PORT } from '../boot/board.js';
import type { InterruptMessage } from '../devices/interrupt-message.js';
import { hostBridge, IsaBridge } from '../devices/pci/bridges.js';
import { PciBus } from '../devices/pci/pci-bus.js';

export interface PciInterrupts {
  pin(pin: number, raised: boolean): void;
  line(line: number, raised: boolean): void;
  message(message: InterruptMessage): void;
}

export interface BoardPci {
  readonly bus: PciBus;
  /** What firmware does at power-on: addresses for everybody, and routes to the 8259A. */
  assign(): void;
}

export function boardPci(interrupts: PciInterrupts): BoardPci {
  const bus = new PciBus({
    interrupt: (device, pin) => { route(pirqOf(device, pin)); },
    message: (message) => { interrupts.message(message); },
  });
  const asserted = (pirq: number) => bus.interrupting.some(({ device, pin }) => pirqOf(device, pin) === pirq);
  const isaBridge = new IsaBridge(PM_PORT, () => { PIRQ_PINS.forEach((_, pirq) => { route(pirq); }); });
  const lines = () => PIRQ_PINS.map((_, pirq) => isaBridge.routed(pirq));
  function route(pirq: number): void {
    interrupts.pin(PIRQ_PINS[pirq]!, asserted(pirq));
    const line = isaBridge.routed(pirq);
    if (line !== undefined) interrupts.line(line, lines().some((other, each) => other === line && asserted(each)));
  }
  bus.attach(0, hostBridge(ECAM.base));
  bus.attach(ISA_BRIDGE_DEVICE, isaBridge);
  return {
    bus,
    assign() {
      bus.assign(PCI_MEMORY[0].base, PCI_PORTS.base, (device) => PIRQ_LINES[pirqOf(device, 0)]!);
      PIRQ_LINES.forEach((line, pirq) => { isaBridge.route(pirq, line); });
    },
  };
}
