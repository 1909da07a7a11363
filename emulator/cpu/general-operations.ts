/** What general instructions leave to TypeScript: long division, bulk string moves, ENTER. */
import { CRC32_OPERATIONS } from './crc32.js';
import { probe, read32, read16, write16, write32, write64 } from '../paging/access.js';
import { NOWHERE } from '../memory/memory-map.js';
import { READ, WRITE } from '../paging/mmu.js';
import { hostOf, isPlain } from '../paging/physical-memory.js';
import { exception } from './events.js';
import { gpr, S, SEGMENT, segment, SS } from './layout.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';
import { RANDOM_OPERATIONS } from './random.js';
import { linearAddress } from './references.js';
import type { Word } from './stack.js';

const PAGE = 4096, DF = 1 << 10;

function divide64(cpu: Processor, signed: boolean): void {
  const high = cpu.argumentBig(0), low = cpu.argumentBig(1), by = cpu.argumentBig(2);
  let dividend = (high << 64n) | low, divisor = by;
  if (signed) { dividend = BigInt.asIntN(128, dividend); divisor = BigInt.asIntN(64, by); }
  const quotient = dividend / divisor;
  if ((signed ? BigInt.asIntN(64, quotient) : BigInt.asUintN(64, quotient)) !== quotient) throw exception('#DE', 0, 'the quotient does not fit');
  cpu.resultBig(0, quotient);
  cpu.resultBig(1, dividend % divisor);
}

/** SDM Vol. 2, "PDEP—Parallel Bits Deposit" and "PEXT—Parallel Bits Extract": between the low bits and those that the mask selects. */
function parallelBits(cpu: Processor, deposits: boolean): void {
  const source = [cpu.argumentLow(0), cpu.argumentHigh(0)], mask = [cpu.argumentLow(1), cpu.argumentHigh(1)], result = [0, 0];
  const copy = (from: number, to: number): void => { if ((source[from >> 5]! >>> (from & 31) & 1) !== 0) result[to >> 5]! |= 1 << (to & 31); };
  for (let bit = 0, low = 0; bit < 64; bit++) {
    if ((mask[bit >> 5]! >>> (bit & 31) & 1) === 0) continue;
    if (deposits) copy(low++, bit); else copy(bit, low++);
  }
  cpu.result(0, result[0]! >>> 0, result[1]! >>> 0);
}

/** A register as an offset in a segment, turned into a linear address; undefined when only the ordinary way can tell. */
function linearOf(cpu: Processor, register: number, segmentAt: number, addressSize: number, bytes: number, writes: boolean): number | undefined {
  if (cpu.code64) {
    if (addressSize !== 64) return undefined;
    const offset = cpu.number(gpr(register));
    const base = segmentAt >= segment(4) ? cpu.number(segmentAt + SEGMENT.base) : 0;
    const linear = offset + base;
    return linear >= -0x800000000000 && linear + bytes <= 0x800000000000 && !(linear < 0 && linear + bytes > 0) ? linear : undefined;
  }
  if (addressSize === 64) return undefined;
  const offset = addressSize === 16 ? cpu.low(gpr(register)) & 0xffff : cpu.low(gpr(register));
  const limit = cpu.number(segmentAt + (writes ? SEGMENT.writeLimit : SEGMENT.readLimit));
  if (offset + bytes - 1 > limit || offset + bytes > (addressSize === 16 ? 0x10000 : 2 ** 32)) return undefined;
  const linear = (cpu.number(segmentAt + SEGMENT.base) + offset) >>> 0;
  return linear + bytes <= 2 ** 32 ? linear : undefined;
}
const count = (cpu: Processor, addressSize: number): number =>
  addressSize === 16 ? cpu.low(gpr(1)) & 0xffff : addressSize === 32 ? cpu.low(gpr(1)) : cpu.high(gpr(1)) !== 0 ? 2 ** 32 : cpu.low(gpr(1));
const inPage = (linear: number): number => linear - Math.floor(linear / PAGE) * PAGE;

function advance(cpu: Processor, register: number, by: number, addressSize: number): void {
  const at = gpr(register);
  if (addressSize === 16) cpu.view.setUint16(at, cpu.low(at) + by, true);
  else if (addressSize === 32) cpu.set(at, (cpu.low(at) + by) >>> 0, 0);
  else cpu.setBig(at, BigInt.asUintN(64, cpu.big(at) + BigInt(by)));
}

/** Where the bytes are, if that is ordinary memory to which an ordinary access may be made (accessed and dirty flags are set). */
function plainHost(cpu: Processor, linear: number, writes: boolean): number | undefined {
  const kind = writes ? WRITE : READ, physical = cpu.mmu.translate(linear, kind, cpu.cpl === 3), host = hostOf(cpu, physical, kind);
  return host === NOWHERE || (writes && !isPlain(cpu, physical, host)) ? undefined : host;
}

/**
 * As many whole iterations as lie in one page of each operand and in the budget, but never the last: that is left to the
 * instruction itself, as is everything unusual. Each iteration counts as an instruction.
 */
