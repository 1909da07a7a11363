/** Makes the meaning of a form: gives its Operation a processor that records, and operands bound to the record's fields. */
import { gpr, S, SEGMENT, segment, SS, xmm } from '../cpu/layout.js';
import { VECTORS } from '../cpu/events.js';
import { Meaning, type Bits, type FlagName, type Reference, type ReferenceOptions, type Value } from '../meaning/meaning.js';
import { FLAG_BITS, STATUS_FLAGS } from '../meaning/flags.js';
import { type Form, type OperandSpec, widthOf } from './encoding.js';
import type { Cpu, Operand } from './instruction.js';

export type SegmentKind = 'flat' | 'base only' | 'segmented';

/** Everything besides the record's fields that a handler depends on. */
export interface Context {
  readonly form: Form;
  readonly mode: 16 | 32 | 64;
  readonly protection: Cpu['protection'];
  readonly stackSize: 16 | 32 | 64;
  readonly operandSize: 16 | 32 | 64;
  readonly addressSize: 16 | 32 | 64;
  /** CS has base 0 and a limit that cannot be passed. */
  readonly flatCode: boolean;
  /** ES, SS and DS too. */
  readonly flatData: boolean;
  readonly rep: 'none' | 'F3' | 'F2';
  readonly lock: boolean;
  readonly memory: boolean;
  readonly hasBase: boolean;
  readonly hasIndex: boolean;
  readonly ripRelative: boolean;
  readonly segmentKind: SegmentKind;
  /** Whether the relative target and the next instruction lie in the same page, so that records can be linked. */
  readonly takenNear: boolean;
  readonly nextNear: boolean;
  /** The instruction has an SS segment override or an rBP/rSP base: faults are #SS. */
  readonly stackReference: boolean;
}

const OPERAND_FIELDS = ['operand0', 'operand1', 'operand2', 'operand3'] as const;

export function meaningOf(c: Context): Meaning {
  const m = new Meaning(), cpu = new Recorder(m, c);
  // "Any VEX-encoded instruction in real-address or virtual-8086 mode: #UD."
  if (c.form.vex && c.protection !== 'protected') cpu.raise('#UD');
  else c.form.instruction.operation(cpu, ...c.form.operands.map((o, i) => cpu.operand(o, i)));
  return m;
}

/** The way from the last instruction of a block to the next block. */
export function continuation(c: Context): Meaning {
  const m = new Meaning();
  new Recorder(m, c).fallThrough();
  return m;
}

class Recorder implements Cpu {
  readonly size; readonly addressSize; readonly mode; readonly protection; readonly stackSize; readonly prefixes; readonly vectorLength;
  constructor(readonly meaning: Meaning, private readonly c: Context) {
    this.size = c.operandSize;
    this.addressSize = c.addressSize;
    this.mode = c.mode;
    this.protection = c.protection;
    this.stackSize = c.stackSize;
    this.prefixes = { rep: c.rep, lock: c.lock };
    this.vectorLength = c.form.vex && (c.form.vex.length === 256 ? 256 as const : 128 as const);
  }

  constant(value: bigint | number, bits: Bits): Value { return this.meaning.constant(value, bits); }
  register(n: number, bits: Bits): Value { return this.meaning.get(gpr(n), bits); }
  setRegister(n: number, value: Value): void { this.meaning.set(gpr(n), value.bits === 32 ? value.zeroExtend(64) : value); }
  state(at: number, bits: Bits): Value { return this.meaning.get(at, bits); }
  setState(at: number, value: Value): void { this.meaning.set(at, value); }

