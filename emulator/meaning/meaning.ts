/**
 * What an instruction does, as a list of steps. The Operation of an instruction is an ordinary function over values that
 * record what is done to them; it runs once per form, not once per execution, and leaves its meaning.
 */

/** Widths of values; 256 bits only of operands and references, whose values are the two halves. */
export type Bits = 1 | 8 | 16 | 32 | 64 | 128 | 256;

/** Where a constant of the meaning comes from: known when the meaning is built, or a field of the decoded record. */
export type Source =
  | { readonly from: 'constant'; readonly value: bigint }
  | { readonly from: 'record'; readonly field: RecordField };

/** Fields of a decoded instruction that a handler reads when they are not known (translate/record.ts). */
export type RecordField =
  | 'operand0' | 'operand1' | 'operand2' | 'operand3' | 'base' | 'index' | 'segment' | 'scale' | 'displacement' | 'immediate' | 'immediate2'
  | 'offset' | 'nextOffset';

export type Binary =
  | 'add' | 'sub' | 'mul' | 'and' | 'or' | 'xor' | 'shl' | 'shr' | 'sar' | 'rotl' | 'rotr'
  | 'eq' | 'ne' | 'ult' | 'ule' | 'slt' | 'sle' | 'mulhu' | 'mulhs' | 'udiv' | 'urem' | 'sdiv' | 'srem';
export type Unary = 'not' | 'neg' | 'popcnt' | 'clz' | 'ctz' | 'eqz' | 'zext' | 'sext' | 'trunc' | 'bswap';

export type FlagName = 'CF' | 'PF' | 'AF' | 'ZF' | 'SF' | 'OF';
export type Condition = 'O' | 'NO' | 'B' | 'AE' | 'E' | 'NE' | 'BE' | 'A' | 'S' | 'NS' | 'P' | 'NP' | 'L' | 'GE' | 'LE' | 'G';
/** Rules of the lazy status flags (meaning/flags.ts). `status`: `a` holds CF, AF and OF at their places, the rest follows `result`. */
export type FlagRule = 'addition' | 'addition with carry' | 'subtraction' | 'subtraction with borrow' | 'status' | 'explicit';

export type Step =
  | { readonly op: 'constant'; readonly to: Value; readonly source: Source }
  | { readonly op: 'unary'; readonly kind: Unary; readonly to: Value; readonly a: Value }
  | { readonly op: 'binary'; readonly kind: Binary; readonly to: Value; readonly a: Value; readonly b: Value }
  | { readonly op: 'select'; readonly to: Value; readonly condition: Value; readonly a: Value; readonly b: Value }
  /** A WebAssembly SIMD or float operation by its name in the WebAssembly specification, on the values given; a shuffle has sixteen lanes. */
  | { readonly op: 'wasm'; readonly name: string; readonly to: Value; readonly of: readonly Value[]; readonly lane?: number | readonly number[] }
  /** Processor state at a byte offset: `at` fixed, or a value that holds the offset, and `plus` more. */
  | { readonly op: 'get'; readonly to: Value; readonly at: number | Value; readonly plus: number; readonly signed?: boolean }
  | { readonly op: 'set'; readonly at: number | Value; readonly plus: number; readonly from: Value; readonly bits: Bits }
  | { readonly op: 'condition'; readonly to: Value; readonly condition: Condition }
  /** All six status flags as they stand in RFLAGS (32 bits). */
  | { readonly op: 'status'; readonly to: Value }
  | { readonly op: 'flags'; readonly rule: FlagRule; readonly bits: Bits; readonly a: Value; readonly result: Value; readonly carry?: Value }
  /** Memory. `reference` finds where the bytes are (may fault); `load` and `store` use it, of 256 bits by halves. */
  | { readonly op: 'reference'; readonly to: Reference }
  | { readonly op: 'load'; readonly to: Value; readonly reference: Reference; readonly half: 0 | 1 }
  | { readonly op: 'store'; readonly reference: Reference; readonly from: Value; readonly upper: Value | undefined }
  | { readonly op: 'if'; readonly condition: Value; readonly then: readonly Step[]; readonly otherwise: readonly Step[] }
  /** Calls a TypeScript operation in the middle of an instruction: arguments through S.args, results likewise. It may abandon the instruction. */
  | { readonly op: 'compute'; readonly name: string; readonly args: readonly Value[]; readonly results: readonly Value[] }
  /** Ends the instruction and the block in TypeScript: the operation decides what follows. */
  | { readonly op: 'perform'; readonly name: string; readonly args: readonly Value[] }
  /** Ends the block: transfers to an offset in the code segment. `link` names the record's link slot when the target never changes. */
  | { readonly op: 'jump'; readonly target: Value; readonly link?: 'taken' | 'next' }
  /** Runs the instruction again (REP): the count of instructions does not grow until it is done. */
  | { readonly op: 'again' }
  | PlainStep;