function bulk(cpu: Processor, moves: boolean): void {
  const bytes = cpu.argumentLow(0), addressSize = cpu.argumentLow(1), source = cpu.argumentLow(2);
  if (cpu.low(S.rflags) & DF || cpu.mmu.alignmentChecked) return;
  const budget = cpu.i32[S.budget >> 2]!;
  let n = Math.min(count(cpu, addressSize) - 1, budget);
  if (n <= 0) return;
  const to = linearOf(cpu, 7, segment(0), addressSize, bytes, true), from = moves ? linearOf(cpu, 6, source, addressSize, bytes, false) : 0;
  if (to === undefined || from === undefined) return;
  n = Math.min(n, Math.floor((PAGE - inPage(to)) / bytes));
  if (moves) n = Math.min(n, Math.floor((PAGE - inPage(from)) / bytes));
  if (n < 2) return;
  if (linearOf(cpu, 7, segment(0), addressSize, bytes * n, true) === undefined) return;
  if (moves && linearOf(cpu, 6, source, addressSize, bytes * n, false) === undefined) return;
  if (cpu.mmu.mayBreak(to) || cpu.mmu.mayBreak(from)) return;
  const fromHost = moves ? plainHost(cpu, from, false) : 0;
  if (fromHost === undefined) return;
  const toHost = plainHost(cpu, to, true);
  if (toHost === undefined) return;
  const length = n * bytes;
  if (moves) {
    if (toHost > fromHost && toHost < fromHost + length) return;
    cpu.u8.copyWithin(toHost, fromHost, fromHost + length);
    advance(cpu, 6, length, addressSize);
  } else if (bytes === 1) cpu.u8.fill(cpu.u8[gpr(0)]!, toHost, toHost + length);
  else {
    cpu.u8.copyWithin(toHost, gpr(0), gpr(0) + bytes);
    for (let done = bytes; done < length; done *= 2) cpu.u8.copyWithin(toHost + done, toHost, toHost + Math.min(done, length - done));
  }
  advance(cpu, 7, length, addressSize);
  advance(cpu, 1, -n, addressSize);
  cpu.i32[S.budget >> 2] = budget - n;
}

/** SDM Vol. 2, "ENTER—Make Stack Frame for Procedure Parameters": everything is read and probed before anything is written. */
function enter(cpu: Processor): void {
  const size = cpu.argumentLow(0), level = cpu.argumentLow(1), bits = cpu.argumentLow(2), stackSize = cpu.argumentLow(3), bytes = bits / 8;
  const mask = (n: number) => (stackSize === 16 ? n & 0xffff : stackSize === 32 ? n >>> 0 : n);
  const read = (at: number) => (stackSize === 16 ? cpu.low(at) & 0xffff : stackSize === 32 ? cpu.low(at) : cpu.number(at));
  const bottom = read(gpr(4)), frame = read(gpr(5));
  const readFrame = (linear: number): Word => (bits === 16 ? { low: read16(cpu, linear), high: 0 } : { low: read32(cpu, linear), high: bits === 64 ? read32(cpu, linear + 4) : 0 });
  const values: Word[] = [{ low: cpu.low(gpr(5)), high: cpu.high(gpr(5)) }];
  for (let i = 1; i < level; i++) values.push(readFrame(linearAddress(cpu, SS, mask(frame - i * bytes), bytes, false)));
  const top = mask(bottom - bytes);
  if (level > 0) values.push({ low: top >>> 0, high: Math.floor(top / 2 ** 32) >>> 0 });
  const places = values.map((_, i) => linearAddress(cpu, SS, mask(bottom - (i + 1) * bytes), bytes, true));
  for (const place of places) probe(cpu, place, bytes, WRITE);
  const end = mask(bottom - values.length * bytes - size);
  probe(cpu, linearAddress(cpu, SS, end, bytes, true), bytes, WRITE);
  values.forEach(({ low, high }, i) => {
    if (bits === 16) write16(cpu, places[i]!, low & 0xffff);
    else if (bits === 32) write32(cpu, places[i]!, low);
    else write64(cpu, places[i]!, low, high);
  });
  const set = (register: number, value: number) => {
    if (stackSize === 16) cpu.view.setUint16(gpr(register), value, true);
    else if (stackSize === 32) cpu.set(gpr(register), value >>> 0, 0);
    else cpu.setNumber(gpr(register), value);
  };
  if (bits === 16) cpu.view.setUint16(gpr(5), top, true);
  else set(5, top);
  set(4, end);
}

export const GENERAL_OPERATIONS: Operations = {
  PDEP: (cpu) => { parallelBits(cpu, true); },
  PEXT: (cpu) => { parallelBits(cpu, false); },
  ...CRC32_OPERATIONS, ...RANDOM_OPERATIONS,
  'DIV r/m64': (cpu) => divide64(cpu, false),
  'IDIV r/m64': (cpu) => divide64(cpu, true),
  'REP MOVS in bulk': (cpu) => bulk(cpu, true),
  'REP STOS in bulk': (cpu) => bulk(cpu, false),
  ENTER: enter,
  PAUSE: (cpu) => {
    cpu.yields = true;
    return cpu.intercepts.instruction(cpu, 'PAUSE');
  },
};
