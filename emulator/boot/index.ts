/** From the bytes of an image to the plan that starts it: a pure function, whatever the bytes are. */
import { BadImage } from './bad-image.js';
import { isBootSector, loadBootSector } from './boot-sector.js';
import { isBzImage } from './bzimage.js';
import { isElf, parseElf } from './elf.js';
import { loadElfImage } from './elf-image.js';
import { loadFlat } from './flat.js';
import { loadLinux } from './linux.js';
import { findMultiboot1, loadMultiboot1 } from './multiboot1.js';
import { findMultiboot2, loadMultiboot2 } from './multiboot2.js';
import { BOOT_PROTOCOLS, type BootPlan, type BootProtocol, type ImageRequest } from './plan.js';
import { loadPvh, pvhEntry } from './pvh.js';

export { BadImage } from './bad-image.js';
export { BOOT_PROTOCOLS } from './plan.js';
export type { BootModule, BootPlan, BootProtocol, EntryState, ImageRequest } from './plan.js';

/** A loader for each protocol that the image speaks. */
const LOADERS: Readonly<Record<BootProtocol, (request: ImageRequest) => (() => BootPlan) | undefined>> = {
  multiboot1(request) {
    const header = findMultiboot1(request.bytes);
    return header && (() => loadMultiboot1(request, header));
  },
  multiboot2(request) {
    const header = findMultiboot2(request.bytes);
    return header && (() => loadMultiboot2(request, header));
  },
  pvh(request) {
    if (!isElf(request.bytes)) return undefined;
    const image = parseElf(request.name, request.bytes), entry = pvhEntry(image);
    return entry === undefined ? undefined : () => loadPvh(request, image, entry);
  },
  bzimage: (request) => (isBzImage(request.bytes) ? () => loadLinux(request) : undefined),
  bzimage32: (request) => (isBzImage(request.bytes) ? () => loadLinux(request, 32) : undefined),
};

const NAMES: Readonly<Record<BootProtocol, string>> = {
  multiboot1: 'multiboot 1 header', multiboot2: 'multiboot 2 header', pvh: 'PVH entry point', bzimage: 'setup header of Linux', bzimage32: 'setup header of Linux',
};

export function loadImage(request: ImageRequest): BootPlan {
  const { name, bytes, modules, protocol, flat } = request;
  if (bytes.length === 0) throw new BadImage(name, 'the file is empty', 'build it again');
  for (const each of flat ? [] : protocol ? [protocol] : BOOT_PROTOCOLS) {
    const load = LOADERS[each](request);
    if (load) return load();
    if (protocol) throw new BadImage(name, `it has no ${NAMES[protocol]}`, 'leave the protocol to be found, or give another image');
  }
  if (modules.length > 0) {
    throw new BadImage(name, `it speaks no boot protocol, so nobody could tell it of module ${modules[0]!.name}`, 'leave the modules out, or give a Linux, PVH or multiboot kernel');
  }
  if (flat) return loadFlat(request, flat);
  if (isElf(bytes)) return loadElfImage(request);
  refuseKnown(name, bytes);
  if (isBootSector(bytes)) return loadBootSector(request);
  throw new BadImage(name, 'the file is neither ELF, nor multiboot, nor a boot sector (55 AA at its byte 510), nor a Linux kernel', 'link it as ELF, or sign a boot sector with 55 AA');
}

/** Formats that people try, and what to do with each. */
const KNOWN_FORMATS: readonly { at: number; bytes: readonly number[]; is: string; remedy: string }[] = [
  { at: 0, bytes: [0x1f, 0x8b], is: 'the file is compressed by gzip', remedy: 'decompress it first' },
  { at: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], is: 'the file is compressed by xz', remedy: 'decompress it first' },
  { at: 0, bytes: [0x4d, 0x5a], is: 'not implemented: PE executables (Windows, EFI)', remedy: 'link it as ELF' },
  { at: 0x8001, bytes: [0x43, 0x44, 0x30, 0x30, 0x31], is: 'the file is the image of a CD', remedy: 'start it by --cdrom, or give the kernel that is in it' },
];

function refuseKnown(name: string, bytes: Uint8Array): void {
  const known = KNOWN_FORMATS.find((format) => format.bytes.every((byte, place) => bytes[format.at + place] === byte));
  if (known) throw new BadImage(name, known.is, known.remedy);
}
