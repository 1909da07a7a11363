/** Linux kernels as they are installed: a header for boot loaders, and a program that decompresses the kernel behind it. Linux, "The Linux/x86 Boot Protocol". */
import { BadImage, hex, REBUILD } from './bad-image.js';

const BOOT_FLAG_AT = 0x1fe, BOOT_FLAG = 0xaa55, MAGIC_AT = 0x202, MAGIC = 0x53726448;
const SETUP_SECTS = 0x1f1, SYSSIZE = 0x1f4, JUMP_OFFSET = 0x201, VERSION = 0x206, LOADFLAGS = 0x211, CODE32_START = 0x214, INITRD_ADDR_MAX = 0x22c, XLOADFLAGS = 0x236, CMDLINE_SIZE = 0x238;
const PAYLOAD_OFFSET = 0x248, PAYLOAD_LENGTH = 0x24c, PREF_ADDRESS = 0x258, INIT_SIZE = 0x260;
const SECTOR_BYTES = 512, DEFAULT_SETUP_SECTS = 4, PARAGRAPH_BYTES = 16;
const LOADED_HIGH = 1 << 0, KERNEL_64 = 1 << 0;
/** Version 2.12, of Linux 3.8: the first with everything that is read here. */
const LEAST_VERSION = 0x20c;

export const SETUP_HEADER_AT = SETUP_SECTS;

export interface BzImage {
  /** From SETUP_HEADER_AT to the header's end. */
  readonly setupHeader: Uint8Array;
  /** What is loaded and run in protected or 64-bit mode. */
  readonly kernel: Uint8Array;
  readonly loadAddress: number;
  /** Bytes that the kernel uses from its load address on before it looks at the memory map. */
  readonly initSize: number;
  /** Whether it can be entered in 64-bit mode. */
  readonly has64: boolean;
  /** The highest address that the initrd may occupy. */
  readonly initrdMax: number;
  readonly longestCommandLine: number;
  /** The compressed kernel proper, an ELF file. */
  readonly payload: Uint8Array;
}

export const isBzImage = (bytes: Uint8Array) =>
  bytes.length >= MAGIC_AT + 4 && viewOf(bytes).getUint32(MAGIC_AT, true) === MAGIC && viewOf(bytes).getUint16(BOOT_FLAG_AT, true) === BOOT_FLAG;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function parseBzImage(name: string, bytes: Uint8Array): BzImage {
  const view = viewOf(bytes);
  const kernelAt = ((view.getUint8(SETUP_SECTS) || DEFAULT_SETUP_SECTS) + 1) * SECTOR_BYTES;
  if (bytes.length < kernelAt) throw new BadImage(name, `the setup code of this Linux kernel has ${hex(kernelAt)} bytes, and the file only ${hex(bytes.length)}`, REBUILD);
  const version = view.getUint16(VERSION, true);
  if (version < LEAST_VERSION) {
    throw new BadImage(name, `not implemented: version ${version >> 8}.${version & 0xff} of the Linux boot protocol`, 'give a kernel of version 3.8 or later, which has 2.12');
  }
  if ((view.getUint8(LOADFLAGS) & LOADED_HIGH) === 0) throw new BadImage(name, 'not implemented: Linux zImage, which loads below 1 MiB', 'build it as bzImage');
  const kernelBytes = view.getUint32(SYSSIZE, true) * PARAGRAPH_BYTES;
  // The last paragraph need not be whole.
  if (kernelAt + kernelBytes >= bytes.length + PARAGRAPH_BYTES) {
    throw new BadImage(name, `this Linux kernel ends at byte ${hex(kernelAt + kernelBytes)} of the file, which has only ${hex(bytes.length)}`, REBUILD);
  }
  const kernel = bytes.subarray(kernelAt, kernelAt + kernelBytes);
  const payloadAt = view.getUint32(PAYLOAD_OFFSET, true), payloadEnd = payloadAt + view.getUint32(PAYLOAD_LENGTH, true);
  if (payloadEnd > kernel.length) throw new BadImage(name, `the compressed kernel ends at ${hex(payloadEnd)} of ${hex(kernel.length)} bytes`, REBUILD);
  const preferred = view.getBigUint64(PREF_ADDRESS, true);
  return {
    setupHeader: bytes.subarray(SETUP_HEADER_AT, Math.min(MAGIC_AT + view.getUint8(JUMP_OFFSET), kernelAt)),
    kernel,
    loadAddress: preferred <= BigInt(Number.MAX_SAFE_INTEGER) && preferred > 0n ? Number(preferred) : view.getUint32(CODE32_START, true),
    initSize: Math.max(view.getUint32(INIT_SIZE, true), kernel.length),
    has64: (view.getUint16(XLOADFLAGS, true) & KERNEL_64) !== 0,
    initrdMax: view.getUint32(INITRD_ADDR_MAX, true),
    longestCommandLine: view.getUint32(CMDLINE_SIZE, true),
    payload: kernel.subarray(payloadAt, payloadEnd),
  };
}
