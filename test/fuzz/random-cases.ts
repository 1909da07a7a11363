/** Random instructions in random states, from the definitions' own rows. */
import { DecodeTable, decode } from '../../emulator/isa/decode.js';
import { encode, type Fields, type MemoryFields } from '../../emulator/isa/encode.js';
import { FEATURES } from '../../emulator/cpu/cpuid.js';
import { COMPONENTS } from '../../emulator/cpu/xsave-components.js';
import { type Form, formsWith, rows } from '../../emulator/isa/encoding.js';
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import type { Instruction } from '../../emulator/isa/instruction.js';
import { unknownFeatures } from '../oracles/decoder.js';
import { AREA_BYTES, type Case, DATA_BASE, DEFAULT_RIP, type Patch, REGISTER_NAMES, State } from '../oracles/native.js';
import { disturbed } from './random-encodings.js';
import { numberTo } from './random-numbers.js';
import { Random } from './random.js';
import { RandomState } from './random-state.js';

export interface RandomCase extends Case {
  readonly bits: 64 | 32;
  /** The row that its bytes are decoded to; of those that are no instruction, the row they were made from. */
  readonly form: Form;
}

const AREA_MIDDLE = DATA_BASE + AREA_BYTES / 2, FAR_TARGET = DEFAULT_RIP + 0x40, LAST_RIP = DEFAULT_RIP + 0x800;
const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65], FS_PREFIX = 0x64, GS_PREFIX = 0x65, LOCK_PREFIX = 0xf0, TF = 0x100n;
const RSP = 4, MAX_CODE = 15;
/** Null and the descriptors of Linux, at several RPLs; an entry of the LDT, and one beyond the GDT's limit. */
const SELECTORS = [0, 1, 3, 0x10, 0x13, 0x18, 0x20, 0x23, 0x28, 0x2b, 0x2b, 0x30, 0x33, 4, 0xfff8];
/** What code may be entered from a program, and its stack. */
const CODE_SELECTORS = [0x33, 0x23, 0x33, 0x23, 0x30, 0x2b, 0x10, 0], STACK_SELECTORS = [0x2b, 0x2b, 0x2b, 0x33, 0x18, 0];
/** Whose operand in memory or in a register is a selector. */
const BY_SELECTOR = /^(LAR|LSL|VERR|VERW|ARPL)$/;
/** Whose components EDX:EAX names; who uses memory that no operand names: at (R)DI, at (R)BX + AL. */
const BY_STATE_COMPONENTS = /^X(SAVE|RSTOR)/, BY_DI = /^V?MASKMOV(Q|DQU)$/, BY_BX = /^XLAT/;

/** An area with x87, SSE and AVX state. What our processor model lacks is not asked for, nor PKRU, which lies elsewhere on AMD's processors. */
const XSAVE_BYTES = 832, X87_SSE_AVX = 7, PKRU = 0x200, NATIVE = X87_SSE_AVX | PKRU;
const COMPONENTS_OF_MODEL = COMPONENTS.reduce((mask, { bit, feature }) => (FEATURES.has(feature) ? mask | 1 << bit : mask), 0), LACKING = (NATIVE & ~COMPONENTS_OF_MODEL) | PKRU;

const twoBytes = (n: number): Uint8Array => Uint8Array.of(n & 0xff, n >> 8);
const isSigned32 = (n: number): boolean => n >= -(2 ** 31) && n < 2 ** 31;

export class RandomCases {
  private readonly forms: Readonly<Record<64 | 32, readonly Form[]>>;
  private readonly table = new DecodeTable(INSTRUCTIONS.flatMap(rows));

  constructor(instructions: readonly Instruction[]) {
    const all = formsWith(FEATURES, instructions);
    this.forms = { 64: all.filter((f) => f.only !== '32'), 32: all.filter((f) => f.only !== '64' && !f.rexW) };
  }

