/** Where the processor under the tests (an AMD one, seen through signals) and the manual that we follow part ways, and why. */
import type { Result } from './native.js';

export interface KnownDifference {
  /** Rows, as in the definitions. */
  readonly forms: RegExp;
  readonly when: (expected: Result, got: Result, says: string) => boolean;
  /** What the manual says, or what the processor is known to do instead. */
  readonly because: string;
}

const faults = (r: Result, ...vectors: number[]): boolean => r.outcome === 'exception' && vectors.includes(r.vector);

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    forms: /^(CC|CE|F1) \|/,
    when: (expected, got) => faults(got, 1, 3, 4) && expected.vector === got.vector,
    because: 'We stop before the delivery of a trap, with RIP at the instruction; a signal tells the address that was pushed, behind it.',
  },
  {
    forms: /^REX\.W .*m16:64$/,
    when: () => true,
    because: '"REX.W + FF /5: JMP m16:64" and its kin are Intel\'s; on AMD processors far pointers have offsets of at most 32 bits.',
  },
  {
    forms: /CA iw \| RET imm16$/,
    when: (expected, got) => faults(expected, 14) && faults(got, 13),
    because: 'The Operation of RET checks the return code segment selector before it touches the outer stack; AMD touches that first.',
  },
  {
    forms: /\| (INS|OUTS)[BWD]$/,
    when: (expected, got) => faults(expected, 13) && got.outcome === 'completed',
    because: 'With a count of 0, REP executes the string instruction not at all ("WHILE CountReg ≠ 0"); AMD checks the right to the port first.',
  },
  {
    forms: /\| CMPS[BWDQ]$/,
    when: (expected, got) => faults(expected, 14) && faults(got, 14),
    because: 'When both operands fault the manual does not say which is met first; AMD reads ES:(E)DI first.',
  },
  {
    forms: /\| (RCP|RSQRT)[PS]S /,
    when: (expected, got) => expected.outcome === got.outcome,
    because: 'The approximations differ between processors: "the relative error for this approximation is |Relative Error| ≤ 1.5 ∗ 2^-12".',
  },
  {
    forms: /FXSAVE/,
    when: (_expected, _got, says) => /: memory expected ([0-9a-f:]{17})0200, got \1(?:)0000$/.test(says),
    because: 'Bit 17 of MXCSR_MASK is AMD\'s misaligned SSE mode, which Intel reserves.',
  },
  {
    forms: /\| (FNSTENV|FLDENV|FNSAVE|FRSTOR|FXSAVE|FXRSTOR)/,
    when: (expected, got) => faults(expected, 14) && faults(got, 14) && expected.cr2 > got.cr2 && expected.cr2 < got.cr2 + 512n,
    because: 'Which byte of an operand of many words meets a page fault first is not said; AMD touches the last ones first.',
  },
  {
    forms: /\| (VERR|VERW|MOV r(32|64), CR0-CR7|MOV CR0-CR7, r(32|64))/,
    when: (expected, got, says) => /\[[0-9a-f]*f0/.test(says) && faults(got, 6) && !faults(expected, 6),
    because: 'LOCK is #UD with everything that the manual does not list; AMD reads it as REX.R of MOV CRn, and ignores it with VERW.',
  },
  {
    forms: /^(REX\.W \+ )?0F 0D \/r/,
    when: (expected, got) => faults(expected, 6) && got.outcome === 'completed',
    because: 'Intel processors treat 0F 0D with a register as NOP; on AMD processors it is 3DNow!\'s, and #UD.',
  },
  {
    forms: /\| FU?COMIP? /,
    when: (_expected, got, says) => (got.state.fxsave.getUint16(2, true) & ~got.state.fxsave.getUint16(0, true) & 1) !== 0 && /bit: rflags [^;]*$/.test(says),
    because: '"The status flags in the EFLAGS register are set only if the exception is masked"; AMD sets them all the same.',
  },
  {
    forms: /\| ARPL /,
    when: (expected, got) => (faults(expected, 14) && faults(got, 14) && expected.cr2 === got.cr2) || (faults(got, 13) && !faults(expected, 13)),
    because: '"#GP(0) If the destination is located in a non-writable segment": AMD reads first, and writes only when the RPL changes.',
  },
  {
    forms: /^63 \/r \| MOVSXD r16/,
    when: () => true,
    because: '"MOVSXD r16, r/m16" moves a word; AMD reads a doubleword.',
  },
  {
    forms: /\| LDMXCSR /,
    when: (expected, got) => expected.outcome === 'completed' && faults(got, 13),
    because: 'Bit 17 of MXCSR is AMD\'s misaligned SSE mode; Intel reserves it, and "#GP(0): For an attempt to set reserved bits in MXCSR".',
  },
  {
    forms: /\| MASKMOV(Q|DQU) /,
    when: (expected, got) => faults(got, 14) && (expected.outcome === 'completed' || faults(expected, 12, 13)),
    because: 'Page faults for bytes that are not written are "implementation dependent", and so is an access beyond FFFFFFFFH; AMD looks at the selected bytes only.',
  },
];
