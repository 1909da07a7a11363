/**
 * Turns meanings into WebAssembly. Fields of the decoded instruction that are not known come from the record that the
 * handler is given: so the same function writes the interpreter's handlers and, with the fields known, compiled code.
 */
import { MAP, S, SEGMENT, FAST_TLB_ENTRIES, FAST_TLB_FOLD } from '../cpu/layout.js';
import { EMPTY, type FunctionBody, I32, I64, V128, type ValueType } from '../wasm/module.js';
import { emitCondition, type FlagSource } from './emit-condition.js';
import { emitFloat, isFloat } from './emit-float.js';
import { ruleNumber } from './flags.js';
import type { Bits, Condition, RecordField, Reference, Step, Value } from './meaning.js';
import { RECORD, RECORD_BYTES } from './record.js';

/** Function indices of what a handler calls: the core module's and TypeScript's. */
export interface Imports {
  slowReference: number; slowStore: number; compute: number; perform: number;
  transfer: number; onward: number; unlinked: number; outOfBudget: number; condition: number; status: number;
}
/** Numbers for the names of operations; the engine's table of them. */
export type OperationNumber = (name: string) => number;

export const ACCESS = { read: 0, write: 1, 'read and write': 2 } as const;
/** How a reference is described to TypeScript's slow path, in one number: bytes, access, then one bit each. */
export const INFO = { accessShift: 8, stack: 1 << 10, aligned: 1 << 11, implicitSupervisor: 1 << 12, baseOnly: 1 << 13, unaligned: 1 << 14 } as const;

const typeOf = (bits: Bits): ValueType => (bits === 128 ? V128 : bits === 64 ? I64 : I32);
const PARAMETER_RECORD = 0;
const BINARY: Readonly<Record<string, string>> = {
  add: 'add', sub: 'sub', mul: 'mul', and: 'and', or: 'or', xor: 'xor', shl: 'shl', shr: 'shr_u', sar: 'shr_s', rotl: 'rotl', rotr: 'rotr',
  eq: 'eq', ne: 'ne', ult: 'lt_u', ule: 'le_u', slt: 'lt_s', sle: 'le_s', udiv: 'div_u', urem: 'rem_u', sdiv: 'div_s', srem: 'rem_s',
};
/** Operations on 8- and 16-bit values that look only at the low bits, and whose result's high bits are rubbish. */
const LOW_BITS_ONLY = new Set(['add', 'sub', 'mul', 'shl', 'and', 'or', 'xor']);
const SIGNED = new Set(['sar', 'slt', 'sle', 'sdiv', 'srem']);

export class Emitter {
  protected readonly locals = new Map<number, number>();
  /** 8- and 16-bit values live in an i32; here are those whose upper bits are known to be zero. */
  protected readonly clean = new Set<number>();
  protected readonly constants = new Map<number, bigint>();
  protected readonly hosts = new Map<number, { host: number; address: number }>();

  constructor(protected readonly f: FunctionBody, protected readonly imports: Imports, private readonly operation: OperationNumber) {}

  /** What compiled code does otherwise (meaning/emit-region.ts): it knows the record, and keeps state in locals. */
  protected pushRecord(): void { this.f.get(PARAMETER_RECORD); }
  protected known(_field: RecordField): bigint | undefined { return undefined; }
  protected fresh(type: ValueType): number { return this.f.local(type); }
  /** Before somebody outside looks at the processor's state. */
  protected publish(): void { /* it is in memory already */ }
  /** After somebody outside may have changed it, or the code being run. */
  protected afterOperation(): void { /* nothing is kept elsewhere */ }
  protected afterSlowStore(): void { /* nothing is kept elsewhere */ }
  protected if(type: ValueType | typeof EMPTY = EMPTY): void { this.f.block('if', type); }
  protected endIf(): void { this.f.end(); }

