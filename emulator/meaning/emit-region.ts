/**
 * Compiled code: many blocks of one page in one function, from the same meanings as the interpreter's handlers, with the
 * record's fields known. General registers and the lazy flags live in locals; they are published before anybody outside
 * looks, which is on the slow paths and at the ways out.
 */
import { GENERAL_NAMES, S } from '../cpu/layout.js';
import { EMPTY, type FunctionBody, I32, I64, type ValueType, unsignedLeb } from '../wasm/module.js';
import { emitCondition, type FlagSource } from './emit-condition.js';
import { Emitter, type Imports, LOAD, type OperationNumber, STORE } from './emit.js';
import { ruleNumber } from './flags.js';
import type { Bits, Condition, RecordField, Step, Value } from './meaning.js';
import { RECORD, RECORD_BYTES } from './record.js';

export interface RegionInstruction {
  readonly record: number;
  readonly steps: readonly Step[];
}
export interface RegionBlock {
  /** Its first record, and how many instructions it counts. */
  readonly record: number;
  readonly count: number;
  /** The last may be the way to the next block, which is no instruction. */
  readonly instructions: readonly RegionInstruction[];
  /** Blocks of this region that its last record leads to, by index. */
  readonly taken: number | undefined;
  readonly next: number | undefined;
}

const GPR_END = S.gpr + 16 * 8;
const gprOf = (at: number): number | undefined => (at >= S.gpr && at < GPR_END ? (at - S.gpr) >> 3 : undefined);

export class RegionEmitter extends Emitter {
  private readonly pools = new Map<ValueType, { locals: number[]; used: number }>();
  private readonly gpr = new Map<number, number>();
  private readonly written = new Set<number>();
  private flagsWritten = false;
  private readonly rule: number; private readonly flagA: number; private readonly flagResult: number;
  private readonly codePage: number; private readonly budget: number; private readonly index: number;
  private readonly stamp: number; private readonly stale: number;
  private record = 0;
  private block: RegionBlock | undefined;
  /** Open constructs between here and the loop, and where the present block began. */
  private depth = 0;
  private depthOfBlock = 0;
  private blocks: readonly RegionBlock[] = [];
  /** Rule of the flags where the code before has settled it. */
  private knownRule: number | undefined;
  private mayBeStale = false;
  /** Where the code of each record begins. */
  readonly marks: { readonly record: number; readonly at: number }[] = [];

  constructor(f: FunctionBody, imports: Imports, operation: OperationNumber, private readonly view: DataView, private readonly slot: number) {
    super(f, imports, operation);
    this.rule = f.local(I32); this.flagA = f.local(I64); this.flagResult = f.local(I64);
    this.codePage = f.local(I64); this.budget = f.local(I32); this.index = f.local(I32);
    this.stamp = f.local(I32); this.stale = f.local(I32);
  }

  /** Writes the whole function: (record) → next record. */
  region(blocks: readonly RegionBlock[]): void {
    const f = this.f;
    this.blocks = blocks;
    for (const b of blocks) for (const i of b.instructions) { this.record = i.record; this.scan(i.steps, new Map()); }
    for (const [n, local] of this.gpr) f.i32(0).memory('i64.load', S.gpr + 8 * n).set(local);
    f.i32(0).memory('i32.load', S.flagRule).set(this.rule).i32(0).memory('i64.load', S.flagA).set(this.flagA).i32(0).memory('i64.load', S.flagResult).set(this.flagResult);
    f.i32(0).memory('i64.load', S.codePage).set(this.codePage).i32(0).memory('i32.load', S.budget).set(this.budget);
    f.i32(0).memory('i32.load', S.regionStamp).set(this.stamp);
    f.get(0).memory('i32.load16_u', RECORD.regionIndex.offset).set(this.index);
    f.block('loop');
    for (let i = 0; i < blocks.length; i++) f.block('block');
    f.get(this.index).op('br_table').bytes(unsignedLeb(blocks.length - 1));
    for (let i = 0; i < blocks.length; i++) f.bytes(unsignedLeb(i));
    blocks.forEach((b, i) => {
      f.end();
      this.depth = this.depthOfBlock = blocks.length - 1 - i;
      this.oneBlock(b);
    });
    f.op('unreachable').end().op('unreachable');
  }

  /** What a local holds throughout the function, for those who read it. */
  nameOf(local: number): string | undefined {
    for (const [n, at] of this.gpr) if (at === local) return GENERAL_NAMES[n];
    const { rule, flagA, flagResult, codePage, budget, index, stamp, stale } = this;
    return Object.entries({ record: 0, rule, flagA, flagResult, codePage, budget, index, stamp, stale }).find(([, at]) => at === local)?.[0];
  }

