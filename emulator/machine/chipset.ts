/** The parts of the PC around the processor, each at its ports and on its interrupt line. */
import {
  ATA, ATA_FUNCTION, COPROCESSOR, HPET_BASE, IO_APIC_BASE, ISA_BRIDGE_DEVICE, ISA_PINS, KEYBOARD, PCI_CONFIGURATION_PORT, PM_PORT, PM_PORTS, REAL_TIME_CLOCK, SCI_LINE, SERIAL,
} from '../boot/board.js';
import { AcpiPowerManagement } from '../devices/acpi-power-management.js';
import { ApicBus } from '../devices/apic-bus.js';
import { ATA_CONTROL, AtaChannel } from '../devices/ata/ata-channel.js';
import type { AtaDevice } from '../devices/ata/ata-device.js';
import { CoprocessorError } from '../devices/coprocessor-error.js';
import { DebugConsole } from '../devices/debug-console.js';
import { ExitPort } from '../devices/exit-port.js';
import { FwCfg } from '../devices/fw-cfg.js';
import { Hpet } from '../devices/hpet.js';
import { IoApic } from '../devices/io-apic.js';
import { Keyboard8042, KEYBOARD_COMMAND } from '../devices/keyboard-8042.js';
import { LocalApic } from '../devices/local-apic.js';
import { NmiStatusControl } from '../devices/nmi-status-control.js';
import { PcTestDevice, TEST_LINE_COUNT, TEST_LINES } from '../devices/pc-test-device.js';
import { ataController } from '../devices/pci/bridges.js';
import { ConfigurationPorts } from '../devices/pci/pci-bus.js';
import { Pic8259Pair } from '../devices/pic-8259.js';
import { Pit8254 } from '../devices/pit-8254.js';
import { PostCode } from '../devices/post-code.js';
import { PowerOff } from '../devices/power-off.js';
import { RtcCmos } from '../devices/rtc-cmos.js';
import { RESET_CONTROL, SystemControl } from '../devices/system-control.js';
import { Uart16550 } from '../devices/uart-16550.js';
import { Bus, type Device } from '../memory/bus.js';
import type { DirectMemory } from '../memory/direct-memory.js';
import type { VirtualClock } from './clock.js';
import { type BoardPci, boardPci } from './pci.js';

/** What a local APIC does to its processor, and asks of it. */
export interface ProcessorWires {
  tsc(): bigint;
  serviced(vector: number): void;
  NMI(): void;
  SMI(): void;
  INIT(): void;
  startUp(vector: number): void;
}

export interface ChipsetOutputs {
  /** For bus masters. */
  readonly memory: DirectMemory;
  serial(port: 1 | 2, byte: number): void;
  debugConsole(byte: number): void;
  exit(value: number): void;
  powerOff(): void;
  reset(kind: 'INIT' | 'hard'): void;
  a20(enabled: boolean): void;
  /** Where memory is has changed. */
  remapped(): void;
}

/** The 8259A's INTR. */
const PIC_PIN = 0;

export class Chipset {
  readonly ports = new Bus('port');
  readonly mmio = new Bus('memory');
  readonly localApics: readonly LocalApic[];
  readonly pic: Pic8259Pair;
  readonly pci: BoardPci;
  readonly fwCfg: FwCfg;
  readonly coprocessor: CoprocessorError;
  readonly serial: readonly [Uart16550, Uart16550];
  private readonly devices: readonly Device[];

