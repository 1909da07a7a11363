/** Random instructions with random registers, flags and memory, from the definitions' own rows. */
import { encode, type Fields, type MemoryFields } from '../../emulator/isa/encode.js';
import { type Form, forms } from '../../emulator/isa/encoding.js';
import type { Instruction } from '../../emulator/isa/instruction.js';
import { AREA_BYTES, type Case, DATA_BASE, DEFAULT_RIP, type Patch, REGISTER_NAMES, RFLAGS_MASK, State } from '../oracles/native.js';

/** A generator of numbers that is the same everywhere for a seed (xorshift128). */
export class Random {
  private s: Uint32Array;
  constructor(seed: number) {
    this.s = Uint32Array.from([seed, 0x9e3779b9 ^ seed, 0x7f4a7c15, 0xbf58476d]);
    for (let i = 0; i < 16; i++) this.u32();
  }
  u32(): number {
    const s = this.s;
    let t = s[3]!;
    t ^= t << 11; t ^= t >>> 8;
    s[3] = s[2]!; s[2] = s[1]!; s[1] = s[0]!;
    const next = (t ^ s[0]! ^ (s[0]! >>> 19)) >>> 0;
    s[0] = next;
    return next;
  }
  below(n: number): number { return this.u32() % n; }
  chance(n: number): boolean { return this.below(n) === 0; }
  pick<T>(list: readonly T[]): T { return list[this.below(list.length)]!; }
  u64(): bigint { return (BigInt(this.u32()) << 32n) | BigInt(this.u32()); }
  /** Often near an edge of some width. */
  value(): bigint {
    switch (this.below(6)) {
      case 0: return this.u64();
      case 1: return BigInt(this.below(256));
      case 2: return BigInt.asUintN(64, (1n << BigInt(this.pick([7, 8, 15, 16, 31, 32, 63, 64]))) + BigInt(this.below(5) - 2));
      case 3: return BigInt.asUintN(64, -BigInt(this.below(256)));
      case 4: return BigInt(this.u32());
      default: return BigInt.asUintN(64, BigInt(this.u32() | 0));
    }
  }
}

const twoBytes = (n: number): Uint8Array => Uint8Array.of(n & 0xff, n >> 8);

export interface RandomCase extends Case { readonly form: Form }

const AREA_MIDDLE = DATA_BASE + AREA_BYTES / 2;
const FAR_TARGET = DEFAULT_RIP + 0x40;
const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65], LOCK_PREFIX = 0xf0, TF = 0x100n;
/** Null and the descriptors of Linux, at several RPLs; an entry of the LDT, and one beyond the GDT's limit. */
const SELECTORS = [0, 1, 3, 0x10, 0x13, 0x18, 0x20, 0x23, 0x28, 0x2b, 0x2b, 0x30, 0x33, 4, 0xfff8];
/** What code may be entered from a program, and its stack. */
const CODE_SELECTORS = [0x33, 0x23, 0x33, 0x23, 0x30, 0x2b, 0x10, 0], STACK_SELECTORS = [0x2b, 0x2b, 0x2b, 0x33, 0x18, 0];
/** Whose operand in memory or in a register is a selector. */
const BY_SELECTOR = /^(LAR|LSL|VERR|VERW|ARPL)$/;

export class RandomCases {
  private readonly forms: readonly Form[];
  constructor(private readonly random: Random, instructions: readonly Instruction[], private readonly bits: 64 | 32 = 64) {
    this.forms = instructions.flatMap(forms).filter((f) => f.only !== (bits === 64 ? '32' : '64') && (bits === 64 || !f.rexW));
  }

  next(): RandomCase {
    for (;;) {
      const made = this.attempt(this.random.pick(this.forms));
      if (made) return made;
    }
  }

