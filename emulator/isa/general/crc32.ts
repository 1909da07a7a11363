/** CRC32. SDM Vol. 2, "CRC32—Accumulate CRC32 Value". */
import { instruction } from '../instruction.js';

export const CRC32 = instruction('CRC32', 'Accumulate CRC32 Value', {
  encodings: `
    F2 0F 38 F0 /r | CRC32 r32, r/m8
    F2 REX.W 0F 38 F0 /r | CRC32 r64, r/m8
    F2 0F 38 F1 /r | CRC32 r32, r/m16 | o16
    F2 0F 38 F1 /r | CRC32 r32, r/m32
    F2 REX.W 0F 38 F1 /r | CRC32 r64, r/m64`,
  feature: 'SSE4.2', flags: 'None affected.',
  operation(cpu, dest, src) {
    const added = src.read();
    dest.write(cpu.compute('CRC32', [dest.read(32), added.zeroExtend(64), cpu.constant(added.bits / 8, 32)], [32])[0]!);
  },
});