  /** Writes the steps, then the way on to the next record. */
  handler(steps: readonly Step[]): void {
    this.steps(steps);
    const last = steps[steps.length - 1];
    if (last?.op === 'jump' || last?.op === 'perform') { this.f.op('unreachable'); return; }
    this.f.get(PARAMETER_RECORD).i32(RECORD_BYTES).op('i32.add');
  }

  protected steps(steps: readonly Step[]): void { for (const step of steps) this.step(step); }

  protected step(step: Step): void {
    const f = this.f;
    switch (step.op) {
      case 'constant':
        if (step.source.from === 'constant') this.constants.set(step.to.id, step.source.value);
        else {
          const known = this.known(step.source.field);
          if (known !== undefined) this.constants.set(step.to.id, BigInt.asUintN(step.to.bits, known));
          else { this.loadRecord(step.source.field, step.to); this.define(step.to, true); }
        }
        return;
      case 'unary': return this.unary(step);
      case 'binary': return this.binary(step);
      case 'select':
        this.push(step.a); this.push(step.b); this.pushCondition(step.condition);
        if (step.a.bits === 128) f.op('select').code.splice(-1, 1, 0x1c, 1, V128); else f.op('select');
        return this.define(step.to, this.isClean(step.a) && this.isClean(step.b));
      case 'wasm':
        if (isFloat(step.name)) emitFloat(f, step.name, step.of.map((v) => () => this.pushClean(v)));
        else {
          for (const v of step.of) this.pushClean(v);
          f.op(step.name).bytes(typeof step.lane === 'number' ? [step.lane] : step.lane ?? []);
        }
        return this.define(step.to, true);
      case 'get': this.pushState(this.place(step.at, step.plus), step.to.bits, step.plus); return this.define(step.to, true);
      case 'set': this.setState(this.place(step.at, step.plus), step.from, step.plus); return;
      case 'condition': this.pushFlagCondition(step.condition); return this.define(step.to, true);
      case 'status': this.publish(); f.call(this.imports.status); return this.define(step.to, true);
      case 'flags': return this.flags(step);
      case 'reference': return this.reference(step.to);
      case 'load':
        f.get(this.hosts.get(step.reference.id)!.host).memory(LOAD[step.to.bits]!, 16 * step.half);
        return this.define(step.to, true);
      case 'store': return this.store(step.reference, step.from, step.upper);
      case 'if':
        this.pushCondition(step.condition);
        this.if();
        this.steps(step.then);
        if (step.otherwise.length > 0) { f.else(); this.steps(step.otherwise); }
        this.endIf();
        return;
      case 'compute':
        this.arguments(step.args);
        this.publish();
        this.pushRecord();
        f.i32(this.operation(step.name)).call(this.imports.compute);
        this.leaveIfZero();
        this.afterOperation();
        step.results.forEach((r, i) => { f.i32(0).memory(LOAD[r.bits]!, S.args + 16 * i); this.define(r, true); });
        return;
      case 'perform':
        this.arguments(step.args);
        this.publish();
        this.pushRecord();
        f.i32(this.operation(step.name)).call(this.imports.perform);
        this.goOn();
        return;
      case 'jump': return this.jump(step);
      case 'again':
        this.publish();
        f.i32(0).i32(0).memory('i32.load', S.budget).i32(1).op('i32.sub').memory('i32.store', S.budget);
        f.i32(0).memory('i32.load', S.budget).i32(0).op('i32.lt_s').block('if');
        this.pushRecord();
        f.i32(0).call(this.imports.outOfBudget).op('return').end();
        this.pushRecord();
        f.op('return');
        return;
    }
  }