  private attempt(form: Form): RandomCase | undefined {
    const { random: r, bits } = this;
    const registers = bits === 64 ? 16 : 8, state = new State();
    for (const name of REGISTER_NAMES) state.set(name, bits === 64 ? r.value() : r.value() & 0xffffffffn);
    state.set('rsp', BigInt(AREA_MIDDLE - 1024 + 8 * r.below(256)) + (r.chance(8) ? BigInt(r.below(8)) : 0n));
    state.rflags = (BigInt(r.u32()) & RFLAGS_MASK & ~0x40000n) | 2n;
    const rmOperand = form.operands.find((o) => o.place === 'rm'), moffs = form.operands.some((o) => o.place === 'moffs');
    const asMemory = moffs || (rmOperand !== undefined && rmOperand.mayBeMemory && (!rmOperand.mayBeRegister || r.chance(2)));
    const operandSize = form.size !== 0 ? form.size : bits === 64 && form.rexW ? 64 : r.chance(2) ? 32 : 16;
    const addressSize = !r.chance(8) ? bits : bits === 64 ? 32 : 16;
    const rm = r.below(registers), reg = r.below(form.operands.some((o) => o.kind === 'mm') ? 8 : registers);
    const target = this.target(), memory = asMemory ? this.place(target, state, moffs, registers, addressSize) : undefined;
    if (form.instruction.repeats) {
      state.set('rsi', BigInt(DATA_BASE + 256 + r.below(AREA_BYTES - 512)));
      state.set('rdi', BigInt(DATA_BASE + 256 + r.below(AREA_BYTES - 512)));
      state.set('rcx', BigInt(r.below(40)));
    }
    // With a 32-bit address size the upper halves of addresses and counts do not matter.
    if (bits === 64 && addressSize === 32) {
      for (const name of REGISTER_NAMES) if (name !== 'rsp' && r.chance(2)) state.set(name, (state.get(name) & 0xffffffffn) | (BigInt(r.u32()) << 32n));
    }
    const selects = BY_SELECTOR.test(form.instruction.name) || form.operands.some((o) => o.kind === 'segment');
    if (selects && !asMemory && rm !== 4) state.set(REGISTER_NAMES[rm]!, (state.get(REGISTER_NAMES[rm]!) & ~0xffffn) | BigInt(r.pick(SELECTORS)));
    // A bit offset in a register reaches far: keep it within the area, where both processors have the same memory.
    if (/^BT[SRC]?$/.test(form.instruction.name) && asMemory && form.modrm === 'r') {
      if (reg === memory?.base || reg === memory?.index) return undefined;
      state.set(REGISTER_NAMES[reg]!, BigInt.asUintN(bits, BigInt(r.below(2048) - 1024)));
    }
    const byteRegisters = form.operands.some((o) => o.kind === 'gpr' && o.bits === 8 && o.place !== 'fixed');
    const rep = form.instruction.repeats && r.chance(2) ? r.pick(['F3', 'F2'] as const) : undefined;
    const relative = form.operands.some((o) => o.kind === 'relative'), far = form.operands.some((o) => o.kind === 'far');
    // A 16-bit SHLD or SHRD by more than 16 has no defined result.
    const countLimited = /^SH[LR]D$/.test(form.instruction.name) && form.size === 16;
    if (countLimited) state.set('rcx', BigInt(r.below(17)));
    state.rip = BigInt(DEFAULT_RIP);
    const immediate = relative ? BigInt(r.below(200) - 100) : far ? BigInt(FAR_TARGET + r.below(64)) : countLimited ? BigInt(r.below(17)) : r.value();
    const fields = {
      mode: bits, operandSize, addressSize, reg, rm: rmOperand?.kind === 'mm' ? rm & 7 : rm, opcodeRegister: r.below(registers),
      immediate, immediate2: far ? r.pick(CODE_SELECTORS) : r.below(65536), needsRex: bits === 64 && byteRegisters && r.chance(2),
      ...(memory ? { memory } : {}), ...(rep ? { rep } : {}), ...(form.instruction.lock && asMemory && r.chance(8) ? { lock: true } : {}),
    } as const;
    const prefixes = [...(r.chance(8) ? [r.pick(SEGMENT_PREFIXES)] : []), ...(r.chance(64) ? [LOCK_PREFIX] : [])];
    let code: Uint8Array;
    try { code = this.encode(form, fields, prefixes, state); } catch { return undefined; }
    if (code.length > 15) return undefined;
    if (r.chance(16) && !memory?.ripRelative) state.rip = BigInt(DEFAULT_RIP + 0x800 - r.below(code.length + 1));
    for (let i = 0; i < 16; i++) for (let half = 0; half < 2; half++) {
      const v = r.value();
      for (let b = 0; b < 8; b++) state.xmm(i)[8 * half + b] = Number((v >> BigInt(8 * b)) & 0xffn);
    }
    if (form.map === 0 && form.opcode >= 0xd8 && form.opcode <= 0xdf) this.x87(state);
    else if (form.operands.some((o) => o.kind === 'xmm' || o.kind === 'mm')) this.vectors(state);
    return { form, code, bits, state, data: [...this.data(state, asMemory ? target : undefined), ...(asMemory ? this.selector(form, target, selects, operandSize / 8) : []), ...this.frame(form, state, operandSize / 8)] };
  }

