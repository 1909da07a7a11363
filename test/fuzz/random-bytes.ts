/** Byte strings that a decoder may meet: noise, and noise that begins like an instruction. */
import type { Form } from '../../emulator/isa/encoding.js';
import type { Random } from './random.js';

export const BYTES = 20;
const PREFIXES = [0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65];
const ESCAPES: Readonly<Record<Form['map'], readonly number[]>> = { 0: [], 1: [0x0f], 2: [0x0f, 0x38], 3: [0x0f, 0x3a] };
const VEX2 = 0xc5, VEX3 = 0xc4, VVVV = 0x78;
/** The pp field of VEX. */
const PP: Readonly<Record<string, number>> = { 66: 1, F3: 2, F2: 3 };

export class RandomBytes {
  constructor(private readonly random: Random, private readonly forms: readonly Form[]) {}

  next(mode: 16 | 32 | 64): Uint8Array {
    const { random: r } = this, out: number[] = [];
    const kind = r.below(6);
    if (kind > 0) {
      for (let n = r.pick([0, 0, 0, 0, 1, 1, 1, 2, 3, r.below(13)]); n > 0 && !(kind > 3 && n > 1); n--) out.push(r.pick(PREFIXES));
      if (mode === 64 && r.chance(kind > 3 ? 16 : 2)) out.push(0x40 | r.below(16));
    }
    if (kind === 1) out.push(...r.pick(Object.values(ESCAPES)));
    else if (kind > 3) this.vex(out, mode);
    else if (kind > 1) this.likeAnInstruction(out, r.pick(this.forms));
    while (out.length < BYTES) out.push(r.below(256));
    return Uint8Array.from(out.slice(0, BYTES));
  }

  /** A VEX prefix and the opcode of some row, more often than not with the row's map and mandatory prefix. */
  private vex(out: number[], mode: 16 | 32 | 64): void {
    const { random: r } = this, form = r.pick(this.forms);
    // Outside 64-bit mode C4 and C5 are LES and LDS unless the upper two bits are 1.
    const high = mode === 64 || r.chance(8) ? r.below(256) : 0xc0 | r.below(64), map = r.chance(8) ? r.below(32) : form.map === 0 ? 1 : form.map;
    const last = (r.below(32) << 3) | (r.chance(4) ? r.below(4) : PP[form.mandatory] ?? 0) | (r.chance(2) ? VVVV : 0);
    if (map === 1 && r.chance(2)) out.push(VEX2, (high & 0x80) | (last & 0x7f) | (mode === 64 ? 0 : 0x80));
    else out.push(VEX3, (high & 0xe0) | map, last);
    out.push(r.chance(4) ? r.below(256) : form.opcode);
    if (typeof form.modrm === 'number' && r.chance(2)) out.push((r.below(256) & 0xc7) | (form.modrm << 3));
    // Element addresses are wanted: ModRM.rm chooses the SIB byte.
    else if (form.operands.some((o) => o.vectorIndex !== undefined) && r.chance(2)) out.push((r.below(192) & 0xf8) | 4);
  }

  private likeAnInstruction(out: number[], form: Form): void {
    const { random: r } = this;
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
