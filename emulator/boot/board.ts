/** Where things are on this board: what the chip set is wired to, and what the ACPI tables tell the operating system. */

export const LOCAL_APIC_BASE = 0xfee00000;
export const IO_APIC_BASE = 0xfec00000;
export const HPET_BASE = 0xfed00000;

/** Interrupt lines of the ISA bus that reach another pin of the I/O APIC than their number. */
export const ISA_PINS: Readonly<Record<number, number>> = { 0: 2 };
export const SCI_LINE = 9;

/** Port ranges of devices on the ISA bus, and their interrupt lines. */
export const SERIAL = [{ port: 0x3f8, line: 4 }, { port: 0x2f8, line: 3 }] as const;
export const KEYBOARD = { data: 0x60, command: 0x64, line: 1, auxiliaryLine: 12 } as const;
/** The two cables of the ATA controller: command block, control block. */
export const ATA = [{ port: 0x1f0, control: 0x3f6, line: 14 }, { port: 0x170, control: 0x376, line: 15 }] as const;
export const COPROCESSOR = { port: 0xf0, line: 13 } as const;
export const REAL_TIME_CLOCK = { port: 0x70, line: 8 } as const;
export const PCI_CONFIGURATION_PORT = 0xcf8;
export const RESET_CONTROL_PORT = PCI_CONFIGURATION_PORT + 1;

/** Power management: status and enable, control, and timer registers from here on. */
export const PM_PORT = 0x600, PM_PORTS = 12;

/** Configuration space of PCI in memory: one bus a MiB. */
export const ECAM = { base: 0xe0000000, buses: 256 } as const;
export const BYTES_PER_BUS = 1 << 20;
/** What the PCI bus may use: of memory and of ports. */
export const PCI_MEMORY = [{ base: 0xc0000000, end: 0xe0000000 }, { base: 0xf0000000, end: 0xfec00000 }] as const;
export const PCI_PORTS = { base: 0xc000, end: 0x10000 } as const;
/** Device numbers of disks, of network cards, and of shared folders begin here. */
export const FIRST_DISK_DEVICE = 4, FIRST_NETWORK_DEVICE = 20, FIRST_SHARE_DEVICE = 24;
/** Behind the disks, which are the first virtio devices. */
export const ENTROPY_DEVICE = 30;
/** Device number of the bridge to the ISA bus, and the number of the ATA controller among its functions. */
export const ISA_BRIDGE_DEVICE = 31, ATA_FUNCTION = 1;

/** INTA to INTD of a PCI device: rotated by its number over four lines, which are these pins of the I/O APIC, or these lines of the 8259A. */
export const PIRQ_PINS = [16, 17, 18, 19] as const;
export const PIRQ_LINES = [10, 11, 10, 11] as const;
export const pirqOf = (device: number, pin: number): number => (device + pin) & 3;

/** Firmware's tables, in memory that the memory map reserves. */
export const ACPI_TABLES = 0xe0000;