/** Steps of plain cases (meaning/plain.ts), which are functions of their own. */
export type PlainStep =
  /** Where in the shared memory the bytes are at a linear address (64 bits), or 0 when the fast TLB does not say so. */
  | { readonly op: 'lookup'; readonly to: Value; readonly address: Value; readonly bytes: number; readonly access: 'read' | 'write'; readonly space: number; readonly part: number }
  | { readonly op: 'call'; readonly to: Value; readonly function: number; readonly args: readonly Value[] }
  | { readonly op: 'return'; readonly value: Value }
  /** A value that may be given another. */
  | { readonly op: 'variable'; readonly to: Value; readonly from: Value }
  | { readonly op: 'assign'; readonly to: Value; readonly from: Value };

export class Value {
  constructor(readonly meaning: Meaning, readonly id: number, readonly bits: Bits) {}

  private binary(kind: Binary, other: Value | bigint | number, bits: Bits = this.bits): Value {
    return this.meaning.binary(kind, this, typeof other === 'object' ? other : this.meaning.constant(other, this.bits), bits);
  }
  private unary(kind: Unary, bits: Bits = this.bits): Value { return this.meaning.unary(kind, this, bits); }

  add(b: Value | bigint | number): Value { return this.binary('add', b); }
  sub(b: Value | bigint | number): Value { return this.binary('sub', b); }
  mul(b: Value | bigint | number): Value { return this.binary('mul', b); }
  and(b: Value | bigint | number): Value { return this.binary('and', b); }
  or(b: Value | bigint | number): Value { return this.binary('or', b); }
  xor(b: Value | bigint | number): Value { return this.binary('xor', b); }
  /** Shifts: the count must be smaller than `bits`, of the same width. */
  shl(b: Value | bigint | number): Value { return this.binary('shl', b); }
  shr(b: Value | bigint | number): Value { return this.binary('shr', b); }
  sar(b: Value | bigint | number): Value { return this.binary('sar', b); }
  /** Rotations exist for 32 and 64 bits. */
  rotl(b: Value | bigint | number): Value { return this.binary('rotl', b); }
  rotr(b: Value | bigint | number): Value { return this.binary('rotr', b); }
  eq(b: Value | bigint | number): Value { return this.binary('eq', b, 1); }
  ne(b: Value | bigint | number): Value { return this.binary('ne', b, 1); }
  ult(b: Value | bigint | number): Value { return this.binary('ult', b, 1); }
  ule(b: Value | bigint | number): Value { return this.binary('ule', b, 1); }
  slt(b: Value | bigint | number): Value { return this.binary('slt', b, 1); }
  sle(b: Value | bigint | number): Value { return this.binary('sle', b, 1); }
  /** High half of the product of two 64-bit values. */
  mulhu(b: Value): Value { return this.binary('mulhu', b); }
  mulhs(b: Value): Value { return this.binary('mulhs', b); }
  /** Division of 32- and 64-bit values; the divisor is not zero and the quotient fits. */
  udiv(b: Value): Value { return this.binary('udiv', b); }
  urem(b: Value): Value { return this.binary('urem', b); }
  sdiv(b: Value): Value { return this.binary('sdiv', b); }
  srem(b: Value): Value { return this.binary('srem', b); }

  get not(): Value { return this.unary('not'); }
  get neg(): Value { return this.unary('neg'); }
  get isZero(): Value { return this.unary('eqz', 1); }
  get popcnt(): Value { return this.unary('popcnt'); }
  /** Count of leading or trailing zeros of 32- and 64-bit values. */
  get clz(): Value { return this.unary('clz'); }
  get ctz(): Value { return this.unary('ctz'); }
  get bswap(): Value { return this.unary('bswap'); }
  zeroExtend(bits: Bits): Value { return bits === this.bits ? this : this.unary('zext', bits); }
  signExtend(bits: Bits): Value { return bits === this.bits ? this : this.unary('sext', bits); }
  truncate(bits: Bits): Value { return bits === this.bits ? this : this.unary('trunc', bits); }
  /** The most significant bit, as one bit. */
  get msb(): Value { return this.slt(0); }
  bit(n: number): Value { return this.shr(n).and(1).truncate(1); }
  select(a: Value, b: Value): Value { return this.meaning.select(this, a, b); }
}

/** A place in memory, found and checked once. */
export class Reference {
  constructor(
    readonly id: number,
    /** Linear address, or offset in `segment` when that is not flat. */
    readonly address: Value,
    readonly bits: Bits,
    readonly access: 'read' | 'write' | 'read and write',
    readonly options: ReferenceOptions,
  ) {}
}