  /** Case `n` of a seed, whatever came before. */
  make(seed: number, n: number, bits?: 64 | 32): RandomCase {
    const random = new Random(seed, n), size = bits ?? (random.chance(4) && this.forms[32].length > 0 ? 32 : 64);
    for (;;) {
      const made = new Maker(random, this.table, size).attempt(random.pick(this.forms[size]));
      if (made) return made;
    }
  }
}

class Maker {
  private readonly state = new State();
  private readonly registers: number;

  constructor(private readonly random: Random, private readonly table: DecodeTable, private readonly bits: 64 | 32) { this.registers = bits === 64 ? 16 : 8; }

  /** Undefined when the row cannot be had with what chance has chosen. */
  attempt(form: Form): RandomCase | undefined {
    const { random: r, bits, state, registers } = this, states = new RandomState(r);
    states.fill(state, bits);
    state.set('rsp', BigInt(AREA_MIDDLE - 1024 + 8 * r.below(256)) + (r.chance(8) ? BigInt(r.below(8)) : 0n));
    const rmOperand = form.operands.find((o) => o.place === 'rm'), moffs = form.operands.some((o) => o.place === 'moffs');
    const asMemory = moffs || (rmOperand !== undefined && rmOperand.mayBeMemory && (!rmOperand.mayBeRegister || r.chance(2)));
    const operandSize = form.size !== 0 ? form.size : bits === 64 && form.rexW ? 64 : r.chance(2) ? 32 : 16;
    const addressSize = !r.chance(8) ? bits : bits === 64 ? 32 : 16;
    const rm = r.below(registers), reg = r.below(form.operands.some((o) => o.kind === 'mm') ? 8 : registers), opcodeRegister = r.below(registers);
    const override = r.chance(6) ? r.pick(SEGMENT_PREFIXES) : undefined, base = override === FS_PREFIX ? state.fsBase : override === GS_PREFIX ? state.gsBase : 0n;
    const target = this.target(form), offset = target - Number(base);
    this.implied(form, offset);
    const memory = !asMemory ? undefined : /^vm/.test(rmOperand?.text ?? '') ? this.vector(offset, rmOperand!.text) : this.place(offset, moffs, addressSize);
    if (asMemory && !memory) return undefined;
    if (bits === 64 && addressSize === 32) this.garbageAbove(form);
    if (BY_STATE_COMPONENTS.test(form.instruction.name) && state.words[0]! & LACKING) return undefined;
    const selects = BY_SELECTOR.test(form.instruction.name) || form.operands.some((o) => o.kind === 'segment');
    if (selects && !asMemory && rm !== RSP) this.setLow16(rm, r.pick(SELECTORS));
    // A bit offset in a register reaches far: keep it within the area, where both processors have the same memory.
    if (/^BT[SRC]?$/.test(form.instruction.name) && asMemory && form.modrm === 'r') {
      if (reg === memory?.base || reg === memory?.index || reg === RSP) return undefined;
      state.set(REGISTER_NAMES[reg]!, BigInt.asUintN(bits, BigInt(r.below(2048) - 1024)));
    }
    const relative = form.operands.some((o) => o.kind === 'relative'), far = form.operands.some((o) => o.kind === 'far');
    const byteRegisters = form.operands.some((o) => o.kind === 'gpr' && o.bits === 8 && o.place !== 'fixed');
    const rep = form.instruction.repeats && r.chance(2) ? r.pick(['F3', 'F2'] as const) : undefined;
    const immediate = relative ? BigInt(r.below(200) - 100) : far ? BigInt(FAR_TARGET + r.below(64)) : r.chance(3) ? BigInt(r.below(256)) : r.value();
    const fields = {
      mode: bits, operandSize, addressSize, reg, rm: rmOperand?.kind === 'mm' ? rm & 7 : rm, opcodeRegister, vvvv: r.below(registers), is4: r.below(registers), immediate,
      immediate2: far ? r.pick(CODE_SELECTORS) : r.below(65536), needsRex: bits === 64 && byteRegisters && r.chance(2),
      ...(memory ? { memory } : {}), ...(rep ? { rep } : {}), ...(form.instruction.lock && asMemory && r.chance(8) ? { lock: true } : {}),
    } as const;
    const prefixes = [...(override !== undefined ? [override] : []), ...(r.chance(64) ? [LOCK_PREFIX] : [])];
    let code: Uint8Array, decoded: Form | undefined = form;
    try { code = this.encode(form, fields, prefixes); } catch { return undefined; }
    if (r.chance(6)) {
      code = disturbed(r, code, bits, asMemory);
      decoded = code.length > MAX_CODE ? undefined : this.judged(code, form);
      if (!decoded) return undefined;
    }
    if (code.length > MAX_CODE) return undefined;
    if (r.chance(16) && !memory?.ripRelative) state.rip = BigInt(LAST_RIP - r.below(code.length + 1));
    const data = [...this.data(states, asMemory ? target : undefined), ...(asMemory ? this.selector(form, target, selects, operandSize / 8) : []), ...this.frame(form, operandSize / 8), ...this.stateComponents(form, target)];
    return { form: decoded, code, bits, state, data };
  }