  /** Which registers are used, and which written; the flags likewise. */
  private scan(steps: readonly Step[], known: Map<number, number>): void {
    const place = ({ at, plus }: { at: number | Value; plus: number }): number | undefined => {
      const first = typeof at === 'number' ? at : known.get(at.id);
      return first === undefined ? undefined : first + plus;
    };
    const use = (at: number | undefined, writes: boolean) => {
      const n = at === undefined ? undefined : gprOf(at);
      if (n === undefined) return;
      if (!this.gpr.has(n)) this.gpr.set(n, this.f.local(I64));
      if (writes) this.written.add(n);
    };
    for (const step of steps) {
      if (step.op === 'constant') {
        const value = step.source.from === 'constant' ? step.source.value : this.known(step.source.field);
        if (value !== undefined) known.set(step.to.id, Number(value));
      } else if (step.op === 'get') use(place(step), false);
      else if (step.op === 'set') use(place(step), true);
      else if (step.op === 'flags') this.flagsWritten = true;
      else if (step.op === 'if') { this.scan(step.then, known); this.scan(step.otherwise, known); }
    }
  }

  private oneBlock(b: RegionBlock): void {
    this.block = b;
    this.knownRule = undefined;
    for (const { record, steps } of b.instructions) {
      this.record = record;
      this.marks.push({ record, at: this.f.code.length });
      this.locals.clear(); this.clean.clear(); this.constants.clear(); this.hosts.clear();
      for (const pool of this.pools.values()) pool.used = 0;
      this.mayBeStale = false;
      this.steps(steps);
      if (this.mayBeStale) {
        // The code that follows may not be what it was: the interpreter goes on.
        this.f.get(this.stale);
        this.if();
        this.publish();
        this.f.i32(record + RECORD_BYTES).op('return');
        this.endIf();
      }
    }
    this.f.op('unreachable');
  }

  protected override pushRecord(): void { this.f.i32(this.record); }
  protected override known(field: RecordField): bigint {
    const { offset, bits } = RECORD[field], at = this.record + offset;
    return bits === 64 ? this.view.getBigUint64(at, true) : BigInt(bits === 32 ? this.view.getUint32(at, true) : this.view.getUint16(at, true));
  }
  protected override fresh(type: ValueType): number {
    let pool = this.pools.get(type);
    if (!pool) { pool = { locals: [], used: 0 }; this.pools.set(type, pool); }
    const n = pool.used++;
    return (pool.locals[n] ??= this.f.local(type));
  }
  protected override if(type: ValueType | typeof EMPTY = EMPTY): void { super.if(type); this.depth++; }
  protected override endIf(): void { super.endIf(); this.depth--; }

  protected override publish(): void {
    const f = this.f;
    for (const n of this.written) f.i32(0).get(this.gpr.get(n)!).memory('i64.store', S.gpr + 8 * n);
    if (this.flagsWritten) {
      f.i32(0).get(this.rule).memory('i32.store', S.flagRule).i32(0).get(this.flagA).memory('i64.store', S.flagA);
      f.i32(0).get(this.flagResult).memory('i64.store', S.flagResult);
    }
    f.i32(0).get(this.budget).memory('i32.store', S.budget);
  }
  protected override afterSlowStore(): void {
    this.f.i32(0).memory('i32.load', S.regionStamp).get(this.stamp).op('i32.ne').set(this.stale);
    this.f.i32(0).memory('i32.load', S.budget).set(this.budget);
    this.mayBeStale = true;
  }
  protected override afterOperation(): void {
    const f = this.f;
    for (const [n, local] of this.gpr) f.i32(0).memory('i64.load', S.gpr + 8 * n).set(local);
    f.i32(0).memory('i32.load', S.flagRule).set(this.rule).i32(0).memory('i64.load', S.flagA).set(this.flagA).i32(0).memory('i64.load', S.flagResult).set(this.flagResult);
    this.knownRule = undefined;
    this.afterSlowStore();
  }

