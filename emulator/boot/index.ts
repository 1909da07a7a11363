/** From the bytes of an image to the plan that starts it: a pure function, whatever the bytes are. */
import { BadImage } from './bad-image.js';
import { isBootSector, loadBootSector } from './boot-sector.js';
import { isElf } from './elf.js';
import { loadElfImage } from './elf-image.js';
import { loadFlat } from './flat.js';
import { findMultiboot1, loadMultiboot1 } from './multiboot1.js';
import type { BootPlan, ImageRequest } from './plan.js';

export { BadImage } from './bad-image.js';
export type { BootModule, BootPlan, EntryState, ImageRequest } from './plan.js';

export function loadImage(request: ImageRequest): BootPlan {
  const { name, bytes, modules } = request;
  if (bytes.length === 0) throw new BadImage(name, 'the file is empty', 'build it again');
  const header = request.flat ? undefined : findMultiboot1(bytes);
  if (header) return loadMultiboot1(request, header);
  if (modules.length > 0) {
    throw new BadImage(name, `it has no multiboot header, so nobody could tell it of module ${modules[0]!.name}`, 'leave the modules out, or give a multiboot kernel');
  }
  if (request.flat) return loadFlat(request, request.flat);
  if (isElf(bytes)) {
    refuseMultiboot2(name, bytes);
    return loadElfImage(request);
  }
  refuseKnown(name, bytes);
  if (isBootSector(bytes)) return loadBootSector(request);
  throw new BadImage(name, 'the file is neither ELF, nor multiboot, nor a boot sector (55 AA at its byte 510)', 'link it as ELF, or sign a boot sector with 55 AA');
}

const MULTIBOOT2_MAGIC = 0xe85250d6, MULTIBOOT2_SEARCHED_BYTES = 32768;

function refuseMultiboot2(name: string, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const searched = Math.min(MULTIBOOT2_SEARCHED_BYTES, bytes.length);
  for (let at = 0; at + 16 <= searched; at += 8) {
    const [magic, architecture, length, checksum] = [0, 4, 8, 12].map((field) => view.getUint32(at + field, true)) as [number, number, number, number];
    if (magic === MULTIBOOT2_MAGIC && ((magic + architecture + length + checksum) >>> 0) === 0) {
      throw new BadImage(name, 'not implemented: multiboot 2', 'add a multiboot 1 header');
    }
  }
}

/** Formats that people try, and what to do with each. */
const KNOWN_FORMATS: readonly { at: number; bytes: readonly number[]; is: string; remedy: string }[] = [
  { at: 0x202, bytes: [0x48, 0x64, 0x72, 0x53], is: 'not implemented: Linux bzImage', remedy: 'give an ELF or multiboot kernel' },
  { at: 0, bytes: [0x1f, 0x8b], is: 'the file is compressed by gzip', remedy: 'decompress it first' },
  { at: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], is: 'the file is compressed by xz', remedy: 'decompress it first' },
  { at: 0, bytes: [0x4d, 0x5a], is: 'not implemented: PE executables (Windows, EFI)', remedy: 'link it as ELF' },
  { at: 0x8001, bytes: [0x43, 0x44, 0x30, 0x30, 0x31], is: 'not implemented: CD images', remedy: 'give the kernel that is in it' },
];

function refuseKnown(name: string, bytes: Uint8Array): void {
  const known = KNOWN_FORMATS.find((format) => format.bytes.every((byte, place) => bytes[format.at + place] === byte));
  if (known) throw new BadImage(name, known.is, known.remedy);
}
