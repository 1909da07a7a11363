/** Writes the test of a condition over the lazy flags: the usual rules inline, the rest by the core module. */
import { type FunctionBody, I32, type ValueType } from '../wasm/module.js';
import { CF, EXPLICIT, SF, STATUS, SUBTRACTION, ZF } from './flags.js';
import type { Condition } from './meaning.js';

export const CONDITIONS: readonly Condition[] = ['O', 'NO', 'B', 'AE', 'E', 'NE', 'BE', 'A', 'S', 'NS', 'P', 'NP', 'L', 'GE', 'LE', 'G'];

/** Where the three slots of the lazy flags are, and the number of the rule when the code before has settled it. */
export interface FlagSource {
  rule(): void;
  a(): void;
  result(): void;
  readonly known: number | undefined;
  /** Calls the core module for an even-numbered condition. */
  general(number: number): void;
  local(type: ValueType): number;
}

/** Leaves 0 or 1 on the stack. */
export function emitCondition(f: FunctionBody, flags: FlagSource, condition: Condition): void {
  const number = CONDITIONS.indexOf(condition), positive = CONDITIONS[number & ~1]!;
  if (flags.known === undefined) unknownRule(f, flags, positive, number & ~1);
  else knownRule(f, flags, positive, number & ~1, flags.known);
  if (number & 1) f.op('i32.eqz');
}

function bit(f: FunctionBody, flags: FlagSource, mask: number): void {
  flags.a();
  f.op('i32.wrap_i64').i32(mask).op('i32.and').i32(0).op('i32.ne');
}
const zero = (f: FunctionBody, flags: FlagSource): void => { flags.result(); f.op('i64.eqz'); };
const negative = (f: FunctionBody, flags: FlagSource): void => { flags.result(); f.i64(0n).op('i64.lt_s'); };

/** After a subtraction: CF = a <u result; SF ≠ OF = a <s b, with b recomputed in the operand's size. */
function below(f: FunctionBody, flags: FlagSource, orEqual: boolean): void {
  flags.a(); flags.result(); f.op('i64.lt_u');
  if (orEqual) { zero(f, flags); f.op('i32.or'); }
}
const EXTEND = ['i64.extend8_s', 'i64.extend16_s', 'i64.extend32_s'];
function less(f: FunctionBody, flags: FlagSource, orEqual: boolean, size: number): void {
  flags.a(); flags.a(); flags.result();
  f.op('i64.sub');
  if (size < 3) f.op(EXTEND[size]!);
  f.op(orEqual ? 'i64.le_s' : 'i64.lt_s');
}

function knownRule(f: FunctionBody, flags: FlagSource, positive: Condition, number: number, rule: number): void {
  const subtraction = rule >> 2 === SUBTRACTION >> 2;
  if (rule === EXPLICIT) {
    const mask = ({ E: ZF, S: SF, B: CF, BE: CF | ZF } as Partial<Record<Condition, number>>)[positive];
    if (mask !== undefined) { bit(f, flags, mask); return; }
  } else if (positive === 'E') { zero(f, flags); return; }
  else if (positive === 'S') { negative(f, flags); return; }
  else if (subtraction && (positive === 'B' || positive === 'BE')) { below(f, flags, positive === 'BE'); return; }
  else if (subtraction && (positive === 'L' || positive === 'LE')) { less(f, flags, positive === 'LE', rule & 3); return; }
  else if (rule === STATUS && (positive === 'B' || positive === 'BE')) {
    bit(f, flags, CF);
    if (positive === 'BE') { zero(f, flags); f.op('i32.or'); }
    return;
  } else if (rule === STATUS && (positive === 'L' || positive === 'LE')) {
    negative(f, flags);
    flags.a();
    f.i64(11n).op('i64.shr_u').op('i32.wrap_i64').i32(1).op('i32.and').op('i32.xor');
    if (positive === 'LE') { zero(f, flags); f.op('i32.or'); }
    return;
  } else if (rule >> 2 === 1 && positive === 'B') { flags.result(); flags.a(); f.op('i64.lt_u'); return; }
  flags.general(number);
}

function unknownRule(f: FunctionBody, flags: FlagSource, positive: Condition, number: number): void {
  switch (positive) {
    case 'E': case 'S':
      flags.rule();
      f.i32(EXPLICIT).op('i32.eq').block('if', I32);
      bit(f, flags, positive === 'E' ? ZF : SF);
      f.else();
      if (positive === 'E') zero(f, flags); else negative(f, flags);
      f.end();
      return;
    case 'B': case 'BE':
      flags.rule();
      f.i32(~3).op('i32.and').i32(SUBTRACTION).op('i32.eq').block('if', I32);
      below(f, flags, positive === 'BE');
      f.else();
      flags.general(number);
      f.end();
      return;
    case 'L': case 'LE': {
      const rule = flags.local(I32);
      flags.rule();
      f.set(rule).get(rule).i32(SUBTRACTION + 2).op('i32.eq').block('if', I32);
      less(f, flags, positive === 'LE', 2);
      f.else().get(rule).i32(SUBTRACTION + 3).op('i32.eq').block('if', I32);
      less(f, flags, positive === 'LE', 3);
      f.else();
      flags.general(number);
      f.end().end();
      return;
    }
    default: flags.general(number);
  }
}
