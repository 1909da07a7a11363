/** The core module: the interpreter's loop, transfers between blocks that are not linked, and flags for those who read them. */
import { BLOCK_TABLE_ENTRIES, FAST_TLB_ENTRIES, FAST_TLB_FOLD, MAP, S } from '../cpu/layout.js';
import { RECORD } from '../meaning/record.js';
import { statusFunction } from '../meaning/emit-status.js';
import { type AccessKind, EXECUTE, READ, WRITE } from '../paging/outcome.js';
import { CONDITIONS } from '../meaning/emit-condition.js';
import { plainFunction } from '../meaning/plain.js';
import { FunctionBody, I32, I64, ModuleWriter } from '../wasm/module.js';
import { checkFunction } from './checked-code.js';
import { invalidatePage, noteAbsent, pageFault } from './plain-events.js';
import { isRead, NOT_PLAIN, NOT_PRESENT, referenceAddress, translate } from './plain-paging.js';
import { PLAIN_TRANSFERS, type PlainCase } from './plain-transfers.js';
import { watchFunction } from './watched-addresses.js';

/** Slot of the function table whose handler leaves before the instruction is run. */
export const LEAVE_SLOT = 0;
/** That of the check in front of a block (checked-code.ts). */
export const CHECK_SLOT = 1;
/** That of the look at breakpoints in front of a block (watched-addresses.ts). */
export const WATCH_SLOT = 2;
export const FIRST_FREE_SLOT = 3;

/** Operations with plain cases in WebAssembly: their numbers are the first but for those that the machine brings along. */
export const PLAIN_OPERATIONS = [...Object.keys(PLAIN_TRANSFERS), 'INVLPG'];
const PLAIN_CASES: Readonly<Record<string, PlainCase>> = { ...PLAIN_TRANSFERS, INVLPG: invalidatePage };

/** Plain cases from elsewhere, by operation: each takes the record of the instruction, and returns 0 where it has done nothing. Otherwise S.resume and S.onward say how to go on. */
export type PlainOperations = Readonly<Record<string, (record: number) => number>>;

export interface CoreExports {
  run(record: number): void;
  perform(record: number, operation: number): void;
  slowReference(record: number, info: number, segment: number): number;
  transfer(record: number, linear: bigint): number;
  onward(): number;
  condition(number: number): number;
  status(): number;
}

/** The slot of the block table for code at a host address in a mode. Written twice, here and below in WebAssembly; a test compares. */
export const blockSlot = (host: number, mode: number): number => ((host ^ (host >>> 15) ^ Math.imul(mode, 0x9e3)) & (BLOCK_TABLE_ENTRIES - 1)) << 4;

