/** LZ4's legacy frames, which Linux uses for kernels and initial RAM disks. LZ4 Frame Format Description, "Legacy frame"; LZ4 Block Format Description. */

const MAGIC_BYTES = 4, SIZE_BYTES = 4;
const BLOCK_BYTES = 8 * 2 ** 20;
const LEAST_MATCH = 4, LENGTH_MORE = 15, LENGTH_BYTE_MORE = 255;

export function decompressLz4(packed: Uint8Array): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength), blocks: Uint8Array[] = [];
  for (let at = MAGIC_BYTES; at + SIZE_BYTES <= packed.length;) {
    const size = view.getUint32(at, true);
    at += SIZE_BYTES;
    // A block that is not full is the last: what follows it is not LZ4's.
    if (blocks.length > 0 && blocks[blocks.length - 1]!.length < BLOCK_BYTES) break;
    if (at + size > packed.length) throw new Error(`a block of ${size} bytes is cut off`);
    blocks.push(decompressBlock(packed.subarray(at, at + size)));
    at += size;
  }
  const whole = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let end = 0;
  for (const block of blocks) {
    whole.set(block, end);
    end += block.length;
  }
  return whole;
}

function decompressBlock(packed: Uint8Array): Uint8Array {
  const out = new Uint8Array(BLOCK_BYTES);
  let from = 0, to = 0;
  const length = (nibble: number): number => {
    let sum = nibble;
    if (nibble === LENGTH_MORE) for (let more = LENGTH_BYTE_MORE; more === LENGTH_BYTE_MORE; sum += more) more = byte();
    return sum;
  };
  const byte = (): number => {
    if (from >= packed.length) throw new Error('a block ends within a sequence');
    return packed[from++]!;
  };
  while (from < packed.length) {
    const token = byte(), literals = length(token >> 4);
    if (from + literals > packed.length || to + literals > BLOCK_BYTES) throw new Error('literals reach beyond their block');
    for (const end = to + literals; to < end;) out[to++] = packed[from++]!;
    if (from === packed.length) break;
    const distance = byte() | (byte() << 8), match = length(token & 15) + LEAST_MATCH;
    if (distance === 0 || distance > to || to + match > BLOCK_BYTES) throw new Error('a match reaches beyond its block');
    // A match may overlap what it makes: that repeats it.
    for (const end = to + match; to < end; to++) out[to] = out[to - distance]!;
  }
  return out.subarray(0, to);
}
