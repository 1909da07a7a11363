/** Decompresses what kernels and initial RAM disks are packed with; what few need is loaded when it is needed. */
import { gather } from './gather.js';
import { decompressLz4 } from './lz4.js';

export interface Compression {
  readonly name: string;
  readonly magic: readonly number[];
  /** Whether what is packed ends with its unpacked size, in four bytes. */
  readonly sizeAtEnd?: true;
  /** What is wrong with the packed bytes is thrown; without it the compression is not implemented. */
  readonly decompress?: (packed: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array>;
}

const COMPRESSIONS: readonly Compression[] = [
  { name: 'gzip', magic: [0x1f, 0x8b], sizeAtEnd: true, decompress: (packed) => gather(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))) },
  { name: 'XZ', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], decompress: async (packed) => (await import('./xz.js')).decompressXz(packed) },
  { name: 'Zstandard', magic: [0x28, 0xb5, 0x2f, 0xfd], decompress: async (packed) => (await import('fzstd')).decompress(packed) }, // It does not look at check sums.
  { name: 'LZ4', magic: [0x02, 0x21, 0x4c, 0x18], decompress: decompressLz4 },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
  { name: 'LZMA', magic: [0x5d, 0x00, 0x00] },
  { name: 'LZO', magic: [0x89, 0x4c, 0x5a, 0x4f] },
];

export const compressionOf = (bytes: Uint8Array): Compression | undefined => COMPRESSIONS.find(({ magic }) => magic.every((byte, place) => bytes[place] === byte));