  /** Rounding, denormals as zeros, underflow to zero; some flags raised before; seldom an exception that is not masked. */
  private vectors(state: State): void {
    const { random: r } = this;
    state.mxcsr = (0x1f80 & ~(r.chance(4) ? 1 << (7 + r.below(6)) : 0)) | (r.below(4) << 13) | (r.chance(4) ? 0x40 : 0) | (r.chance(4) ? 0x8000 : 0) | (r.chance(2) ? r.below(64) : 0);
    for (let i = 0; i < 16; i++) if (!r.chance(3)) state.xmm(i).set(new Uint8Array(r.chance(2) ? Float32Array.from({ length: 4 }, () => this.float()).buffer : Float64Array.from({ length: 2 }, () => this.float()).buffer));
  }

  /** Some registers in use, all kinds of numbers in them; precision and rounding as they come. */
  private x87(state: State): void {
    const { random: r } = this, fx = state.fxsave;
    fx.setUint16(0, 0x40 | (r.chance(4) ? r.below(64) : 63) | (r.pick([0, 2, 3]) << 8) | (r.below(4) << 10), true);
    fx.setUint16(2, r.below(8) << 11 | (r.chance(2) ? r.below(16) << 8 & 0x4700 : 0), true);
    fx.setUint8(4, r.chance(2) ? 0xff : r.below(256));
    for (let i = 0; i < 8; i++) {
      const at = 32 + 16 * i, exponent = r.pick([0, 1, 0x3fff, 0x3fff + r.below(70), 0x4000 - r.below(70), 0x7ffe, 0x7fff, r.below(0x8000)]);
      const top = r.chance(8) ? r.below(2) << 31 : 1 << 31;
      fx.setUint32(at, r.chance(2) ? 0 : r.u32(), true);
      fx.setUint32(at + 4, (top | (r.chance(2) ? 0 : r.u32() & 0x7fffffff)) >>> 0, true);
      fx.setUint16(at + 8, exponent | (r.below(2) << 15), true);
    }
  }

  private float(): number {
    const { random: r } = this;
    return r.pick([0, -0, 1, -1, 0.5, 1.5, 2 ** 31, -(2 ** 31), 2 ** 63, 1e-40, 1e-310, 3.4e38, 1.7e308, Infinity, -Infinity, NaN, r.u32() / 7, -r.u32() * 1.7, (r.u32() - 2 ** 31) / 2 ** r.below(80)]);
  }

  /** A displacement from RIP is known only with the length of the instruction. */
  private encode(form: Form, fields: Fields, prefixes: readonly number[], state: State): Uint8Array {
    const { memory } = fields;
    const code = (f: Fields) => Uint8Array.from([...prefixes, ...encode(form, f)]);
    if (!memory?.ripRelative) return code(fields);
    const next = Number(state.rip) + code(fields).length;
    return code({ ...fields, memory: { ...memory, displacement: memory.displacement - next } });
  }