  /** The row of disturbed bytes, unless the native processor may have an extension there that ours has not, or they must not be run. */
  private judged(code: Uint8Array, made: Form): Form | undefined {
    if (unknownFeatures(code, this.bits).length > 0) return undefined;
    const d = decode(this.table, code, 0, code.length, this.bits);
    if (typeof d === 'string') return d === 'incomplete' ? undefined : made;
    return d.length !== code.length || d.form.instruction.privileged ? undefined : d.form;
  }

  /** What instructions find in memory that their operands do not name. */
  private implied(form: Form, offset: number): void {
    const { random: r, state } = this, { name } = form.instruction;
    if (form.instruction.repeats) {
      state.set('rsi', BigInt(DATA_BASE + 256 + r.below(AREA_BYTES - 512)));
      state.set('rdi', BigInt(DATA_BASE + 256 + r.below(AREA_BYTES - 512)));
      state.set('rcx', BigInt(r.below(40)));
    }
    if (BY_DI.test(name)) this.set(7, offset);
    if (BY_BX.test(name)) this.set(3, offset - r.below(256));
  }
  private set(register: number, value: number | bigint): void { this.state.set(REGISTER_NAMES[register]!, BigInt.asUintN(this.bits, BigInt(value))); }
  private setLow16(register: number, value: number): void { this.state.bytes.set(twoBytes(value), 8 * register); }
  /** With a 32-bit address size the upper halves of addresses and counts do not matter. */
  private garbageAbove(form: Form): void {
    const { random: r, state: { words } } = this;
    if (/^(PUSH|POP|CALL|RET|ENTER|LEAVE)/.test(form.instruction.name)) return;
    for (let n = 0; n < this.registers; n++) if (n !== RSP && r.chance(2)) words[2 * n + 1] = r.u32();
  }

