/**
 * The lazy status flags: an instruction records which rule applies, its first operand and its result (both sign-extended to
 * 64 bits); whoever reads a flag computes it. SDM Vol. 1, "Status Flags".
 *
 * With b = a's partner recomputed from a and the result, every flag follows:
 *   addition:    CF = result < a        (<= with a carry in)
 *   subtraction: CF = a < result        (<= with a borrow in)      unsigned; sign extension keeps the order
 *   status:      CF, AF, OF stand in `a` at their RFLAGS places; ZF, SF, PF follow the result
 *   explicit:    all six stand in `a`
 */
import type { Bits, FlagRule } from './meaning.js';

export const CF = 1, PF = 1 << 2, AF = 1 << 4, ZF = 1 << 6, SF = 1 << 7, OF = 1 << 11;
export const STATUS_FLAGS = CF | PF | AF | ZF | SF | OF;
export const FLAG_BITS = { CF, PF, AF, ZF, SF, OF } as const;

const FIRST: Readonly<Record<FlagRule, number>> = {
  explicit: 0, status: 1, addition: 4, 'addition with carry': 8, subtraction: 12, 'subtraction with borrow': 16,
};
export const EXPLICIT = FIRST.explicit;
export const STATUS = FIRST.status;
export const SUBTRACTION = FIRST.subtraction;
const SIZE: Readonly<Record<number, number>> = { 8: 0, 16: 1, 32: 2, 64: 3 };

/** The number of a rule at an operand size. With a carry in, the rule is this plus four times the carry. */
export const ruleNumber = (rule: FlagRule, bits: Bits): number => FIRST[rule] + (rule === 'explicit' || rule === 'status' ? 0 : SIZE[bits]!);

const signExtended = (value: bigint, size: number): bigint => BigInt.asIntN(8 << size, value);

/** The reference: all six flags from the three slots. */
export function statusOf(rule: number, a: bigint, result: bigint): number {
  if (rule === EXPLICIT) return Number(a & BigInt(STATUS_FLAGS));
  const r = BigInt.asIntN(64, result), x = BigInt.asIntN(64, a);
  let parity = Number(r & 0xffn);
  parity ^= parity >> 4; parity ^= parity >> 2; parity ^= parity >> 1;
  let flags = (parity & 1 ? 0 : PF) | (r === 0n ? ZF : 0) | (r < 0n ? SF : 0);
  if (rule === STATUS) return flags | Number(a & BigInt(CF | AF | OF));
  const size = rule & 3, kind = rule >> 2; // 1 addition, 2 with carry, 3 subtraction, 4 with borrow
  const adding = kind <= 2, carry = kind === 2 || kind === 4 ? 1n : 0n;
  const b = signExtended(adding ? r - x - carry : x - r - carry, size);
  const ur = BigInt.asUintN(64, r), ua = BigInt.asUintN(64, x);
  if (adding ? (carry ? ur <= ua : ur < ua) : carry ? ua <= ur : ua < ur) flags |= CF;
  if ((x ^ b ^ r) & 0x10n) flags |= AF;
  if (adding ? ((x ^ r) & (b ^ r)) < 0n : ((x ^ b) & (x ^ r)) < 0n) flags |= OF;
  return flags;
}