  protected override pushState(at: number | Value, bits: Bits, plus: number): void {
    const f = this.f;
    if (typeof at === 'number') {
      const n = gprOf(at), local = n === undefined ? undefined : this.gpr.get(n);
      if (local !== undefined) {
        f.get(local);
        if (bits === 64) return;
        if (at & 7) f.i64(BigInt(8 * (at & 7))).op('i64.shr_u');
        f.op('i32.wrap_i64');
        if (bits < 32) f.i32((1 << bits) - 1).op('i32.and');
        return;
      }
      if (at === S.codePage) { f.get(this.codePage); return; }
      f.i32(0).memory(LOAD[bits]!, at);
      return;
    }
    super.pushState(at, bits, plus);
  }
  protected override setState(at: number | Value, from: Value, plus: number): void {
    const f = this.f, n = typeof at === 'number' ? gprOf(at) : undefined;
    if (typeof at !== 'number' || n === undefined) {
      if (typeof at === 'number') { f.i32(0); this.push(from); f.memory(STORE[from.bits]!, at); } else super.setState(at, from, plus);
      return;
    }
    const local = this.gpr.get(n)!;
    if (from.bits === 64) { this.push(from); f.set(local); return; }
    const shift = BigInt(8 * (at & 7)), mask = ((1n << BigInt(from.bits)) - 1n) << shift;
    f.get(local).i64(~mask).op('i64.and');
    this.pushClean(from);
    f.op('i64.extend_i32_u');
    if (shift) f.i64(shift).op('i64.shl');
    f.op('i64.or').set(local);
  }

  protected override flags({ rule, bits, a, result, carry }: Extract<Step, { op: 'flags' }>): void {
    const f = this.f, plain = rule === 'explicit' || rule === 'status';
    const number = carry ? ruleNumber(rule === 'addition with carry' ? 'addition' : 'subtraction', bits) : ruleNumber(rule, bits);
    f.i32(number);
    if (carry) { this.pushClean(carry); f.i32(2).op('i32.shl').op('i32.add'); }
    f.set(this.rule);
    if (plain) { this.pushClean(a); f.op('i64.extend_i32_u'); } else this.pushSigned64(a);
    f.set(this.flagA);
    if (rule !== 'explicit') { this.pushSigned64(result); f.set(this.flagResult); }
    this.knownRule = carry || this.depth > this.depthOfBlock ? undefined : number;
  }
  protected override pushFlagCondition(condition: Condition): void { emitCondition(this.f, this.flagSource(), condition); }
  protected override flagSource(): FlagSource {
    const f = this.f;
    return {
      rule: () => f.get(this.rule), a: () => f.get(this.flagA), result: () => f.get(this.flagResult), known: this.knownRule, local: (type) => this.fresh(type),
      general: (number) => { this.publishFlags(); f.i32(number).call(this.imports.condition); },
    };
  }
  private publishFlags(): void {
    this.f.i32(0).get(this.rule).memory('i32.store', S.flagRule).i32(0).get(this.flagA).memory('i64.store', S.flagA);
    this.f.i32(0).get(this.flagResult).memory('i64.store', S.flagResult);
  }

  protected override jump(step: Extract<Step, { op: 'jump' }>): void {
    const f = this.f, target = step.link === 'taken' ? this.block!.taken : step.link === 'next' ? this.block!.next : undefined;
    if (target !== undefined) this.inside(target);
    if (step.link !== undefined) { this.publish(); super.jump(step); return; }
    // A dynamic target may lie in this region too: then nothing has to be published.
    const next = this.fresh(I32);
    this.pushRecord();
    this.push(step.target);
    f.call(this.imports.transfer).set(next);
    f.get(next).op('i32.eqz');
    this.if();
    this.publish();
    f.i32(0).op('return');
    this.endIf();
    f.get(next).memory('i32.load', RECORD.handler.offset).i32(this.slot).op('i32.eq');
    this.if();
    f.get(this.budget).get(next).memory('i32.load', RECORD.remaining.offset).op('i32.sub').i32(0).op('i32.ge_s');
    this.if();
    f.get(this.budget).get(next).memory('i32.load', RECORD.remaining.offset).op('i32.sub').set(this.budget);
    f.get(next).memory('i32.load16_u', RECORD.regionIndex.offset).set(this.index);
    f.i32(0).memory('i64.load', S.codePage).set(this.codePage);
    f.br(this.depth);
    this.endIf();
    this.endIf();
    this.publish();
    this.leaveFor(next);
  }
  /** To a block of this region, while the budget lasts and the code is what it was. */
  private inside(target: number): void {
    const f = this.f, { count } = this.blocks[target]!;
    f.get(this.budget).i32(count).op('i32.ge_s');
    if (this.mayBeStale) f.get(this.stale).op('i32.eqz').op('i32.and');
    this.if();
    f.get(this.budget).i32(count).op('i32.sub').set(this.budget).i32(target).set(this.index).br(this.depth);
    this.endIf();
  }
  private leaveFor(next: number): void {
    const f = this.f, budget = this.fresh(I32);
    f.get(this.budget).get(next).memory('i32.load', RECORD.remaining.offset).op('i32.sub').tee(budget).i32(0).op('i32.lt_s').block('if');
    this.pushRecord();
    f.get(next).call(this.imports.outOfBudget).op('return').end();
    f.i32(0).get(budget).memory('i32.store', S.budget).get(next).op('return');
  }
}
