/**
 * Plain cases: what happens a million times a second without any complication, in the language of instructions, made into WebAssembly functions. TypeScript
 * defines the thing in full; where a case turns out not to be plain, nothing has been changed, the function returns 0, and TypeScript has its turn.
 */
import { FAST_TLB_ENTRIES, FAST_TLB_FOLD, MAP, S, SPACE } from '../cpu/layout.js';
import { FunctionBody, I32, I64, type ValueType } from '../wasm/module.js';
import { Emitter, type Imports } from './emit.js';
import type { Value } from './meaning.js';
import { type Bits, Meaning, type Step } from './meaning.js';

/** In whose place an access is made: at the present CPL, or at that of the supervisor or of the user. */
export type Who = 'present' | 'supervisor' | 'user';
const SPACES: Readonly<Record<Who, { readonly space: number; readonly part: number }>> = {
  present: { space: S.spaceTag, part: S.tlbPart },
  supervisor: { space: S.supervisorSpace + SPACE.tag, part: S.supervisorSpace + SPACE.part },
  user: { space: S.userSpace + SPACE.tag, part: S.userSpace + SPACE.part },
};

export class Plain extends Meaning {
  word(at: number | Value, plus = 0): Value { return this.get(at, 32, plus); }
  quad(at: number | Value, plus = 0): Value { return this.get(at, 64, plus); }
  put(at: number, value: Value | number): void { this.set(at, typeof value === 'number' ? this.constant(value, 32) : value); }
  put64(at: number, value: Value | bigint): void { this.set(at, typeof value === 'bigint' ? this.constant(value, 64) : value); }

  /** Otherwise the case is not plain. Everything is demanded before anything is changed. */
  demand(condition: Value): void { this.when(condition.isZero, () => { this.return(0); }); }
  /** The place of bytes in the shared memory: plain are those that the fast TLB knows. */
  lookup(address: Value, bytes: number, access: 'read' | 'write', who: Who): Value {
    const to = this.value(32);
    this.steps.push({ op: 'lookup', to, address, bytes, access, ...SPACES[who] });
    this.demand(to.ne(0));
    return to;
  }
  call(fn: number, args: readonly Value[] = []): Value {
    const to = this.value(32);
    this.steps.push({ op: 'call', to, function: fn, args });
    return to;
  }
  variable(first: Value): Value {
    const to = this.value(first.bits);
    this.steps.push({ op: 'variable', to, from: first });
    return to;
  }
  assign(to: Value, from: Value): void { this.steps.push({ op: 'assign', to, from }); }
  return(value: Value | number): void { this.steps.push({ op: 'return', value: typeof value === 'number' ? this.constant(value, 32) : value }); }
}

class PlainEmitter extends Emitter {
  all(steps: readonly Step[]): void { this.steps(steps); }
  bind(value: Value, local: number): void {
    this.locals.set(value.id, local);
    this.clean.add(value.id);
  }
  protected override step(step: Step): void {
    const { f } = this;
    switch (step.op) {
      case 'lookup': return this.lookup(step);
      case 'call':
        for (const v of step.args) this.pushClean(v);
        f.call(step.function).set(this.own(step.to));
        return;
      case 'variable': case 'assign':
        this.pushClean(step.from);
        f.set(step.op === 'variable' ? this.own(step.to) : this.locals.get(step.to.id)!);
        return;
      case 'return':
        this.pushClean(step.value);
        f.op('return');
        return;
      default: super.step(step);
    }
  }
  private own(value: Value): number {
    const local = this.fresh(value.bits === 64 ? I64 : I32);
    this.bind(value, local);
    return local;
  }
  private lookup({ to, address, bytes, access, space, part }: Extract<Step, { op: 'lookup' }>): void {
    const { f } = this, low = this.fresh(I32), entry = this.fresh(I32), table = access === 'read' ? MAP.tlbRead : MAP.tlbWrite;
    this.push(address);
    f.op('i32.wrap_i64').tee(low).i32(12).op('i32.shr_u').get(low).i32(FAST_TLB_FOLD).op('i32.shr_u').op('i32.xor').i32(FAST_TLB_ENTRIES - 1).op('i32.and').i32(4).op('i32.shl');
    f.i32(0).memory('i32.load', part).op('i32.add').set(entry);
    f.get(low).get(entry).memory('i32.load', table + 8).op('i32.add').i32(0);
    f.get(entry).memory('i64.load', table);
    this.push(address);
    f.i64(BigInt(bytes - 1)).op('i64.add').i64(-4096n).op('i64.and').i32(0).memory('i64.load', space).op('i64.or').op('i64.eq').op('select').set(this.own(to));
  }
}

const typeOf = (bits: Bits): ValueType => (bits === 64 ? I64 : I32);

/** A function with those parameters that returns 32 bits: `body` records what it does, and ends every way by `return`. `status`: the function of the status flags. */
export function plainFunction(parameters: readonly Bits[], status: number, body: (m: Plain, ...parameters: Value[]) => void): FunctionBody {
  const f = new FunctionBody(parameters.map(typeOf), [I32]), m = new Plain(), emitter = new PlainEmitter(f, { status } as Imports, () => { throw new Error('a plain case performs nothing'); });
  const values = parameters.map((bits) => m.value(bits));
  values.forEach((value, n) => { emitter.bind(value, n); });
  body(m, ...values);
  emitter.all(m.steps);
  f.op('unreachable');
  return f;
}
