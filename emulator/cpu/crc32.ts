/** The checksum of CRC32: polynomial 11EDC6F41H, bits reflected. SDM Vol. 2, "CRC32—Accumulate CRC32 Value". */
import type { Operations } from './operations.js';

const REFLECTED_POLYNOMIAL = 0x82f63b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? REFLECTED_POLYNOMIAL : 0);
  return remainder;
});

export const CRC32_OPERATIONS: Operations = {
  /** Arguments: the checksum so far, what is added, how many bytes of it. */
  CRC32(cpu) {
    let remainder = cpu.argumentLow(0);
    const words = [cpu.argumentLow(1), cpu.argumentHigh(1)], bytes = cpu.argumentLow(2);
    for (let i = 0; i < bytes; i++) remainder = TABLE[(remainder ^ (words[i >> 2]! >>> (8 * (i & 3)))) & 0xff]! ^ (remainder >>> 8);
    cpu.result(0, remainder >>> 0);
  },
};
