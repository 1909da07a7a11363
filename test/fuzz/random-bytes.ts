/** Byte strings that a decoder may meet: noise, and noise that begins like an instruction. */
import type { Form } from '../../emulator/isa/encoding.js';
import type { Random } from './random.js';

export const BYTES = 20;
const PREFIXES = [0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65];
const ESCAPES: Readonly<Record<Form['map'], readonly number[]>> = { 0: [], 1: [0x0f], 2: [0x0f, 0x38], 3: [0x0f, 0x3a] };

export class RandomBytes {
  constructor(private readonly random: Random, private readonly forms: readonly Form[]) {}

  next(mode: 16 | 32 | 64): Uint8Array {
    const { random: r } = this, out: number[] = [];
    const kind = r.below(4);
    if (kind > 0) {
      for (let n = r.pick([0, 0, 0, 0, 1, 1, 1, 2, 3, r.below(13)]); n > 0; n--) out.push(r.pick(PREFIXES));
      if (mode === 64 && r.chance(2)) out.push(0x40 | r.below(16));
    }
    if (kind === 1) out.push(...r.pick(Object.values(ESCAPES)));
    if (kind > 1) this.likeAnInstruction(out);
    while (out.length < BYTES) out.push(r.below(256));
    return Uint8Array.from(out.slice(0, BYTES));
  }

  private likeAnInstruction(out: number[]): void {
    const { random: r } = this, form = r.pick(this.forms);
    if (/^(66|F2|F3)$/.test(form.mandatory) && !r.chance(8)) {
      const rex = out.length > 0 && out[out.length - 1]! >> 4 === 4 ? out.pop() : undefined;
      out.push(parseInt(form.mandatory, 16));
      if (rex !== undefined) out.push(rex);
    }
    out.push(...ESCAPES[form.map], form.opcode + (form.plusRegister ? r.below(8) : 0));
    const fixed = form.fixedModrm !== undefined ? form.fixedModrm + (form.plusSt ? r.below(8) : 0) : undefined;
    if (fixed !== undefined && !r.chance(8)) out.push(fixed);
    else if (typeof form.modrm === 'number' && !r.chance(8)) out.push((r.below(256) & 0xc7) | (form.modrm << 3));
  }
}