  constructor(clock: VirtualClock, memoryBytes: number, epochSeconds: number, processors: readonly ProcessorWires[], out: ChipsetOutputs,
    /** Two on each of two ATA cables. */
    drives: readonly (AtaDevice | undefined)[] = []) {
    const bus = new ApicBus(), ioApic = new IoApic((message) => { bus.send(message); });
    const pic: Pic8259Pair = (this.pic = new Pic8259Pair((raised) => {
      for (const apic of bus.apics) apic.setLine(0, raised);
      ioApic.setLine(PIC_PIN, raised);
    }));
    processors.forEach((wires, id) => {
      const apic: LocalApic = new LocalApic(id, {
        clock, ...wires, acknowledgeExternal: () => pic.acknowledge(), endOfInterrupt: (vector) => { ioApic.endOfInterrupt(vector); },
        send: (message, shorthand) => { bus.send(message, shorthand, apic); },
      });
      bus.apics.push(apic);
    });
    this.localApics = bus.apics;
    /** An interrupt line of the ISA bus. */
    const line = (number: number) => (raised: boolean) => {
      pic.setLine(number, raised);
      ioApic.setLine(ISA_PINS[number] ?? number, raised);
    };
    const pci = (this.pci = boardPci({
      pin: (pin, raised) => { ioApic.setLine(pin, raised); }, line: (number, raised) => { pic.setLine(number, raised); }, message: (message) => { bus.send(message); },
      remapped: () => { out.remapped(); },
    }));
    const hpet = new Hpet(clock, {
      pin: (pin, raised) => { ioApic.setLine(pin, raised); },
      legacy: (timer, raised) => { line(timer === 0 ? 0 : REAL_TIME_CLOCK.line)(raised); },
    });
    /** The HPET may take over the lines of PIT and RTC. */
    const replaceable = (number: number) => (raised: boolean) => { if (!hpet.replacesLegacy) line(number)(raised); };
    const pit = new Pit8254(clock, { channel0: replaceable(0) });
    const uart = (port: 1 | 2) => new Uart16550({ name: `COM${port}`, clock, transmit: (byte) => out.serial(port, byte), interrupt: line(SERIAL[port - 1]!.line) });
    this.serial = [uart(1), uart(2)];
    let keyboardA20 = true, fastA20 = false;
    const a20 = () => out.a20(keyboardA20 || fastA20);
    const keyboard = new Keyboard8042({
      keyboardInterrupt: line(KEYBOARD.line), auxiliaryInterrupt: line(KEYBOARD.auxiliaryLine), reset: () => out.reset('INIT'),
      a20: (enabled) => { keyboardA20 = enabled; a20(); },
    });
    const systemControl = new SystemControl({ a20: (enabled) => { fastA20 = enabled; a20(); }, reset: (kind) => out.reset(kind) });
    const rtc = new RtcCmos({ clock, interrupt: replaceable(REAL_TIME_CLOCK.line), memoryBytes, epochSeconds });
    const nmiControl = new NmiStatusControl(clock, pit);
    const powerManagement = new AcpiPowerManagement(clock, { interrupt: line(SCI_LINE), powerOff: () => out.powerOff() });
    const coprocessor = (this.coprocessor = new CoprocessorError(line(COPROCESSOR.line)));
    const powerOff = new PowerOff(() => out.powerOff());
    const debugConsole = new DebugConsole((byte) => out.debugConsole(byte));
    const exitPort = new ExitPort((value) => out.exit(value));
    const resetControl: Pick<Device, 'read' | 'write'> = {
      read: () => systemControl.read(RESET_CONTROL), write: (_offset, bytes, value) => { systemControl.write(RESET_CONTROL, bytes, value); },
    };
    const configurationPorts = new ConfigurationPorts(pci.bus, resetControl);
    const fwCfg = (this.fwCfg = new FwCfg(memoryBytes, processors.length, out.memory));
    const testDevice = new PcTestDevice((number, raised) => {
      if (number < 16) line(number)(raised);
      else ioApic.setLine(number, raised);
    });
    const postCode = new PostCode(() => undefined);
    const cables = drives.length === 0 ? [] : ATA.map(({ line: number }, n) => new AtaChannel(`ATA cable ${n + 1}`, drives.slice(2 * n, 2 * n + 2), line(number)));
    if (cables.length > 0) pci.bus.attach(ISA_BRIDGE_DEVICE, ataController(), ATA_FUNCTION);

    const { ports, mmio } = this;
    ports.attach(0x20, 2, pic);
    ports.attach(0xa0, 2, pic, 2);
    ports.attach(0x4d0, 2, pic, 4);
    ports.attach(0x40, 4, pit);
    ports.attach(KEYBOARD.data, 1, keyboard);
    ports.attach(KEYBOARD.command, 1, keyboard, KEYBOARD_COMMAND);
    ports.attach(0x61, 1, nmiControl);
    ports.attach(REAL_TIME_CLOCK.port, 2, rtc);
    ports.attach(0x80, 1, postCode);
    ports.attach(0x92, 1, systemControl);
    ports.attach(PCI_CONFIGURATION_PORT, 8, configurationPorts);
    ports.attach(0xe9, 1, debugConsole);
    ports.attach(COPROCESSOR.port, 1, coprocessor);
    ports.attach(0xe0, 4, testDevice);
    ports.attach(0x2000, TEST_LINE_COUNT, testDevice, TEST_LINES);
    // Where QEMU's isa-debug-exit is told to be, and where it is by itself.
    ports.attach(0xf4, 1, exitPort);
    ports.attach(0x501, 1, exitPort);
    ports.attach(0x510, 12, fwCfg);
    cables.forEach((cable, n) => {
      ports.attach(ATA[n]!.port, 8, cable);
      ports.attach(ATA[n]!.control, 1, cable, ATA_CONTROL);
    });
    SERIAL.forEach(({ port }, n) => { ports.attach(port, 8, this.serial[n]!); });
    ports.attach(PM_PORT, PM_PORTS, powerManagement);
    ports.attach(0xb004, 2, powerOff);
    mmio.attach(IO_APIC_BASE, 0x1000, ioApic);
    mmio.attach(HPET_BASE, 0x400, hpet);
    ports.behind = (address) => pci.bus.find('ports', address);
    mmio.behind = (address) => pci.find(address);
    this.devices = [...bus.apics, ioApic, pic, pit, ...this.serial, keyboard, hpet, powerManagement, pci.configuration, configurationPorts, fwCfg, testDevice, systemControl, coprocessor, rtc, nmiControl, powerOff, debugConsole, exitPort, postCode, ...cables];
  }

  reset(): void { for (const d of this.devices) d.reset(); }
  save(): Record<string, unknown> { return Object.fromEntries(this.devices.map((d) => [d.name, d.save()])); }
  restore(state: Record<string, unknown>): void { for (const d of this.devices) d.restore(state[d.name]); }
}
