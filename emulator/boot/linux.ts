/** Starts a bzImage as boot loaders do: it decompresses itself. Linux, "The Linux/x86 Boot Protocol", 32-bit and 64-bit. */
import { ACPI_TABLES } from './board.js';
import { BadImage } from './bad-image.js';
import { parseBzImage, SETUP_HEADER_AT } from './bzimage.js';
import { type FlatSelectors, long64Entry, protected32Entry } from './entry-state.js';
import { LOADER_AREA, placeGdt, placePageTables, placeText } from './environment.js';
import { MEMORY_TYPE_NUMBERS } from './memory-map.js';
import { PAGE_4K } from './page-tables.js';
import { Placement } from './placement.js';
import type { BootPlan, ImageRequest } from './plan.js';

/** __BOOT_CS and __BOOT_DS. */
const SELECTORS: FlatSelectors = { code: 0x10, data: 0x18 };
/** Of the 64-bit entry from the start of the loaded kernel. */
const ENTRY_64 = 0x200;

/** Offsets in struct boot_params. */
const ACPI_RSDP = 0x70, E820_ENTRIES = 0x1e8, TYPE_OF_LOADER = 0x210, CODE32_START = 0x214, RAMDISK_IMAGE = 0x218, RAMDISK_SIZE = 0x21c, CMD_LINE_PTR = 0x228, E820_TABLE = 0x2d0;
const E820_ENTRY_BYTES = 20;
const LOADER_WITHOUT_NUMBER = 0xff;

/** By the 64-bit protocol if the kernel has it, unless `wanted` says otherwise. */
export function loadLinux({ name, bytes, memoryBytes, args, modules }: ImageRequest, wanted?: 32): BootPlan {
  const image = parseBzImage(name, bytes), bits = wanted ?? (image.has64 ? 64 : 32);
  if (new TextEncoder().encode(args).length > image.longestCommandLine) {
    throw new BadImage(name, `the command line has more than the ${image.longestCommandLine} bytes that this kernel takes`, 'shorten it');
  }
  if (modules.length > 1) throw new BadImage(name, `a Linux kernel takes one initrd, but ${modules[1]!.name} comes after it`, 'join the archives into one file');

  const placement = new Placement(name, memoryBytes);
  placement.claim('the kernel', BigInt(image.loadAddress), image.kernel, BigInt(image.initSize));
  const parameters = new DataView(new ArrayBuffer(PAGE_4K));
  new Uint8Array(parameters.buffer).set(image.setupHeader, SETUP_HEADER_AT);
  parameters.setUint8(TYPE_OF_LOADER, LOADER_WITHOUT_NUMBER);
  parameters.setUint32(ACPI_RSDP, ACPI_TABLES, true);
  parameters.setUint32(CODE32_START, image.loadAddress, true);
  parameters.setUint32(CMD_LINE_PTR, placeText(placement, args), true);
  parameters.setUint8(E820_ENTRIES, placement.map.length);
  for (const [number, { base, length, type }] of placement.map.entries()) {
    const at = E820_TABLE + number * E820_ENTRY_BYTES;
    parameters.setBigUint64(at, BigInt(base), true);
    parameters.setBigUint64(at + 8, BigInt(length), true);
    parameters.setUint32(at + 16, MEMORY_TYPE_NUMBERS[type], true);
  }
  for (const initrd of modules) {
    const address = placement.place(`initrd ${initrd.name}`, initrd.bytes, PAGE_4K, placement.end);
    if (address + initrd.bytes.length - 1 > image.initrdMax) throw new BadImage(name, `initrd ${initrd.name} would end above the highest address that this kernel allows`, 'give a smaller one');
    parameters.setUint32(RAMDISK_IMAGE, address, true);
    parameters.setUint32(RAMDISK_SIZE, initrd.bytes.length, true);
  }
  const rsi = BigInt(placement.place('boot parameters', new Uint8Array(parameters.buffer), PAGE_4K, LOADER_AREA));
  const entry = bits === 64
    ? long64Entry(BigInt(image.loadAddress + ENTRY_64), { rsi }, placeGdt(placement, 'long64', SELECTORS), placePageTables(placement), SELECTORS)
    : protected32Entry(BigInt(image.loadAddress), { rsi }, placeGdt(placement, 'protected32', SELECTORS), SELECTORS);
  return { kind: `Linux bzImage, ${bits}-bit`, writes: placement.writes, entry, notes: [] };
}