export interface ReferenceOptions {
  /** Segment register (byte offset of it in the state) whose base is added and limit checked; none: flat. */
  readonly segment?: Value;
  /** Base only: FS and GS in 64-bit mode. */
  readonly baseOnly?: boolean;
  /** Whether a non-canonical address raises #SS instead of #GP. */
  readonly stack?: boolean;
  /** Sixteen-byte alignment is demanded: #GP(0) otherwise. */
  readonly aligned?: boolean;
  /** Alignment is not checked, whatever RFLAGS.AC says. */
  readonly unaligned?: boolean;
  /** Access made with supervisor rights whatever the CPL (descriptor tables, TSS). */
  readonly implicitSupervisor?: boolean;
}

export class Meaning {
  steps: Step[] = [];
  private nextId = 0;

  value(bits: Bits): Value { return new Value(this, this.nextId++, bits); }

  constant(value: bigint | number, bits: Bits): Value {
    const to = this.value(bits);
    this.steps.push({ op: 'constant', to, source: { from: 'constant', value: BigInt.asUintN(bits, BigInt(value)) } });
    return to;
  }
  record(field: RecordField, bits: Bits): Value {
    const to = this.value(bits);
    this.steps.push({ op: 'constant', to, source: { from: 'record', field } });
    return to;
  }
  unary(kind: Unary, a: Value, bits: Bits): Value {
    const to = this.value(bits);
    this.steps.push({ op: 'unary', kind, to, a });
    return to;
  }
  binary(kind: Binary, a: Value, b: Value, bits: Bits): Value {
    if (a.bits !== b.bits) throw new Error(`${kind} of ${a.bits} and ${b.bits} bits`);
    const to = this.value(bits);
    this.steps.push({ op: 'binary', kind, to, a, b });
    return to;
  }
  select(condition: Value, a: Value, b: Value): Value {
    if (a.bits !== b.bits) throw new Error(`select between ${a.bits} and ${b.bits} bits`);
    const to = this.value(a.bits);
    this.steps.push({ op: 'select', to, condition, a, b });
    return to;
  }
  wasm(name: string, bits: Bits, of: readonly Value[], lane?: number | readonly number[]): Value {
    const to = this.value(bits);
    this.steps.push({ op: 'wasm', name, to, of, ...(lane === undefined ? {} : { lane }) });
    return to;
  }
  get(at: number | Value, bits: Bits, plus = 0): Value {
    const to = this.value(bits);
    this.steps.push({ op: 'get', to, at, plus });
    return to;
  }
  set(at: number | Value, from: Value, plus = 0): void { this.steps.push({ op: 'set', at, plus, from, bits: from.bits }); }
  condition(condition: Condition): Value {
    const to = this.value(1);
    this.steps.push({ op: 'condition', to, condition });
    return to;
  }
  status(): Value {
    const to = this.value(32);
    this.steps.push({ op: 'status', to });
    return to;
  }
  flags(rule: FlagRule, bits: Bits, a: Value, result: Value, carry?: Value): void {
    this.steps.push({ op: 'flags', rule, bits, a, result, ...(carry ? { carry } : {}) });
  }
  reference(address: Value, bits: Bits, access: Reference['access'], options: ReferenceOptions = {}): Reference {
    const to = new Reference(this.nextId++, address, bits, access, options);
    this.steps.push({ op: 'reference', to });
    return to;
  }
  load(reference: Reference, half: 0 | 1 = 0): Value {
    const to = this.value(reference.bits === 256 ? 128 : reference.bits);
    this.steps.push({ op: 'load', to, reference, half });
    return to;
  }
  store(reference: Reference, from: Value, upper?: Value): void { this.steps.push({ op: 'store', reference, from, upper }); }
  /** Steps recorded by `then` and `otherwise` run under the condition; values made inside are not seen outside. */
  when(condition: Value, then: () => void, otherwise?: () => void): void {
    const outer = this.steps;
    const inner = (body: (() => void) | undefined) => {
      this.steps = [];
      body?.();
      return this.steps;
    };
    const thenSteps = inner(then), otherwiseSteps = inner(otherwise);
    this.steps = outer;
    this.steps.push({ op: 'if', condition, then: thenSteps, otherwise: otherwiseSteps });
  }
  compute(name: string, args: readonly Value[], results: readonly Bits[]): Value[] {
    const values = results.map((bits) => this.value(bits));
    this.steps.push({ op: 'compute', name, args, results: values });
    return values;
  }
  perform(name: string, args: readonly Value[]): void { this.steps.push({ op: 'perform', name, args }); }
  jump(target: Value, link?: 'taken' | 'next'): void { this.steps.push({ op: 'jump', target, ...(link ? { link } : {}) }); }
  again(): void { this.steps.push({ op: 'again' }); }
}