  flag(name: FlagName): Value {
    const condition = ({ CF: 'B', ZF: 'E', SF: 'S', OF: 'O', PF: 'P' } as const)[name as 'CF'] as 'B' | undefined;
    return condition ? this.meaning.condition(condition) : this.meaning.status().bit(4);
  }
  condition(condition: Parameters<Meaning['condition']>[0]): Value { return this.meaning.condition(condition); }
  status(): Value { return this.meaning.status(); }
  setFlags(flags: Partial<Record<FlagName, Value>>): void {
    const names = Object.keys(flags) as FlagName[];
    const mask = names.reduce((bits, n) => bits | FLAG_BITS[n], 0);
    let word = mask === STATUS_FLAGS ? this.constant(0, 32) : this.status().and(~mask);
    for (const n of names) word = word.or(flags[n]!.zeroExtend(32).shl(Math.log2(FLAG_BITS[n])));
    this.meaning.flags('explicit', 32, word, word);
  }
  stringStep(bytes: number): Value {
    return this.state(S.rflags, 32).bit(10).select(this.constant(-bytes, 64), this.constant(bytes, 64));
  }

  memory(offset: Value, bits: Bits, segmentNumber: number, options: ReferenceOptions & { overridable?: boolean; access?: Reference['access'] } = {}): Operand {
    const { overridable, access, ...rest } = options;
    void access;
    const kind = overridable ? this.c.segmentKind : this.kindOf(segmentNumber);
    const at = overridable ? this.meaning.record('segment', 32) : this.constant(segment(segmentNumber), 32);
    return new MemoryOperand(this.meaning, offset.zeroExtend(64), bits, kind, at, overridable ? { ...rest, stack: this.c.stackReference } : rest);
  }
  private kindOf(n: number): SegmentKind {
    if (this.c.mode === 64) return n >= 4 ? 'base only' : 'flat';
    return this.c.flatData && (n === 0 || n === 2 || n === 3) ? 'flat' : 'segmented';
  }

  get vectorIndex(): { readonly at: Value; readonly scale: Value } { return { at: this.meaning.record('index', 32), scale: this.meaning.record('scale', 32) }; }

  get stackPointer(): Value { return this.meaning.get(gpr(4), this.stackSize).zeroExtend(64); }
  setStackPointer(value: Value): void { this.setRegister(4, value.truncate(this.stackSize)); }
  push(value: Value): void {
    const sp = this.meaning.get(gpr(4), this.stackSize).sub(value.bits / 8);
    this.memory(sp, value.bits, SS, { stack: true }).write(value);
    this.setRegister(4, sp);
  }
  pop(bits: Bits): Value {
    const sp = this.meaning.get(gpr(4), this.stackSize);
    const value = this.memory(sp, bits, SS, { stack: true }).read();
    this.setRegister(4, sp.add(bits / 8));
    return value;
  }

  private get codeBase(): Value { return this.meaning.get(segment(1) + SEGMENT.base, 64); }
  /** A linear address in the code page, as an offset in the code segment. */
  private toOffset(linear: Value): Value {
    const offset = this.c.flatCode ? linear : linear.sub(this.codeBase);
    return this.mode === 64 ? offset : offset.and(0xffffffffn);
  }
  private inPage(field: 'offset' | 'nextOffset' | 'immediate'): Value { return this.meaning.get(S.codePage, 64).add(this.meaning.record(field, 64)); }
  get ip(): Value { return this.toOffset(this.inPage('offset')); }
  get nextIp(): Value { return this.toOffset(this.inPage('nextOffset')); }

  private toLinear(offset: Value): Value {
    if (this.mode === 64) return offset;
    return this.c.flatCode ? offset : offset.add(this.codeBase).and(0xffffffffn);
  }
  checkTarget(target: Value): void {
    if (this.mode === 64) {
      if (target.bits === 64) this.when(target.shl(16).sar(16).ne(target), () => this.raise('#GP', 0));
    } else if (!this.c.flatCode) {
      const limit = this.meaning.get(segment(1) + SEGMENT.limit, 32).zeroExtend(64);
      this.when(limit.ult(target.zeroExtend(64)), () => this.raise('#GP', 0));
    }
  }
  jump(target: Value): void {
    this.checkTarget(target);
    this.meaning.jump(this.toLinear(target.zeroExtend(64)));
  }
  jumpRelative(target: Operand, condition?: Value): void {
    void target;
    const taken = () => {
      const offset = this.toOffset(this.inPage('immediate'));
      const masked = this.size === 16 && this.mode !== 64 ? offset.and(0xffffn) : offset;
      if (this.mode !== 64) this.checkTarget(masked);
      this.meaning.jump(this.toLinear(masked), this.c.takenNear ? 'taken' : undefined);
    };
    if (!condition) { taken(); return; }
    this.when(condition, taken);
    this.fallThrough();
  }
  fallThrough(): void { this.meaning.jump(this.inPage('nextOffset'), this.c.nextNear ? 'next' : undefined); }