  /** The offset of a piece of state, or the value to which `plus` is still to be added. */
  private place(at: number | Value, plus: number): number | Value {
    const known = typeof at === 'number' ? at : this.constants.get(at.id);
    return known === undefined ? at : Number(known) + plus;
  }
  protected pushState(at: number | Value, bits: Bits, plus: number): void {
    this.pushAddress(at);
    this.f.memory(LOAD[bits]!, typeof at === 'number' ? at : plus);
  }
  protected setState(at: number | Value, from: Value, plus: number): void {
    this.pushAddress(at);
    this.push(from);
    this.f.memory(STORE[from.bits]!, typeof at === 'number' ? at : plus);
  }
  protected pushFlagCondition(condition: Condition): void { emitCondition(this.f, this.flagSource(), condition); }
  protected flagSource(): FlagSource {
    const f = this.f;
    return {
      rule: () => f.i32(0).memory('i32.load', S.flagRule), a: () => f.i32(0).memory('i64.load', S.flagA), result: () => f.i32(0).memory('i64.load', S.flagResult),
      known: undefined, general: (number) => f.i32(number).call(this.imports.condition), local: (type) => this.fresh(type),
    };
  }

  private loadRecord(field: keyof typeof RECORD, to: Value): void {
    const { offset, bits } = RECORD[field];
    if (bits < to.bits) {
      this.f.get(PARAMETER_RECORD).memory(to.bits === 64 ? `i64.load${bits}_u` : `i32.load${bits}_u`, offset);
    } else this.f.get(PARAMETER_RECORD).memory(LOAD[to.bits]!, offset);
  }

  private define(value: Value, clean: boolean): void {
    const local = this.fresh(typeOf(value.bits));
    this.locals.set(value.id, local);
    if (clean || value.bits >= 32) this.clean.add(value.id);
    this.f.set(local);
  }
  private isClean(v: Value): boolean { return v.bits >= 32 || this.clean.has(v.id) || this.constants.has(v.id); }

  /** The value, whose bits above its width may be rubbish. */
  protected push(v: Value): void {
    const constant = this.constants.get(v.id);
    if (constant !== undefined) {
      if (v.bits === 128) {
        this.f.op('v128.const').bytes(Array.from({ length: 16 }, (_, i) => Number((constant >> BigInt(8 * i)) & 0xffn)));
      } else if (v.bits === 64) this.f.i64(constant); else this.f.i32(Number(constant) | 0);
      return;
    }
    const local = this.locals.get(v.id);
    if (local === undefined) throw new Error(`value ${v.id} is used before it is made, or outside the branch that makes it`);
    this.f.get(local);
  }
  protected pushClean(v: Value): void {
    this.push(v);
    if (!this.isClean(v)) this.f.i32((1 << v.bits) - 1).op('i32.and');
  }
  private pushSigned(v: Value): void {
    this.push(v);
    if (v.bits === 8) this.f.op('i32.extend8_s');
    else if (v.bits === 16) this.f.op('i32.extend16_s');
  }
  protected pushSigned64(v: Value): void {
    this.push(v);
    if (v.bits === 64) return;
    this.f.op('i64.extend_i32_u').op(v.bits === 8 ? 'i64.extend8_s' : v.bits === 16 ? 'i64.extend16_s' : 'i64.extend32_s');
  }
  private pushCondition(v: Value): void { this.pushClean(v); if (v.bits === 64) this.f.i64(0n).op('i64.ne'); }
  private pushAddress(at: number | Value): void { if (typeof at === 'number') this.f.i32(0); else this.push(at); }