/** `others`: operations whose plain cases are imported. */
export function coreModule(guestBytes: number, others: readonly string[] = []): Uint8Array<ArrayBuffer> {
  const w = new ModuleWriter();
  const handler = w.type([I32], [I32]);
  const slowTransfer = w.import('slowTransfer', [I32, I64], [I32]), slowOnward = w.import('slowOnward', [], [I32]);
  const leave = w.import('leave', [I32], []), slowPerform = w.import('slowPerform', [I32, I32], []), changed = w.import('changed', [I32], []);
  const slowReference = w.import('slowReference', [I32, I32, I32], [I32]), outOfBudget = w.import('outOfBudget', [I32, I32], [I32]), attention = w.import('attention', [], [I32]);
  const imported = others.map((name) => w.import(name, [I32], [I32]));

  const run = new FunctionBody([I32], []);
  run.block('loop').get(0).get(0).memory('i32.load', RECORD.handler.offset).callIndirect(handler).tee(0).brIf(0).end();
  w.add(run, { exported: 'run' });

  const leaveAt = new FunctionBody([I32], [I32]);
  leaveAt.get(0).call(leave).i32(0);
  w.add(leaveAt, { slot: LEAVE_SLOT });
  w.add(checkFunction(changed), { slot: CHECK_SLOT });
  w.add(watchFunction(leave), { slot: WATCH_SLOT });

  const status = w.add(statusFunction(), { exported: 'status' });
  const [read, write, execute] = [READ, WRITE, EXECUTE].map((kind) => w.add(plainFunction([64], status, (m, linear) => {
    translate(m, linear!, kind as AccessKind, guestBytes, (level, { physical, low, high }) => { if (kind === EXECUTE) m.return(NOT_PLAIN); else noteAbsent(m, level, physical, low, high); });
  }), { exported: `plain translation ${kind}` }));
  w.add(transfer(slowTransfer, execute!), { exported: 'transfer' });
  w.add(onward(slowOnward, outOfBudget, execute!), { exported: 'onward' });
  w.add(conditionFunction(status), { exported: 'condition' });
  const plain = Object.entries(PLAIN_CASES).map(([name, record]) => w.add(plainFunction([32], status, (m, at) => { record(m, at!, { attention }); }), { exported: `plain ${name}` }));
  w.add(perform([...imported, ...plain], slowPerform), { exported: 'perform' });
  const fault = w.add(plainFunction([32, 64, 32], status, (m, at, linear, writes) => { pageFault(m, at!, linear!, writes!.ne(0), { attention }); }));
  const plainReference = w.add(plainFunction([32, 32, 32], status, (m, at, info, segmentAt) => {
    const linear = referenceAddress(m, info!, segmentAt!);
    for (const [fn, wanted] of [[read!, isRead(info!)], [write!, m.constant(1, 1)]] as const) m.when(wanted, () => {
      const host = m.call(fn, [linear]);
      m.when(host.eq(NOT_PRESENT), () => { m.return(m.call(fault, [at!, linear, m.constant(fn === write ? 1 : 0, 32)]).neg); });
      m.return(host);
    });
  }));
  w.add(reference(plainReference, slowReference), { exported: 'slowReference' });
  return w.encode();
}

function transfer(slowTransfer: number, execute: number): FunctionBody {
  const f = new FunctionBody([I32, I64], [I32]);
  const RECORD_PARAMETER = 0, LINEAR = 1;
  const slot = findBlock(f, LINEAR, execute, () => f.get(RECORD_PARAMETER).get(LINEAR).call(slowTransfer));
  f.i32(0).get(LINEAR).i64(-4096n).op('i64.and').memory('i64.store', S.codePage);
  f.get(slot).memory('i32.load', MAP.blockTable + 8);
  return f;
}

/** An operation that ends its instruction: its plain case, or TypeScript. */
function perform(plain: readonly number[], slowPerform: number): FunctionBody {
  const f = new FunctionBody([I32, I32], []), RECORD_PARAMETER = 0, OPERATION = 1;
  plain.forEach((fn, n) => { f.get(OPERATION).i32(n).op('i32.eq').block('if').get(RECORD_PARAMETER).call(fn).block('if').op('return').end().end(); });
  return f.get(RECORD_PARAMETER).get(OPERATION).call(slowPerform);
}

/** Where the bytes of a reference are: by a plain translation, or TypeScript's. 0: the instruction is abandoned, for a plain fault (NOT_PRESENT) that is under way already. */
function reference(plainReference: number, slowReference: number): FunctionBody {
  const f = new FunctionBody([I32, I32, I32], [I32]), host = f.local(I32), all = () => f.get(0).get(1).get(2);
  all().call(plainReference).tee(host).block('if').get(host).i32(0).get(host).i32(NOT_PRESENT).op('i32.ne').op('select').op('return').end();
  return all().call(slowReference);
}

