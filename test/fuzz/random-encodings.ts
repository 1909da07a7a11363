/** Other ways to write an instruction: prefixes that mean nothing, or that make it another or none, and bits of REX and VEX that it does not want. */
import type { Random } from './random.js';

const LEGACY = [0x66, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0xf0] as const;
const isLegacy = (byte: number): boolean => byte === 0x67 || LEGACY.some((prefix) => prefix === byte);
const REX = 0x40, VEX3 = 0xc4, VEX2 = 0xc5;

/** The same code with more prefixes, or other bits in those that it has. Addresses of memory operands stay as they are, but for the segment. */
export function disturbed(random: Random, code: Uint8Array, bits: 64 | 32, hasMemory: boolean): Uint8Array {
  const out = [...code];
  let opcode = out.findIndex((byte) => !isLegacy(byte));
  const isVex = (out[opcode] === VEX2 || out[opcode] === VEX3) && (bits === 64 || out[opcode + 1]! >= 0xc0);
  if (isVex && random.chance(2)) {
    // vvvv, L and pp; W of the longer form.
    const last = opcode + (out[opcode] === VEX3 ? 2 : 1), bit = random.below(out[opcode] === VEX3 ? 8 : 7);
    out[last] = out[last]! ^ (1 << bit);
  } else if (bits === 64 && !isVex && random.chance(2)) {
    // R, X and B take part in the address of memory operands, and R chooses the register that BT has its bit offset in.
    const chosen = hasMemory ? random.below(2) << 3 : random.below(16);
    if ((out[opcode]! & 0xf0) === REX) out[opcode] = out[opcode]! ^ chosen;
    else out.splice(opcode, 0, REX | chosen);
  } else if (bits === 64 && isVex && random.chance(8)) out.splice(opcode, 0, REX | random.below(16));
  for (let more = random.below(3); more > 0; more--, opcode++) out.splice(random.below(opcode + 1), 0, random.pick(LEGACY));
  return Uint8Array.from(out);
}
