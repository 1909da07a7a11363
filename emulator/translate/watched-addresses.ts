/**
 * Breakpoints: a block that begins at the offset in its page of one has a record of its own in front, which leaves where the linear address is that of one. The same
 * code may be mapped at many addresses, and other code lies at the same offset of other pages: both go on.
 */
import { MAP, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { RECORD, RECORD_BYTES } from '../meaning/record.js';
import { FunctionBody, I32, I64 } from '../wasm/module.js';

/** How many there are, then each as 64 bits; with more than fit, every one of these records leaves. */
const COUNT = 0, FIRST = 8, MOST = 500, ALL = -1;

export function writeWatched({ view }: Processor, linears: ReadonlySet<number>): void {
  view.setInt32(MAP.watched + COUNT, linears.size > MOST ? ALL : linears.size, true);
  if (linears.size <= MOST) [...linears].forEach((linear, n) => { view.setBigInt64(MAP.watched + FIRST + 8 * n, BigInt(linear), true); });
}

/** The handler of such a record: the next one, or what `leave` leaves. */
export function watchFunction(leave: number): FunctionBody {
  const f = new FunctionBody([I32], [I32]), RECORD_PARAMETER = 0, left = f.local(I32), at = f.local(I32), linear = f.local(I64);
  const stop = (): void => { f.block('if').get(RECORD_PARAMETER).call(leave).i32(0).op('return').end(); };
  f.i32(0).memory('i64.load', S.codePage).get(RECORD_PARAMETER).memory('i64.load16_u', RECORD.offset.offset).op('i64.add').set(linear);
  f.i32(MAP.watched).memory('i32.load', COUNT).tee(left).i32(ALL).op('i32.eq');
  stop();
  f.i32(MAP.watched).set(at);
  f.block('block').block('loop').get(left).op('i32.eqz').brIf(1);
  f.get(at).memory('i64.load', FIRST).get(linear).op('i64.eq');
  stop();
  f.get(at).i32(8).op('i32.add').set(at).get(left).i32(1).op('i32.sub').set(left).br(0).end().end();
  return f.get(RECORD_PARAMETER).i32(RECORD_BYTES).op('i32.add');
}