  when(condition: Value, then: () => void, otherwise?: () => void): void { this.meaning.when(condition, then, otherwise); }
  raise(name: Parameters<Cpu['raise']>[0], errorCode = 0): void {
    this.perform('raise', this.constant(VECTORS[name], 64), this.constant(errorCode, 64));
  }
  compute(name: string, args: readonly Value[], results: readonly Bits[] = []): Value[] { return this.meaning.compute(name, args, results); }
  perform(name: string, ...args: readonly Value[]): void { this.meaning.perform(name, args); }
  again(): void { this.meaning.again(); }

  operand(spec: OperandSpec, position: number): Operand {
    const m = this.meaning, c = this.c, field = OPERAND_FIELDS[position]!;
    if (spec.place === 'moffs') return new MemoryOperand(m, m.record('displacement', 64), widthOf(spec, true), c.segmentKind, m.record('segment', 32), {});
    if (spec.place === 'rm' && c.memory && spec.mayBeMemory) {
      return new MemoryOperand(m, this.effectiveAddress(), widthOf(spec, true), c.segmentKind, m.record('segment', 32), { stack: c.stackReference, aligned: c.form.aligned });
    }
    switch (spec.kind) {
      case 'gpr': {
        const at = spec.place === 'fixed' ? gpr(spec.register) : m.record(field, 32);
        return new RegisterOperand(m, 'register', at, spec.bits as Bits, false);
      }
      case 'xmm': return new RegisterOperand(m, 'xmm', spec.place === 'fixed' ? xmm(spec.register) : m.record(field, 32), 128, c.form.vex !== undefined);
      case 'ymm': return new RegisterOperand(m, 'xmm', m.record(field, 32), 256, true);
      case 'mm': return new RegisterOperand(m, 'mm', m.record(field, 32), 64, false);
      case 'immediate': {
        if (spec.place === 'fixed') return new ImmediateOperand(m, 'immediate', spec.bits as Bits, (bits) => m.constant(spec.register, bits));
        const second = c.form.operands.slice(0, position).some((o) => o.kind === 'immediate' && o.place === 'immediate');
        const bits = (second || c.form.size === 0 ? spec.bits : Math.max(spec.bits, c.operandSize)) as Bits;
        return new ImmediateOperand(m, 'immediate', bits, (b) => second ? m.record('immediate2', 16).truncate(b) : m.record('immediate', b));
      }
      case 'relative': return new ImmediateOperand(m, 'relative', 64, (b) => m.record('immediate', b));
      case 'far': return new ImmediateOperand(m, 'far', spec.bits as Bits, (b) => m.record('immediate', b), () => m.record('immediate2', 16));
      default: {
        const number = spec.place === 'fixed' ? () => m.constant(spec.register, 32) : () => m.record(field, 32);
        const read = spec.kind === 'segment' && spec.place === 'fixed'
          ? () => m.get(segment(spec.register) + SEGMENT.selector, 16)
          : spec.kind === 'segment' ? () => m.get(number().mul(SEGMENT.bytes).add(segment(0) + SEGMENT.selector), 16) : undefined;
        return new ImmediateOperand(m, spec.kind === 'st' ? 'register' : spec.kind as 'segment', spec.bits as Bits, read ?? (() => { throw new Error(`${c.form.text}: ${spec.text} is used by number`); }), number);
      }
    }
  }

  private effectiveAddress(): Value {
    const m = this.meaning, c = this.c;
    const bits = c.addressSize === 64 ? 64 : 32;
    if (c.ripRelative) {
      const linear = m.get(S.codePage, 64).add(m.record('displacement', 64));
      return c.addressSize === 64 ? linear : linear.and(0xffffffffn);
    }
    let address = m.record('displacement', bits);
    if (c.hasBase) address = m.get(m.record('base', 32), bits).add(address);
    if (c.hasIndex && !c.form.operands.some((o) => o.vectorIndex !== undefined)) address = m.get(m.record('index', 32), bits).shl(m.record('scale', bits)).add(address);
    if (c.addressSize === 16) address = address.and(0xffff);
    return address.zeroExtend(64);
  }
}