  /** A selector in memory, alone or behind an offset. */
  private selector(form: Form, target: number, selects: boolean, bytes: number): Patch[] {
    const { random: r } = this, pointer = form.operands.some((o) => /^m16:/.test(o.text));
    const offset = target - DATA_BASE + (pointer ? bytes : 0);
    if (!selects && !pointer || offset + 2 > AREA_BYTES) return [];
    const patches: Patch[] = [{ offset, bytes: twoBytes(r.pick(SELECTORS)) }];
    if (pointer) patches.push({ offset: offset - bytes, bytes: Uint8Array.from({ length: bytes }, (_, i) => (FAR_TARGET / 2 ** (8 * i)) & 0xff) });
    return patches;
  }

  /** What far returns, IRET and POPF find on the stack. */
  private frame(form: Form, state: State, bytes: number): Patch[] {
    const { random: r } = this, { name } = form.instruction, offset = Number(state.get('rsp')) - DATA_BASE;
    const flags = BigInt(r.u32()) & ~TF, ip = BigInt(FAR_TARGET + r.below(64)), cs = BigInt(r.pick(CODE_SELECTORS));
    const words = name === 'POPF' ? [flags] : name === 'IRET' ? [ip, cs, flags, state.get('rsp') + 64n, BigInt(r.pick(STACK_SELECTORS))]
      : /^(RET|POP)$/.test(name) && (form.operands[0]?.kind === 'segment' || r.chance(2)) ? [form.operands[0]?.kind === 'segment' ? BigInt(r.pick(SELECTORS)) : ip, cs] : [];
    if (words.length === 0) return [];
    const content = new Uint8Array(words.length * bytes);
    words.forEach((word, i) => { for (let b = 0; b < bytes; b++) content[i * bytes + b] = Number((word >> BigInt(8 * b)) & 0xffn); });
    return [{ offset, bytes: content }];
  }

  /** An address in the data area; now and then across its pages or outside it. */
  private target(): number {
    const { random: r } = this;
    if (r.chance(12)) return DATA_BASE + AREA_BYTES - r.below(16);
    return r.chance(6) ? AREA_MIDDLE - r.below(16) : DATA_BASE + 512 + 16 * r.below((AREA_BYTES - 1024) / 16) + (r.chance(2) ? r.below(16) : 0);
  }

  /** One of the ways to say an address. */
  private place(target: number, state: State, absolute: boolean, registers: number, addressSize: number): MemoryFields {
    const { random: r } = this;
    if (addressSize === 16) return { base: -1, index: -1, scale: 0, displacement: r.below(0x10000) };
    if (this.bits === 64 && !absolute && r.chance(6)) return { base: -1, index: -1, scale: 0, displacement: target, ripRelative: true };
    if (absolute || r.chance(12)) return { base: -1, index: -1, scale: 0, displacement: target };
    const displacement = r.pick([0, r.below(256) - 128, r.below(0x10000) - 0x8000]);
    let base = r.below(registers);
    if (base === 4) base = 3;
    const index = r.chance(2) ? -1 : r.below(registers), scale = r.below(4);
    if (index >= 0 && index !== 4 && index !== base) {
      const offset = r.below(1024);
      state.set(REGISTER_NAMES[index]!, BigInt(offset));
      state.set(REGISTER_NAMES[base]!, BigInt(target - displacement - offset * 2 ** scale));
      return { base, index, scale, displacement };
    }
    state.set(REGISTER_NAMES[base]!, BigInt(target - displacement));
    return { base, index: -1, scale: 0, displacement };
  }

  private data(state: State, target: number | undefined): Patch[] {
    const { random: r } = this, patches: Patch[] = [];
    const at = (address: number, bytes: number) => {
      const offset = Math.floor((address - DATA_BASE) / 8) * 8;
      if (offset < 0 || offset + bytes > AREA_BYTES) return;
      const content = new Uint8Array(bytes), view = new DataView(content.buffer);
      for (let i = 0; i + 8 <= bytes; i += 8) view.setBigUint64(i, r.value(), true);
      patches.push({ offset, bytes: content });
    };
    at(Number(state.get('rsp')) - 32, 96);
    if (target !== undefined) at(target - 16, 64);
    at(Number(state.get('rsi')), 64);
    at(Number(state.get('rdi')), 64);
    return patches;
  }
}