  private unary(step: Extract<Step, { op: 'unary' }>): void {
    const { kind, a, to } = step, f = this.f, t = a.bits === 64 ? 'i64' : 'i32';
    switch (kind) {
      case 'not': this.push(a); if (t === 'i64') f.i64(-1n); else f.i32(a.bits === 1 ? 1 : -1); f.op(`${t}.xor`); return this.define(to, a.bits === 1 && this.isClean(a));
      case 'neg': if (t === 'i64') f.i64(0n); else f.i32(0); this.push(a); f.op(`${t}.sub`); return this.define(to, false);
      case 'eqz': this.pushClean(a); f.op(`${t}.eqz`); return this.define(to, true);
      case 'popcnt': case 'clz': case 'ctz': this.pushClean(a); f.op(`${t}.${kind}`); return this.define(to, true);
      case 'zext':
        this.pushClean(a);
        if (to.bits === 64 && a.bits < 64) f.op('i64.extend_i32_u');
        if (to.bits === 128) { if (a.bits < 64) f.op('i64.extend_i32_u'); f.op('i64x2.splat').i64(0n).lane('i64x2.replace_lane', 1); }
        return this.define(to, true);
      case 'sext':
        if (a.bits === 1) { f.i32(0); this.pushClean(a); f.op('i32.sub'); if (to.bits === 64) f.op('i64.extend_i32_s'); return this.define(to, false); }
        this.pushSigned(a);
        if (to.bits === 64) f.op('i64.extend_i32_s');
        return this.define(to, false);
      case 'trunc':
        if (a.bits === 128) { this.push(a); f.lane('i64x2.extract_lane', 0); if (to.bits < 64) f.op('i32.wrap_i64'); return this.define(to, false); }
        this.push(a);
        if (a.bits === 64) f.op('i32.wrap_i64');
        if (to.bits === 1) { f.i32(1).op('i32.and'); return this.define(to, true); }
        return this.define(to, false);
      case 'bswap': return this.byteSwap(a, to);
    }
  }

  private byteSwap(a: Value, to: Value): void {
    const f = this.f;
    const swap32 = (local: number) => f.get(local).i32(8).op('i32.rotl').i32(0x00ff00ff).op('i32.and').get(local).i32(8).op('i32.rotr').i32(0xff00ff00).op('i32.and').op('i32.or');
    const low = this.fresh(I32);
    if (a.bits === 32) { this.push(a); f.set(low); swap32(low); return this.define(to, true); }
    if (a.bits !== 64) throw new Error('bswap is of 32 or 64 bits');
    const high = this.fresh(I32);
    this.push(a); f.op('i32.wrap_i64').set(low);
    this.push(a); f.i64(32n).op('i64.shr_u').op('i32.wrap_i64').set(high);
    swap32(low).op('i64.extend_i32_u').i64(32n).op('i64.shl');
    swap32(high).op('i64.extend_i32_u').op('i64.or');
    this.define(to, true);
  }

  private binary(step: Extract<Step, { op: 'binary' }>): void {
    const { kind, a, b, to } = step, f = this.f, t = a.bits === 64 ? 'i64' : 'i32';
    if (kind === 'mulhu' || kind === 'mulhs') return this.highProduct(a, b, to, kind === 'mulhs');
    const low = LOW_BITS_ONLY.has(kind);
    if (low) this.push(a); else if (SIGNED.has(kind)) this.pushSigned(a); else this.pushClean(a);
    if (kind === 'shl' || kind === 'shr' || kind === 'sar') this.pushClean(b);
    else if (low) this.push(b); else if (SIGNED.has(kind)) this.pushSigned(b); else this.pushClean(b);
    f.op(`${t}.${BINARY[kind]!}`);
    const clean = to.bits === 1 ? a.bits > 1 || this.isClean(a) && this.isClean(b)
      : kind === 'and' ? this.isClean(a) || this.isClean(b)
      : kind === 'or' || kind === 'xor' ? this.isClean(a) && this.isClean(b)
      : kind === 'shr' || kind === 'udiv' || kind === 'urem';
    this.define(to, clean);
  }