/** To S.onward, where S.budget still has room for the block; otherwise the interpreter leaves, as TypeScript has prepared. */
function onward(slowOnward: number, outOfBudget: number, execute: number): FunctionBody {
  const f = new FunctionBody([], [I32]);
  const linear = f.local(I64), left = f.local(I32), next = f.local(I32);
  f.i32(0).memory('i64.load', S.onward).set(linear);
  const slot = findBlock(f, linear, execute, () => f.call(slowOnward));
  f.get(slot).memory('i32.load', MAP.blockTable + 8).tee(next);
  f.i32(0).memory('i32.load', S.budget).get(next).memory('i32.load', RECORD.remaining.offset).op('i32.sub').tee(left).i32(0).op('i32.lt_s').block('if');
  f.i32(0).get(linear).i64(-4096n).op('i64.and').memory('i64.store', S.codePage).get(next).get(next).call(outOfBudget).op('return').end();
  f.i32(0).get(left).memory('i32.store', S.budget);
  f.i32(0).get(linear).i64(-4096n).op('i64.and').memory('i64.store', S.codePage);
  return f;
}

/** The block table's slot of the block at a linear address, in a local; returns what `slow` leaves on the stack where TypeScript must look for it. */
function findBlock(f: FunctionBody, LINEAR: number, execute: number, otherwise: () => void): number {
  const low = f.local(I32), entry = f.local(I32), slot = f.local(I32), mode = f.local(I32);
  const slow = (): void => {
    otherwise();
    f.op('return').end();
  };
  f.get(LINEAR).op('i32.wrap_i64').tee(low).i32(12).op('i32.shr_u').get(low).i32(FAST_TLB_FOLD).op('i32.shr_u').op('i32.xor')
    .i32(FAST_TLB_ENTRIES - 1).op('i32.and').i32(4).op('i32.shl').i32(0).memory('i32.load', S.tlbPart).op('i32.add').tee(entry).memory('i64.load', MAP.tlbExecute);
  f.get(LINEAR).i64(-4096n).op('i64.and').i32(0).memory('i64.load', S.spaceTag).op('i64.or').op('i64.ne').block('if');
  f.get(LINEAR).call(execute).tee(low).op('i32.eqz').block('if');
  slow();
  f.else().get(low).get(entry).memory('i32.load', MAP.tlbExecute + 8).op('i32.add').set(low).end();
  f.i32(0).memory('i32.load', S.codeMode).set(mode);
  f.get(low).get(low).i32(15).op('i32.shr_u').op('i32.xor').get(mode).i32(0x9e3).op('i32.mul').op('i32.xor')
    .i32(BLOCK_TABLE_ENTRIES - 1).op('i32.and').i32(4).op('i32.shl').tee(slot).memory('i32.load', MAP.blockTable).get(low).op('i32.ne');
  f.get(slot).memory('i32.load', MAP.blockTable + 4).get(mode).op('i32.ne').op('i32.or').block('if');
  slow();
  return slot;
}

/** The even-numbered conditions, over the flags word. SDM Vol. 1, "EFLAGS Condition Codes". */
function conditionFunction(status: number): FunctionBody {
  const f = new FunctionBody([I32], [I32]);
  const NUMBER = 0, flags = f.local(I32);
  const bit = (n: number) => f.get(flags).i32(n).op('i32.shr_u').i32(1).op('i32.and');
  const tests: Readonly<Record<string, () => void>> = {
    O: () => bit(11), B: () => bit(0), E: () => bit(6), S: () => bit(7), P: () => bit(2),
    BE: () => { bit(0); bit(6); f.op('i32.or'); },
    L: () => { bit(7); bit(11); f.op('i32.xor'); },
    LE: () => { bit(7); bit(11); f.op('i32.xor'); bit(6); f.op('i32.or'); },
  };
  f.call(status).set(flags);
  for (const [name, test] of Object.entries(tests)) {
    f.get(NUMBER).i32(CONDITIONS.indexOf(name as 'O')).op('i32.eq').block('if');
    test();
    f.op('return').end();
  }
  f.op('unreachable');
  return f;
}
