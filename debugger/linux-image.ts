/** What Linux kernels and initial RAM disks hold when they are unpacked: it is entered directly, or looked at before it is booted. */
import { BadImage, hex, REBUILD } from '../emulator/boot/bad-image.js';
import { isBzImage, parseBzImage } from '../emulator/boot/bzimage.js';
import { isElf, parseElf } from '../emulator/boot/elf.js';
import { checkCpio, isCpio } from '../emulator/boot/cpio.js';
import type { BootModule, ImageRequest } from '../emulator/boot/plan.js';
import { guestOf, pvhEntry } from '../emulator/boot/pvh.js';
import { compressionOf, type Compression } from './compression/index.js';

/** Kernels append the unpacked size, where the compression does not end with it anyway. */
const SIZE_BYTES = 4;

export function isLinux({ name, bytes }: Pick<ImageRequest, 'name' | 'bytes'>): boolean {
  return isBzImage(bytes) || (isElf(bytes) && guestOf(parseElf(name, bytes)) === 'linux');
}

/** The kernel in a bzImage, if it can be entered without its own decompressor; or why not, if that is worth saying. */
export async function unpackKernel(name: string, bzImage: Uint8Array): Promise<Uint8Array | string | undefined> {
  const { payload } = parseBzImage(name, bzImage);
  if (payload.length <= SIZE_BYTES) return undefined;
  const compression = compressionOf(payload);
  if (!compression) {
    throw new BadImage(name, `the kernel in it is packed in a way that is not known (it begins with ${[...payload.subarray(0, 4)].map(hex).join(' ')})`, 'let it unpack itself, by --boot bzimage');
  }
  if (!compression.decompress) return `not implemented: ${compression.name}; the kernel unpacks itself, which takes longer`;
  const packed = compression.sizeAtEnd ? payload : payload.subarray(0, -SIZE_BYTES);
  const kernel = await unpack(name, 'the kernel in it', compression, packed);
  const size = new DataView(payload.buffer, payload.byteOffset + payload.length - SIZE_BYTES).getUint32(0, true);
  if (kernel.length !== size) throw new BadImage(name, `the kernel in it has ${kernel.length} bytes instead of ${size}`, REBUILD);
  return isElf(kernel) && pvhEntry(parseElf(name, kernel)) !== undefined ? kernel : undefined;
}

/** Magic numbers that Linux looks for in an initial RAM disk which is no archive. */
const FILE_SYSTEMS: readonly { readonly at: number; readonly bytes: readonly number[] }[] = [
  { at: 0, bytes: [0x2d, 0x72, 0x6f, 0x6d, 0x31, 0x66, 0x73, 0x2d] }, // romfs
  { at: 0, bytes: [0x45, 0x3d, 0xcd, 0x28] }, // cramfs
  { at: 0, bytes: [0x68, 0x73, 0x71, 0x73] }, // squashfs
  { at: 0x438, bytes: [0x53, 0xef] }, // ext2
];

/** Refuses what the kernel would only complain about after the boot. */
export async function checkInitrd({ name, bytes }: BootModule): Promise<void> {
  if (FILE_SYSTEMS.some((each) => each.bytes.every((byte, place) => bytes[each.at + place] === byte))) return;
  const end = isCpio(bytes) ? checkCpio(name, bytes) : 0;
  if (end === bytes.length && end > 0) return;
  const rest = bytes.subarray(end), compression = compressionOf(rest);
  if (!compression) {
    throw new BadImage(name, end > 0 ? `${rest.length} bytes after its archive are none` : 'it is neither a cpio archive, plain or compressed, nor a file system that Linux knows', 'build the initrd again, for instance by find . | cpio -o -H newc | gzip');
  }
  if (!compression.decompress) return;
  const archive = await unpack(name, 'the archive', compression, rest);
  if (!isCpio(archive)) throw new BadImage(name, `what ${compression.name} has packed in it is no cpio archive`, 'build the initrd again, for instance by find . | cpio -o -H newc | gzip');
  checkCpio(name, archive);
}

async function unpack(name: string, what: string, { name: method, decompress }: Compression, packed: Uint8Array): Promise<Uint8Array> {
  try {
    return await decompress!(packed as Uint8Array<ArrayBuffer>);
  } catch (error) {
    throw new BadImage(name, `${what}, packed by ${method}, cannot be unpacked (${(error as Error).message})`, REBUILD);
  }
}