  /** High 64 bits of a 64×64-bit product, from four 32-bit ones. */
  private highProduct(a: Value, b: Value, to: Value, signed: boolean): void {
    const f = this.f, al = this.fresh(I64), ah = this.fresh(I64), bl = this.fresh(I64), bh = this.fresh(I64), middle = this.fresh(I64);
    const split = (v: Value, l: number, h: number) => { this.push(v); f.i64(0xffffffffn).op('i64.and').set(l); this.push(v); f.i64(32n).op('i64.shr_u').set(h); };
    split(a, al, ah); split(b, bl, bh);
    f.get(al).get(bl).op('i64.mul').i64(32n).op('i64.shr_u').get(ah).get(bl).op('i64.mul').op('i64.add').set(middle);
    f.get(ah).get(bh).op('i64.mul').get(middle).i64(32n).op('i64.shr_u').op('i64.add');
    f.get(al).get(bh).op('i64.mul').get(middle).i64(0xffffffffn).op('i64.and').op('i64.add').i64(32n).op('i64.shr_u').op('i64.add');
    if (signed) {
      this.push(a); f.i64(63n).op('i64.shr_s'); this.push(b); f.op('i64.and').op('i64.sub');
      this.push(b); f.i64(63n).op('i64.shr_s'); this.push(a); f.op('i64.and').op('i64.sub');
    }
    this.define(to, true);
  }

  protected flags({ rule, bits, a, result, carry }: Extract<Step, { op: 'flags' }>): void {
    const f = this.f;
    f.i32(0).i32(carry ? ruleNumber(rule === 'addition with carry' ? 'addition' : 'subtraction', bits) : ruleNumber(rule, bits));
    if (carry) { this.pushClean(carry); f.i32(2).op('i32.shl').op('i32.add'); }
    f.memory('i32.store', S.flagRule).i32(0);
    if (rule === 'explicit' || rule === 'status') { this.pushClean(a); f.op('i64.extend_i32_u'); } else this.pushSigned64(a);
    f.memory('i64.store', S.flagA);
    if (rule === 'explicit') return;
    f.i32(0);
    this.pushSigned64(result);
    f.memory('i64.store', S.flagResult);
  }

  private arguments(args: readonly Value[]): void {
    args.forEach((v, i) => {
      this.f.i32(0);
      this.pushClean(v);
      if (v.bits < 64) this.f.op('i64.extend_i32_u');
      this.f.memory(v.bits === 128 ? 'v128.store' : 'i64.store', S.args + 16 * i);
    });
  }
  private leaveIfZero(): void {
    this.f.op('i32.eqz').block('if');
    this.goOn();
    this.f.end();
  }
  /** TypeScript has ended the instruction: to the block that comes next, if it says so. */
  private goOn(): void {
    this.f.i32(0).memory('i32.load', S.resume).block('if').call(this.imports.onward).op('return').end().i32(0).op('return');
  }

  private info(r: Reference): number {
    const o = r.options;
    return (r.bits >> 3) | (ACCESS[r.access] << INFO.accessShift) | (o.stack ? INFO.stack : 0) | (o.aligned ? INFO.aligned : 0)
      | (o.implicitSupervisor ? INFO.implicitSupervisor : 0) | (o.baseOnly ? INFO.baseOnly : 0) | (o.unaligned ? INFO.unaligned : 0);
  }
  private pushSegment(r: Reference): void { if (r.options.segment) this.push(r.options.segment); else this.f.i32(0); }

