/** Writes the test of a condition over the lazy flags: the usual rules inline, the rest by the core module. */
import { S } from '../cpu/layout.js';
import { type FunctionBody, I32, I64 } from '../wasm/module.js';
import { EXPLICIT, SF, SUBTRACTION, ZF } from './flags.js';
import type { Condition } from './meaning.js';

export const CONDITIONS: readonly Condition[] = ['O', 'NO', 'B', 'AE', 'E', 'NE', 'BE', 'A', 'S', 'NS', 'P', 'NP', 'L', 'GE', 'LE', 'G'];

/** Leaves 0 or 1 on the stack. */
export function emitCondition(f: FunctionBody, imports: { condition: number }, condition: Condition): void {
  const number = CONDITIONS.indexOf(condition), negated = (number & 1) === 1, positive = CONDITIONS[number & ~1]!;
  const general = () => f.i32(number & ~1).call(imports.condition);
  const rule = () => f.i32(0).memory('i32.load', S.flagRule);
  const result = () => f.i32(0).memory('i64.load', S.flagResult);
  const a = () => f.i32(0).memory('i64.load', S.flagA);
  const explicitBit = (bit: number) => f.i32(0).memory('i32.load', S.flagA).i32(bit).op('i32.and').i32(0).op('i32.ne');
  switch (positive) {
    case 'E': case 'S':
      rule().i32(EXPLICIT).op('i32.eq').block('if', I32);
      explicitBit(positive === 'E' ? ZF : SF).else();
      if (positive === 'E') result().op('i64.eqz'); else result().i64(0n).op('i64.lt_s');
      f.end();
      break;
    case 'B': case 'BE':
      // After a subtraction: CF = a <u result; CF or ZF = a <=u b, and b = 0 gives result = a.
      rule().i32(~3).op('i32.and').i32(SUBTRACTION).op('i32.eq').block('if', I32);
      a(); result().op('i64.lt_u');
      if (positive === 'BE') result().op('i64.eqz').op('i32.or');
      f.else();
      general().end();
      break;
    case 'L': case 'LE': {
      const compare = positive === 'L' ? 'i64.lt_s' : 'i64.le_s', r = f.local(I32), x = f.local(I64);
      rule().tee(r).i32(SUBTRACTION + 2).op('i32.eq').block('if', I32);
      a().tee(x); f.get(x); result().op('i64.sub').op('i64.extend32_s').op(compare).else();
      f.get(r).i32(SUBTRACTION + 3).op('i32.eq').block('if', I32);
      a().tee(x); f.get(x); result().op('i64.sub').op(compare).else();
      general().end().end();
      break;
    }
    default: general();
  }
  if (negated) f.op('i32.eqz');
}
