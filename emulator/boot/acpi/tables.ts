/** The ACPI tables of this board, as its firmware leaves them in memory. ACPI Specification, "ACPI Software Programming Model"; "PCI Firmware Specification", MCFG; "IA-PC HPET Specification". */
import {
  ACPI_TABLES, ECAM, HPET_BASE, IO_APIC_BASE, ISA_PINS, LOCAL_APIC_BASE, PM_PORT, RESET_CONTROL_PORT, SCI_LINE,
} from '../board.js';
import type { GuestWrite } from '../plan.js';
import { type Aml, little } from './aml.js';
import { dsdt } from './dsdt.js';

const OEM = 'RINGSD', OEM_TABLE = 'RINGSIDE', CREATOR = 'RING';
const text = (value: string): number[] => Array.from(value, (character) => character.charCodeAt(0));
const checksum = (bytes: readonly number[]): number => -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;

/** Tables that point to others lie at fixed places from where they begin, the others behind them. */
const RSDT_AT = 0x40, XSDT_AT = 0x80, FACS_AT = 0x100, FIRST_AT = 0x140;
const FACS_BYTES = 64;
export const TABLES_ALIGNMENT = 64;
const HPET_EVENT_TIMER_BLOCK = 0x8086a201;

function table(signature: string, revision: number, body: Aml): number[] {
  const bytes = [...text(signature), ...little(36 + body.length, 4), revision, 0, ...text(OEM), ...text(OEM_TABLE), ...little(1, 4), ...text(CREATOR), ...little(1, 4), ...body];
  bytes[9] = checksum(bytes);
  return bytes;
}

/** Root pointer, which boot protocols hand on: the same whatever the machine. */
export function rootPointer(base = ACPI_TABLES): Uint8Array {
  const bytes = [...text('RSD PTR '), 0, ...text(OEM), 2, ...little(base + RSDT_AT, 4), ...little(36, 4), ...little(base + XSDT_AT, 8), 0, 0, 0, 0];
  bytes[8] = checksum(bytes.slice(0, 20));
  bytes[32] = checksum(bytes);
  return Uint8Array.from(bytes);
}

/** Generic address structure: space (0 memory, 1 ports), width in bits. */
const address = (space: 0 | 1, at: number, bits: number): number[] => [space, bits, 0, at === 0 ? 0 : Math.min(3, 1 + Math.log2(bits / 8)), ...little(at, 8)];
const nowhere = address(1, 0, 0).map(() => 0);

/** Where tables point to others: the distance of the field, and its bytes. */
export const FADT_POINTERS = [[36, 4], [40, 4], [132, 8], [140, 8]] as const, RSDP_POINTERS = [[16, 4], [24, 8]] as const;
/** Of all tables; the root pointer has two, each of what comes before its length. */
export const CHECKSUM_AT = 9, RSDP_CHECKSUMS = [[8, 20], [32, 36]] as const;

const LEGACY_DEVICES = 1, HAS_8042 = 2, NO_VGA = 4;
const FLAGS = { WBINVD: 1 << 0, PROC_C1: 1 << 2, PWR_BUTTON: 1 << 4, SLP_BUTTON: 1 << 5, FIX_RTC: 1 << 6, TMR_VAL_EXT: 1 << 8, RESET_REG_SUP: 1 << 10 } as const;
const RESET_VALUE = 6, CENTURY = 0x32, NO_C_STATE = 0xfff;

