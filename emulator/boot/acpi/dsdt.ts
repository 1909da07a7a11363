/** The differentiated system description: what is on the board that nobody could find by looking. ACPI Specification, "Device Configuration". */
import {
  BYTES_PER_BUS, ECAM, HPET_BASE, ISA_BRIDGE_DEVICE, KEYBOARD, PCI_CONFIGURATION_PORT as CONFIGURATION_PORTS, PCI_MEMORY, PIRQ_LINES, PIRQ_PINS, pirqOf, PM_PORT, PM_PORTS, REAL_TIME_CLOCK, SERIAL,
} from '../board.js';
import {
  type Aml, argument, busRange, device, dwordField, eisaId, equal, give, integer, line, memoryFixed, memoryRange, method, name, or, pkg, portRange, ports, reference, resources, scope, store,
  string, uuid, when,
} from './aml.js';

const HOST_BRIDGE_UUID = '33db4d5b-1ff7-401c-9657-7441c03dd766';
const UNRECOGNIZED_UUID = 4;
const PCI_DEVICES = 32, INTERRUPT_PINS = 4, ALL_FUNCTIONS = 0xffff;
const HPET_BYTES = 0x400;

/** Whether the I/O APIC is in use, as the operating system says by _PIC. */
const PIC_MODE = 'PICF';

const routing = (to: readonly number[]): Aml => pkg(...Array.from({ length: PCI_DEVICES * INTERRUPT_PINS }, (_, n) => {
  const number = n >> 2, pin = n & 3;
  return pkg(integer(number * 0x10000 + ALL_FUNCTIONS), integer(pin), integer(0), integer(to[pirqOf(number, pin)]!));
}));

const isaDevice = (of: string, id: string, more: readonly Aml[], ...crs: readonly Aml[]): Aml => device(of, name('_HID', eisaId(id)), ...more, name('_CRS', resources(...crs)));

const isaBridge = device('ISA',
  name('_ADR', integer(ISA_BRIDGE_DEVICE * 0x10000)),
  ...SERIAL.map(({ port, line: number }, n) => isaDevice(`COM${n + 1}`, 'PNP0501', [name('_UID', integer(n + 1))], ports(port, 8), line(number))),
  isaDevice('RTC', 'PNP0B00', [], ports(REAL_TIME_CLOCK.port, 2), line(REAL_TIME_CLOCK.line)),
  isaDevice('KBD', 'PNP0303', [], ports(KEYBOARD.data, 1), ports(KEYBOARD.command, 1), line(KEYBOARD.line)),
);

const hostBridge = device('PCI0',
  name('_HID', eisaId('PNP0A08')),
  name('_CID', eisaId('PNP0A03')),
  name('_UID', integer(0)),
  name('_BBN', integer(0)),
  name('_CRS', resources(
    busRange(ECAM.buses),
    ports(CONFIGURATION_PORTS, 8),
    portRange(0, CONFIGURATION_PORTS),
    portRange(CONFIGURATION_PORTS + 8, 0x10000),
    ...PCI_MEMORY.map(({ base, end }) => memoryRange(base, end)),
  )),
  method('_PRT', 0, when(reference(PIC_MODE), give(reference('APRT'))), give(reference('LPRT'))),
  name('APRT', routing(PIRQ_PINS)),
  name('LPRT', routing(PIRQ_LINES)),
  // All that is asked for is granted: no firmware keeps anything for itself.
  method('_OSC', 4,
    when(equal(argument(0), uuid(HOST_BRIDGE_UUID)), give(argument(3))),
    dwordField(argument(3), 0, 'CDW1'),
    or(reference('CDW1'), integer(UNRECOGNIZED_UUID), reference('CDW1')),
    give(argument(3)),
  ),
  isaBridge,
);

export function dsdt(cpus: number, configurationBase: number): Aml {
  return [
    ...name(PIC_MODE, integer(0)),
    ...method('\\_PIC', 1, store(argument(0), reference(PIC_MODE))),
    // Sleep type 0 of the control register is power-off.
    ...name('\\_S5', pkg(integer(0), integer(0), integer(0), integer(0))),
    ...scope('\\_SB',
      hostBridge,
      isaDevice('HPET', 'PNP0103', [], memoryFixed(HPET_BASE, HPET_BYTES)),
      isaDevice('MBRD', 'PNP0C02', [], memoryFixed(configurationBase, ECAM.buses * BYTES_PER_BUS), ports(PM_PORT, PM_PORTS)),
      ...Array.from({ length: cpus }, (_, n) => device(`CP${n.toString(16).toUpperCase().padStart(2, '0')}`, name('_HID', string('ACPI0007')), name('_UID', integer(n)))),
    ),
  ];
}
