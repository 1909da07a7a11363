/** The ACPI tables as files of fw_cfg, and what firmware is to do with them: where they go is its affair. QEMU, "bios-linker-loader". */
import { type AcpiTable, acpiTables, CHECKSUM_AT, FADT_POINTERS, rootPointer, RSDP_CHECKSUMS, RSDP_POINTERS, TABLES_ALIGNMENT } from './tables.js';

const ROOT = 'etc/acpi/rsdp', TABLES = 'etc/acpi/tables';
const COMMAND_BYTES = 128, NAME_BYTES = 56;
const ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3;
const HIGH_MEMORY = 1, BIOS_SEGMENT = 2, ROOT_ALIGNMENT = 16;

/** A name fills its field; a number has so many bytes. */
type Field = string | readonly [value: number, bytes: 1 | 4];

function command(number: number, ...fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(COMMAND_BYTES), view = new DataView(bytes.buffer);
  view.setUint32(0, number, true);
  let at = 4;
  for (const field of fields) {
    if (typeof field === 'string') bytes.set(new TextEncoder().encode(field), at);
    else if (field[1] === 4) view.setUint32(at, field[0], true);
    else view.setUint8(at, field[0]);
    at += typeof field === 'string' ? NAME_BYTES : field[1];
  }
  return bytes;
}

/** The fields of a table that point to others. */
function pointersIn({ signature, bytes }: AcpiTable): readonly (readonly [at: number, bytes: number])[] {
  if (signature === 'FACP') return FADT_POINTERS;
  const size = signature === 'RSDT' ? 4 : signature === 'XSDT' ? 8 : undefined, first = 36;
  return size === undefined ? [] : Array.from({ length: (bytes.length - first) / size }, (_, n) => [first + n * size, size] as const);
}

const withoutSum = (bytes: readonly number[], ...places: readonly number[]): number[] => bytes.map((byte, at) => (places.includes(at) ? 0 : byte));

function join(parts: readonly { readonly address: number; readonly bytes: ArrayLike<number> }[]): Uint8Array {
  const joined = new Uint8Array(Math.max(...parts.map(({ address, bytes }) => address + bytes.length)));
  for (const { address, bytes } of parts) joined.set(bytes, address);
  return joined;
}

export interface AcpiFiles {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export function acpiFiles(cpus: number, configurationBase: number): AcpiFiles[] {
  const tables = acpiTables(cpus, 0, configurationBase), pointing = tables.filter((table) => pointersIn(table).length > 0);
  const commands = [
    command(ALLOCATE, ROOT, [ROOT_ALIGNMENT, 4], [BIOS_SEGMENT, 1]),
    command(ALLOCATE, TABLES, [TABLES_ALIGNMENT, 4], [HIGH_MEMORY, 1]),
    ...pointing.flatMap((table) => pointersIn(table).map(([at, bytes]) => command(ADD_POINTER, TABLES, TABLES, [table.address + at, 4], [bytes, 1]))),
    ...pointing.map(({ address, bytes }) => command(ADD_CHECKSUM, TABLES, [address + CHECKSUM_AT, 4], [address, 4], [bytes.length, 4])),
    ...RSDP_POINTERS.map(([at, bytes]) => command(ADD_POINTER, ROOT, TABLES, [at, 4], [bytes, 1])),
    ...RSDP_CHECKSUMS.map(([at, length]) => command(ADD_CHECKSUM, ROOT, [at, 4], [0, 4], [length, 4])),
  ];
  return [
    { name: ROOT, bytes: Uint8Array.from(withoutSum([...rootPointer(0)], ...RSDP_CHECKSUMS.map(([at]) => at))) },
    { name: TABLES, bytes: join(tables.map((table) => ({ ...table, bytes: pointing.includes(table) ? withoutSum(table.bytes, CHECKSUM_AT) : table.bytes }))) },
    { name: 'etc/table-loader', bytes: join(commands.map((bytes, n) => ({ address: n * COMMAND_BYTES, bytes }))) },
  ];
}
