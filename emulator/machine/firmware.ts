/** What firmware has done when an operating system or its loader begins: where there is none, the machine does it. And what firmware is told. */
import { acpiFiles } from '../boot/acpi/loader.js';
import { acpiWrites } from '../boot/acpi/tables.js';
import { ECAM, PCI_MEMORY, PIRQ_LINES } from '../boot/board.js';
import type { FirmwarePlan } from '../boot/firmware.js';
import { MAP, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import type { FwCfgFile } from '../devices/fw-cfg.js';
import { PIC_ELCR } from '../devices/pic-8259.js';
import { MAXPHYADDR } from '../paging/capabilities.js';
import type { Chipset } from './chipset.js';

const UNCACHEABLE = 0n, WRITE_PROTECTED = 5n, WRITE_BACK = 6n;
const MTRR_ENABLED = 0xc00n, RANGE_VALID = 0x800n;
const eightOf = (type: bigint): bigint => type * 0x0101010101010101n;
/** Of the eleven fixed ranges: 640 KiB of memory, video memory, ROMs. */
const FIXED_RANGES = [WRITE_BACK, WRITE_BACK, UNCACHEABLE, ...new Array<bigint>(8).fill(WRITE_PROTECTED)];

/** Memory is write-back, what belongs to devices below 4 GiB is not. SDM Vol. 3, "Memory Type Range Registers (MTRRs)". */
function setMemoryTypes(cpu: Processor): void {
  const hole = BigInt(PCI_MEMORY[0].base), size = (1n << 32n) - hole;
  cpu.setBig(S.mtrrDefType, MTRR_ENABLED | WRITE_BACK);
  FIXED_RANGES.forEach((type, n) => { cpu.setBig(S.mtrrFixed + 8 * n, eightOf(type)); });
  cpu.setBig(S.mtrrVariable, hole | UNCACHEABLE);
  cpu.setBig(S.mtrrVariable + 8, ((1n << BigInt(MAXPHYADDR)) - size) | RANGE_VALID);
}

/** Before the loader: the tables in memory, and all devices at their places. */
export function prepareBoard(cpu: Processor, chipset: Chipset): void {
  for (const { address, bytes } of acpiWrites(chipset.localApics.length)) cpu.u8.set(bytes, MAP.guestMemory + address);
  chipset.pci.assign();
  // PCI interrupts are level-triggered.
  const levels = PIRQ_LINES.reduce((all, line) => all | (1 << line), 0);
  chipset.pic.write(PIC_ELCR, 1, levels & 0xff);
  chipset.pic.write(PIC_ELCR + 1, 1, levels >>> 8);
}

/** On each processor. */
export function prepareProcessor(cpu: Processor): void {
  setMemoryTypes(cpu);
  if (cpu.id === 0) cpu.localApic.becomeVirtualWire();
}

/** The plan's files, and the ACPI tables, which say where configuration space is by the time they are read. */
export function firmwareFiles({ localApics, pci }: Chipset, plan: FirmwarePlan): FwCfgFile[] {
  const tables = () => acpiFiles(localApics.length, pci.hostBridge.configurationWindow?.base ?? ECAM.base);
  return [
    ...plan.files.map(({ name, bytes }) => ({ name, bytes: bytes.length, contents: () => bytes })),
    ...tables().map(({ name, bytes }, n) => ({ name, bytes: bytes.length, contents: () => tables()[n]!.bytes })),
  ];
}
