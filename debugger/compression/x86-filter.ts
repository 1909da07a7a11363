/** Undoes XZ's filter for x86 code, which makes the targets of near calls and jumps absolute so that they repeat. The .xz File Format, "Branch/Call/Jump Filters". */

const INSTRUCTION_BYTES = 5;
const CALL_OR_JUMP = 0xe8;
/** By which of the three bytes before a call were opcodes of calls themselves: whether it was converted. */
const CONVERTED = [true, true, true, false, true, false, false, false];
/** And the shift to the byte of the target that decides about converting again. */
const DECIDING_BYTE = [0, 1, 2, 2, 3, 3, 3, 3];

const isSignByte = (byte: number): boolean => byte === 0x00 || byte === 0xff;

/** In place. */
export function unfilterX86(code: Uint8Array): void {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  let mask = 0, lastCall = -1;
  for (let at = 0; at + INSTRUCTION_BYTES <= code.length; at++) {
    if ((code[at]! & 0xfe) !== CALL_OR_JUMP) continue;
    const distance = at - lastCall;
    lastCall = at;
    if (distance > 3) mask = 0;
    else {
      mask = (mask << (distance - 1)) & 7;
      if (mask !== 0 && (!CONVERTED[mask]! || isSignByte(code[at + INSTRUCTION_BYTES - 1 - DECIDING_BYTE[mask]!]!))) {
        mask = (mask << 1) | 1;
        continue;
      }
    }
    if (!isSignByte(code[at + INSTRUCTION_BYTES - 1]!)) {
      mask = (mask << 1) | 1;
      continue;
    }
    let from = view.getUint32(at + 1, true), to: number;
    for (;;) {
      to = (from - (at + INSTRUCTION_BYTES)) >>> 0;
      if (mask === 0) break;
      const shift = DECIDING_BYTE[mask]! * 8;
      if (!isSignByte((to >>> (24 - shift)) & 0xff)) break;
      from = (to ^ ((2 ** (32 - shift)) - 1)) >>> 0;
    }
    view.setUint32(at + 1, (to & 0x01ffffff) | ((to & 0x01000000) !== 0 ? 0xff000000 : 0), true);
    at += INSTRUCTION_BYTES - 1;
    mask = 0;
  }
}