  /** A displacement from RIP is known only with the length of the instruction. */
  private encode(form: Form, fields: Fields, prefixes: readonly number[]): Uint8Array {
    const { memory } = fields;
    const code = (f: Fields) => Uint8Array.from([...prefixes, ...encode(form, f)]);
    if (!memory?.ripRelative) return code(fields);
    const next = Number(this.state.rip) + code(fields).length;
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
  private frame(form: Form, bytes: number): Patch[] {
    const { random: r, state } = this, { name } = form.instruction, offset = Number(state.get('rsp')) - DATA_BASE;
    const flags = BigInt(r.u32()) & ~TF, ip = BigInt(FAR_TARGET + r.below(64)), cs = BigInt(r.pick(CODE_SELECTORS));
    const words = name === 'POPF' ? [flags] : name === 'IRET' ? [ip, cs, flags, state.get('rsp') + 64n, BigInt(r.pick(STACK_SELECTORS))]
      : /^(RET|POP)$/.test(name) && (form.operands[0]?.kind === 'segment' || r.chance(2)) ? [form.operands[0]?.kind === 'segment' ? BigInt(r.pick(SELECTORS)) : ip, cs] : [];
    if (words.length === 0) return [];
    const content = new Uint8Array(words.length * bytes);
    words.forEach((word, i) => { for (let b = 0; b < bytes; b++) content[i * bytes + b] = Number((word >> BigInt(8 * b)) & 0xffn); });
    return [{ offset, bytes: content }];
  }

  /** An XSAVE area: MXCSR and a header that most often can be restored, and a part of each component. */
  private stateComponents(form: Form, target: number): Patch[] {
    const { random: r } = this, at = target - DATA_BASE;
    if (!BY_STATE_COMPONENTS.test(form.instruction.name) || at + XSAVE_BYTES > AREA_BYTES) return [];
    const words = new Uint32Array(XSAVE_BYTES / 4), compacted = r.chance(2), components = r.below(8) & ~LACKING;
    for (const from of [8, 20, 40, 88, 144, 184]) for (let i = 0; i < 4; i++) words[from + i] = r.u32();
    words[6] = r.u32() & (r.chance(8) ? 0x3ffff : 0xffff);
    words[128] = (r.chance(8) ? r.below(32) : r.below(8) & (compacted ? components : X87_SSE_AVX)) & ~LACKING;
    if (compacted) { words[130] = r.chance(16) ? r.below(32) & ~LACKING : components; words[131] = 0x8000_0000; }
    if (r.chance(8)) words[128 + r.below(16)] = 0x10 << r.below(28);
    return [{ offset: at, bytes: new Uint8Array(words.buffer) }];
  }

  /** An address in the data area; now and then across its pages or outside it. */
  private target(form: Form): number {
    const { random: r } = this;
    if (BY_STATE_COMPONENTS.test(form.instruction.name) && !r.chance(16)) return DATA_BASE + 64 * r.below(r.chance(8) ? AREA_BYTES / 64 : (AREA_BYTES - XSAVE_BYTES) / 64);
    if (r.chance(12)) return DATA_BASE + AREA_BYTES - r.below(r.chance(2) ? 16 : 64);
    return r.chance(6) ? AREA_MIDDLE - r.below(32) : DATA_BASE + 512 + 64 * r.below((AREA_BYTES - 1024) / 64) + (r.chance(2) ? r.below(64) : 0);
  }

  /** One of the ways to say an offset. */
  private place(offset: number, absolute: boolean, addressSize: number): MemoryFields | undefined {
    const { random: r, registers } = this, none = { base: -1, index: -1, scale: 0 };
    if (addressSize === 16) return this.place16(offset, absolute);
    // In 32 bits, offsets wrap around.
    const wrapped = addressSize === 32 ? offset | 0 : offset;
    if (absolute) return { ...none, displacement: addressSize === 32 ? wrapped >>> 0 : wrapped };
    if (r.chance(12) && isSigned32(wrapped)) return { ...none, displacement: wrapped };
    if (this.bits === 64 && r.chance(8) && isSigned32(wrapped)) return { ...none, displacement: wrapped, ripRelative: true };
    const base = r.chance(16) ? -1 : r.below(registers), chosen = r.chance(2) ? -1 : r.below(registers), scale = r.below(4);
    const index = chosen === RSP || (base < 0 && chosen < 0) ? -1 : chosen;
    // What the displacement must make up for, when no register can.
    if (base < 0 || base === RSP || base === index) {
      if (base < 0 && index < 0) return { ...none, displacement: wrapped };
      if (index >= 0) this.set(index, r.below(1024));
      const registersSum = (base < 0 ? 0n : this.state.get(REGISTER_NAMES[base]!)) + (index < 0 ? 0n : this.state.get(REGISTER_NAMES[index]!) << BigInt(scale));
      const displacement = wrapped - Number(registersSum);
      return isSigned32(displacement) ? { base, index, scale, displacement } : undefined;
    }
    const displacement = r.pick([0, r.below(256) - 128, r.below(0x10000) - 0x8000, r.u32() | 0]);
    const indexed = index < 0 ? 0n : this.state.get(REGISTER_NAMES[index]!) << BigInt(scale);
    // Seldom an address that is not canonical.
    this.set(base, BigInt(wrapped) - BigInt(displacement) - indexed + (r.chance(128) ? 1n << BigInt(47 + r.below(17)) : 0n));
    return { base, index, scale, displacement };
  }
  private place16(offset: number, absolute: boolean): MemoryFields {
    const { random: r } = this, low = offset & 0xffff;
    if (absolute || r.chance(4)) return { base: -1, index: -1, scale: 0, displacement: low };
    const base = r.pick([3, 5, 6, 7]), index = base === 6 || base === 7 || r.chance(2) ? -1 : r.pick([6, 7]), displacement = r.pick([0, r.below(256) - 128, r.below(0x10000) - 0x8000]);
    const indexed = index < 0 ? 0 : this.state.words[2 * index]!;
    this.setLow16(base, (low - displacement - indexed) & 0xffff);
    return { base, index, scale: 0, displacement };
  }

  /** VSIB: a vector of indices, most of which stay in the data area. */
  private vector(offset: number, text: string): MemoryFields {
    const { random: r, state, registers } = this, index = r.below(registers), scale = r.below(4), wide = /64/.test(text);
    let base = r.chance(12) ? -1 : r.below(registers);
    if (base === RSP) base = 3;
    const displacement = base < 0 ? offset | 0 : r.pick([0, r.below(256) - 128, r.below(0x10000) - 0x8000]);
    if (base >= 0) this.set(base, offset - displacement);
    for (const half of [state.xmm(index), state.ymmHigh(index)]) {
      const lanes = new DataView(half.buffer, half.byteOffset, half.byteLength);
      for (let at = 0; at < 16; at += wide ? 8 : 4) {
        const value = r.chance(64) ? r.u32() | 0 : (r.below(1024) - 512) >> scale;
        if (wide) lanes.setBigInt64(at, BigInt(value), true); else lanes.setInt32(at, value, true);
      }
    }
    return { base, index, scale, displacement };
  }

  /** What is around the places that instructions reach; at the target, at times what a comparison with RDX:RAX or with a vector will find equal. */
  private data(states: RandomState, target: number | undefined): Patch[] {
    const { random: r, state } = this, patches: Patch[] = [];
    const at = (address: number, bytes: number) => {
      const offset = Math.floor((address - DATA_BASE) / 8) * 8;
      if (offset < 0 || offset + bytes > AREA_BYTES) return;
      const content = new Uint32Array(bytes / 4);
      if (r.chance(3)) for (let i = 0; i + 2 <= content.length; i += 2) r.valueTo(content, i);
      else for (let i = 0; i + 4 <= content.length; i += 4) if (r.chance(3)) numberTo(r, 'extended', content, i); else states.vector(content, i);
      patches.push({ offset, bytes: new Uint8Array(content.buffer) });
    };
    at(Number(state.get('rsp')) - 32, 96);
    at(Number(state.get('rsi')), 64);
    at(Number(state.get('rdi')), 64);
    if (target === undefined) return patches;
    at(target - 16, 96);
    const known = r.chance(3) ? [...state.bytes.subarray(0, 8), ...state.bytes.subarray(16, 24)] : r.chance(8) ? state.xmm(r.below(16)) : [];
    if (known.length > 0 && target - DATA_BASE + known.length <= AREA_BYTES) patches.push({ offset: target - DATA_BASE, bytes: Uint8Array.from(known) });
    return patches;
  }
}