function fadt(facsAt: number, dsdtAt: number): number[] {
  const pm = { events: PM_PORT, control: PM_PORT + 4, timer: PM_PORT + 8 };
  return table('FACP', 6, [
    ...little(facsAt, 4), ...little(dsdtAt, 4), 0, 0, ...little(SCI_LINE, 2), ...little(0, 4), 0, 0, 0, 0,
    ...little(pm.events, 4), ...little(0, 4), ...little(pm.control, 4), ...little(0, 4), ...little(0, 4), ...little(pm.timer, 4), ...little(0, 8),
    4, 2, 0, 4, 0, 0, 0, 0, ...little(NO_C_STATE, 2), ...little(NO_C_STATE, 2), ...little(0, 4), 0, 0, 0, 0, CENTURY,
    ...little(LEGACY_DEVICES | HAS_8042 | NO_VGA, 2), 0, ...little(Object.values(FLAGS).reduce((all, bit) => all | bit, 0), 4),
    ...address(1, RESET_CONTROL_PORT, 8), RESET_VALUE, ...little(0, 2), 4,
    ...little(facsAt, 8), ...little(dsdtAt, 8),
    ...address(1, pm.events, 32), ...nowhere, ...address(1, pm.control, 16), ...nowhere, ...nowhere, ...address(1, pm.timer, 32), ...nowhere, ...nowhere,
    ...nowhere, ...nowhere, ...little(0, 8),
  ]);
}

const PCAT_COMPAT = 1, ENABLED = 1, ALL_PROCESSORS = 0xff, ACTIVE_HIGH_LEVEL = 0x0d;

function madt(cpus: number): number[] {
  const override = (line: number, pin: number, flags: number) => [2, 10, 0, line, ...little(pin, 4), ...little(flags, 2)];
  return table('APIC', 5, [
    ...little(LOCAL_APIC_BASE, 4), ...little(PCAT_COMPAT, 4),
    ...Array.from({ length: cpus }, (_, n) => [0, 8, n, n, ...little(ENABLED, 4)]).flat(),
    1, 12, 0, 0, ...little(IO_APIC_BASE, 4), ...little(0, 4),
    ...Object.entries(ISA_PINS).flatMap(([line, pin]) => override(Number(line), pin, 0)),
    ...override(SCI_LINE, SCI_LINE, ACTIVE_HIGH_LEVEL),
    4, 6, ALL_PROCESSORS, 0, 0, 1,
  ]);
}

const hpet = (): number[] => table('HPET', 1, [...little(HPET_EVENT_TIMER_BLOCK, 4), 0, 64, 0, 0, ...little(HPET_BASE, 8), 0, ...little(0x80, 2), 0]);
const mcfg = (configurationBase: number): number[] => table('MCFG', 1, [...little(0, 8), ...little(configurationBase, 8), 0, 0, 0, ECAM.buses - 1, ...little(0, 4)]);
const facs = (): number[] => [...text('FACS'), ...little(FACS_BYTES, 4), ...new Array<number>(24).fill(0), 2, ...new Array<number>(FACS_BYTES - 33).fill(0)];

export interface AcpiTable { readonly signature: string; readonly address: number; readonly bytes: readonly number[] }

/** All but the root pointer, where they lie, as the address of the first byte is `base`. */
export function acpiTables(cpus: number, base = ACPI_TABLES, configurationBase: number = ECAM.base): AcpiTable[] {
  let next = base + FIRST_AT;
  const placed: AcpiTable[] = [];
  const place = (bytes: readonly number[], at?: number): number => {
    const start = at ?? next;
    placed.push({ signature: String.fromCharCode(...bytes.slice(0, 4)), address: start, bytes });
    if (at === undefined) next = Math.ceil((next + bytes.length) / 16) * 16;
    return start;
  };
  const facsAt = place(facs(), base + FACS_AT), dsdtAt = place(table('DSDT', 2, dsdt(cpus, configurationBase)));
  const roots = [fadt(facsAt, dsdtAt), madt(cpus), hpet(), mcfg(configurationBase)].map((bytes) => place(bytes));
  place(table('RSDT', 1, roots.flatMap((at) => little(at, 4))), base + RSDT_AT);
  place(table('XSDT', 1, roots.flatMap((at) => little(at, 8))), base + XSDT_AT);
  return placed;
}

export const acpiWrites = (cpus: number): GuestWrite[] =>
  [{ address: ACPI_TABLES, bytes: rootPointer() }, ...acpiTables(cpus).map(({ address: at, bytes }) => ({ address: at, bytes: Uint8Array.from(bytes) }))];
