/** The status flags for those who read them. */
import { S } from '../cpu/layout.js';
import { FunctionBody, I32, I64 } from '../wasm/module.js';
import { EXPLICIT, STATUS, STATUS_FLAGS } from './flags.js';

/** All six flags from the lazy slots: the WebAssembly twin of `statusOf`, compared with it by a test. */
export function statusFunction(): FunctionBody {
  const f = new FunctionBody([], [I32]);
  const rule = f.local(I32), flags = f.local(I32), a = f.local(I64), r = f.local(I64), b = f.local(I64), carry = f.local(I64), kind = f.local(I32), shift = f.local(I64);
  f.i32(0).memory('i32.load', S.flagRule).tee(rule).i32(EXPLICIT).op('i32.eq').block('if');
  f.i32(0).memory('i32.load', S.flagA).i32(STATUS_FLAGS).op('i32.and').op('return').end();
  f.i32(0).memory('i64.load', S.flagResult).tee(r).i64(0xffn).op('i64.and').op('i64.popcnt').op('i32.wrap_i64').i32(1).op('i32.and').i32(1).op('i32.xor').i32(2).op('i32.shl');
  f.get(r).op('i64.eqz').i32(6).op('i32.shl').op('i32.or');
  f.get(r).i64(63n).op('i64.shr_u').op('i32.wrap_i64').i32(7).op('i32.shl').op('i32.or').set(flags);
  f.get(rule).i32(STATUS).op('i32.eq').block('if');
  f.get(flags).i32(0).memory('i32.load', S.flagA).op('i32.or').op('return').end();
  f.i32(0).memory('i64.load', S.flagA).set(a);
  f.get(rule).i32(2).op('i32.shr_u').set(kind);
  f.get(kind).i32(1).op('i32.and').i32(1).op('i32.xor').op('i64.extend_i32_u').set(carry);
  f.i64(64n).i64(8n).get(rule).i32(3).op('i32.and').op('i64.extend_i32_u').op('i64.shl').op('i64.sub').set(shift);
  const partner = () => f.get(carry).op('i64.sub').get(shift).op('i64.shl').get(shift).op('i64.shr_s').set(b);
  f.get(kind).i32(2).op('i32.le_u').block('if');
  f.get(r).get(a).op('i64.sub'); partner();
  f.get(r).get(a).op('i64.lt_u').get(carry).op('i32.wrap_i64').get(r).get(a).op('i64.eq').op('i32.and').op('i32.or').get(flags).op('i32.or').set(flags);
  f.get(a).get(r).op('i64.xor').get(b).get(r).op('i64.xor').op('i64.and').i64(63n).op('i64.shr_u').op('i32.wrap_i64').i32(11).op('i32.shl').get(flags).op('i32.or').set(flags);
  f.else();
  f.get(a).get(r).op('i64.sub'); partner();
  f.get(a).get(r).op('i64.lt_u').get(carry).op('i32.wrap_i64').get(r).get(a).op('i64.eq').op('i32.and').op('i32.or').get(flags).op('i32.or').set(flags);
  f.get(a).get(b).op('i64.xor').get(a).get(r).op('i64.xor').op('i64.and').i64(63n).op('i64.shr_u').op('i32.wrap_i64').i32(11).op('i32.shl').get(flags).op('i32.or').set(flags);
  f.end();
  f.get(a).get(b).op('i64.xor').get(r).op('i64.xor').op('i32.wrap_i64').i32(0x10).op('i32.and').get(flags).op('i32.or');
  return f;
}