class RegisterOperand implements Operand {
  constructor(private readonly m: Meaning, readonly kind: 'register' | 'xmm' | 'mm', private readonly where: number | Value, readonly bits: Bits, private readonly clearsUpper: boolean) {}
  read(bits: Bits = this.bits): Value { return this.m.get(this.where, bits); }
  half(n: 0 | 1): Value { return this.m.get(this.where, 128, 16 * n); }
  readForUpdate(): Value { return this.read(); }
  write(value: Value, upper?: Value): void {
    this.m.set(this.where, this.kind === 'register' && value.bits === 32 ? value.zeroExtend(64) : value);
    if (upper ?? this.clearsUpper) this.m.set(this.where, upper ?? this.m.constant(0, 128), 16);
  }
  get number(): Value {
    const first = this.kind === 'register' ? S.gpr : this.kind === 'xmm' ? S.ymm : S.x87;
    const shift = this.kind === 'register' ? 3 : this.kind === 'xmm' ? 5 : 4;
    return typeof this.where === 'number' ? this.m.constant((this.where - first) >> shift, 32) : this.where.sub(first).shr(shift);
  }
  get offset(): Value { throw new Error('a register has no address'); }
  get segment(): Value { throw new Error('a register has no segment'); }
  get flat(): boolean { throw new Error('a register has no segment'); }
  at(): Operand { throw new Error('a register has no address'); }
}

class MemoryOperand implements Operand {
  readonly kind = 'memory';
  private reference: Reference | undefined;
  constructor(private readonly m: Meaning, readonly offset: Value, readonly bits: Bits, private readonly segmentKind: SegmentKind, readonly segment: Value, private readonly options: ReferenceOptions) {}
  get flat(): boolean { return this.segmentKind === 'flat'; }

  private refer(bits: Bits, access: Reference['access']): Reference {
    const segment = this.segmentKind === 'flat' ? {} : { segment: this.segment, baseOnly: this.segmentKind === 'base only' };
    return this.m.reference(this.offset, bits, access, { ...this.options, ...segment });
  }
  read(bits: Bits = this.bits): Value {
    if (this.reference && this.reference.bits === bits) return this.m.load(this.reference);
    return this.m.load(this.refer(bits, 'read'));
  }
  half(n: 0 | 1): Value {
    this.reference ??= this.refer(this.bits, 'read');
    return this.m.load(this.reference, n);
  }
  readForUpdate(): Value {
    this.reference = this.refer(this.bits, 'read and write');
    return this.m.load(this.reference);
  }
  write(value: Value, upper?: Value): void { this.m.store(this.reference ?? this.refer(upper ? 256 : value.bits, 'write'), value, upper); }
  get number(): Value { throw new Error('memory has no number'); }
  at(displacement: Value | number, bits: Bits): Operand {
    return new MemoryOperand(this.m, this.offset.add(displacement), bits, this.segmentKind, this.segment, this.options);
  }
}

class ImmediateOperand implements Operand {
  constructor(private readonly m: Meaning, readonly kind: Operand['kind'], readonly bits: Bits, private readonly source: (bits: Bits) => Value, private readonly by: () => Value = () => { throw new Error('an immediate has no number'); }) {}
  read(bits: Bits = this.bits): Value { void this.m; return this.source(bits); }
  half(): Value { throw new Error(`${this.kind} operand has no halves`); }
  readForUpdate(): Value { return this.read(); }
  write(): void { throw new Error(`${this.kind} operand is not written this way`); }
  get number(): Value { return this.by(); }
  get offset(): Value { throw new Error('an immediate has no address'); }
  get segment(): Value { throw new Error('an immediate has no segment'); }
  get flat(): boolean { throw new Error('an immediate has no segment'); }
  at(): Operand { throw new Error('an immediate has no address'); }
}