  /** Finds where in the shared memory the bytes are: by the fast TLB, else by TypeScript (which may abandon the instruction). */
  private reference(r: Reference): void {
    const f = this.f, bytes = r.bits >> 3, o = r.options;
    const address = this.fresh(I64), linear = o.segment ? this.fresh(I64) : address, low = this.fresh(I32), entry = this.fresh(I32), host = this.fresh(I32);
    this.hosts.set(r.id, { host, address });
    this.push(r.address);
    f.set(address);
    if (o.segment) {
      this.push(o.segment);
      f.memory('i64.load', SEGMENT.base).get(address).op('i64.add');
      if (!o.baseOnly) f.i64(0xffffffffn).op('i64.and');
      f.set(linear);
    }
    const table = r.access === 'read' ? MAP.tlbRead : MAP.tlbWrite;
    f.get(linear).op('i32.wrap_i64').tee(low);
    f.i32(12).op('i32.shr_u').get(low).i32(FAST_TLB_FOLD).op('i32.shr_u').op('i32.xor').i32(FAST_TLB_ENTRIES - 1).op('i32.and').i32(4).op('i32.shl').i32(0).memory('i32.load', S.tlbPart).op('i32.add').tee(entry);
    f.memory('i64.load', table);
    f.get(linear);
    if (bytes > 1) f.i64(BigInt(bytes - 1)).op('i64.add');
    f.i64(-4096n).op('i64.and').i32(0).memory('i64.load', S.spaceTag).op('i64.or').op('i64.ne');
    if (o.segment && !o.baseOnly) {
      f.get(address).i64(BigInt(bytes - 1)).op('i64.add');
      this.push(o.segment);
      f.memory('i64.load', r.access === 'read' ? SEGMENT.readLimit : SEGMENT.writeLimit).op('i64.gt_s').op('i32.or');
    }
    if (o.aligned) f.get(low).i32(bytes - 1).op('i32.and').op('i32.or');
    if (o.implicitSupervisor) f.i32(1).op('i32.or');
    this.if(I32);
    this.publish();
    f.i32(0).get(address).memory('i64.store', S.args + 7 * 16);
    this.pushRecord();
    f.i32(this.info(r));
    this.pushSegment(r);
    f.call(this.imports.slowReference).tee(host);
    this.leaveIfZero();
    f.get(host).else().get(low).get(entry).memory('i32.load', table + 8).op('i32.add');
    this.endIf();
    f.set(host);
  }

  private store(r: Reference, from: Value, upper: Value | undefined): void {
    const f = this.f, { host, address } = this.hosts.get(r.id)!;
    f.get(host);
    this.push(from);
    f.memory(STORE[upper ? from.bits : r.bits]!, 0);
    if (upper) { f.get(host); this.push(upper); f.memory(STORE[upper.bits]!, 16); }
    f.get(host).i32(S.bounce).op('i32.eq');
    this.if();
    this.publish();
    f.i32(0).get(address).memory('i64.store', S.args + 7 * 16);
    this.pushRecord();
    f.i32(this.info(r));
    this.pushSegment(r);
    f.call(this.imports.slowStore);
    this.leaveIfZero();
    this.afterSlowStore();
    this.endIf();
  }

  /** The target is a linear address. A linked record is in the same page under the same mode, so only the budget is asked. */
  protected jump({ target, link }: Extract<Step, { op: 'jump' }>): void {
    const f = this.f, next = this.fresh(I32), budget = this.fresh(I32);
    if (link) {
      this.pushRecord();
      f.memory('i32.load', RECORD[link].offset).tee(next).op('i32.eqz').block('if');
      this.pushRecord();
      f.i32(RECORD[link].offset);
      this.push(target);
      f.call(this.imports.unlinked).set(next).end();
    } else {
      this.pushRecord();
      this.push(target);
      f.call(this.imports.transfer).set(next);
    }
    f.get(next).op('i32.eqz').block('if').i32(0).op('return').end();
    f.i32(0).memory('i32.load', S.budget).get(next).memory('i32.load', RECORD.remaining.offset).op('i32.sub').tee(budget);
    f.i32(0).op('i32.lt_s').block('if');
    this.pushRecord();
    f.get(next).call(this.imports.outOfBudget).op('return').end();
    f.i32(0).get(budget).memory('i32.store', S.budget).get(next).op('return');
  }
}

export const LOAD: Readonly<Record<number, string>> = { 1: 'i32.load8_u', 8: 'i32.load8_u', 16: 'i32.load16_u', 32: 'i32.load', 64: 'i64.load', 128: 'v128.load' };
export const STORE: Readonly<Record<number, string>> = { 1: 'i32.store8', 8: 'i32.store8', 16: 'i32.store16', 32: 'i32.store', 64: 'i64.store', 128: 'v128.store' };
