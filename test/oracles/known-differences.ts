/** Where the processor under the tests (an AMD one, seen through signals) and the manual that we follow part ways, and why. */
import type { RandomCase } from '../fuzz/random-cases.js';
import type { Difference } from './compare.js';
import type { Result } from './native.js';

interface Found { readonly c: RandomCase; readonly expected: Result; readonly got: Result; readonly difference: Difference }
export interface KnownDifference {
  /** Rows, as in the definitions. */
  readonly forms: RegExp;
  /** The parts of the result that may differ; all where it is absent. */
  readonly what?: RegExp;
  readonly when: (found: Found) => boolean;
  /** What the manual says, or what the processor is known to do instead. */
  readonly because: string;
}

const statusWord = (r: Result): number => r.state.fxsave.getUint16(2, true);
const unmasked = (r: Result): number => statusWord(r) & ~r.state.fxsave.getUint16(0, true) & 0x3f;
/** Of two numbers of 80 bits: at most a unit in the last place apart. */
function nearlyEqual({ difference }: Found): boolean {
  const distance = BigInt(`0x${difference.expected}`) - BigInt(`0x${difference.got}`);
  return distance >= -1n && distance <= 1n;
}
/** Whether only these bits of a number differ. */
const onlyBits = ({ difference }: Found, bits: number): boolean => ((parseInt(difference.expected, 16) ^ parseInt(difference.got, 16)) & ~bits) === 0;
/** Of a vector as it was and as it is: whether each element has become its sign, 4 or 8 bytes each. */
function becameSigns({ difference }: Found): boolean {
  return [8, 16].some((digits) => Array.from({ length: 32 / digits }, (_, i) => [difference.expected, difference.got].map((v) => v.slice(digits * i, digits * (i + 1)))).every(
    ([was, is]) => is === was || is === (/^[89a-f]/.test(was!) ? 'f' : '0').repeat(digits)));
}
const exponentOfTop = ({ c }: Found): number => { const top = c.state.st(0); return (top[9]! << 8 | top[8]!) & 0x7fff; };
const ZF = 0x40n, C1 = 0x200, CODES = 0x4700, BIAS = 0x3fff;

const faults = (r: Result, ...vectors: number[]): boolean => r.outcome === 'exception' && vectors.includes(r.vector);

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    forms: /^(CC|CE|F1) \|/,
    when: ({ expected, got }) => faults(got, 1, 3, 4) && expected.vector === got.vector,
    because: 'We stop before the delivery of a trap, with RIP at the instruction; a signal tells the address that was pushed, behind it.',
  },
  {
    forms: /^REX\.W .*m16:64$/,
    when: () => true,
    because: '"REX.W + FF /5: JMP m16:64" and its kin are Intel\'s; on AMD processors far pointers have offsets of at most 32 bits.',
  },
  {
    forms: /CA iw \| RET imm16$/,
    when: ({ expected, got }) => faults(expected, 14, 17) && faults(got, 13),
    because: 'The Operation of RET checks the return code segment selector before it touches the outer stack; AMD touches that first.',
  },
  {
    forms: /\| (INS|OUTS)[BWD]$/,
    when: ({ expected, got }) => faults(expected, 13) && got.outcome === 'completed',
    because: 'With a count of 0, REP executes the string instruction not at all ("WHILE CountReg ≠ 0"); AMD checks the right to the port first.',
  },
  {
    forms: /\| CMPS[BWDQ]$/,
    when: ({ expected, got }) => faults(expected, 14) && faults(got, 14),
    because: 'When both operands fault the manual does not say which is met first; AMD reads ES:(E)DI first.',
  },
  {
    forms: /\| V?(RCP|RSQRT)[PS]S /,
    when: ({ expected, got }) => expected.outcome === got.outcome,
    because: 'The approximations differ between processors: "the relative error for this approximation is |Relative Error| ≤ 1.5 ∗ 2^-12".',
  },
  {
    forms: /\| F?XSAVE/,
    what: /^memory$/,
    when: ({ difference }) => /^([0-9a-f:]{17})0200 \1(?:)0000$/.test(`${difference.expected} ${difference.got}`),
    because: 'Bit 17 of MXCSR_MASK is AMD\'s misaligned SSE mode, which Intel reserves.',
  },
  {
    forms: /\| X(SAVE|RSTOR)/,
    what: /^outcome$/,
    when: ({ expected, got }) => faults(expected, 14) && (got.outcome === 'completed' || faults(got, 13)),
    because: 'XSAVE and XRSTOR access "any byte of any state component on which that execution operates"; AMD touches those that XCR0 enables, and more of the area.',
  },
  {
    forms: /\| FX(SAVE|RSTOR)/,
    what: /^outcome$/,
    when: ({ expected, got }) => faults(expected, 17) && faults(got, 13),
    because: '"If the alignment check exception (#AC) is enabled …, signaling of #AC is not guaranteed and may vary with implementation …. In all implementations where #AC is not signaled, a #GP is signaled in its place."',
  },
  {
    forms: /\| (FNSTENV|FLDENV|FNSAVE|FRSTOR|F?XSAVE|F?XRSTOR)/,
    when: ({ expected, got }) => faults(expected, 14) && faults(got, 14) && expected.cr2 > got.cr2 && expected.cr2 < got.cr2 + 4096n,
    because: 'Which byte of an operand of many words meets a page fault first is not said; AMD touches the last ones first.',
  },
  {
    forms: /\| (CMPS[BWDQ]|ENTER |V?MASKMOVDQU)/,
    what: /^outcome$/,
    when: ({ expected, got }) => faults(expected, 12, 14, 17) && faults(got, 12, 14, 17) && (faults(expected, 17) || faults(got, 17)),
    because: 'Which of several accesses of an instruction faults first, one that is not aligned or one to an address that cannot be accessed, is not said.',
  },
  {
    forms: /\| (VERR|VERW|MOV r(32|64), CR0-CR7|MOV CR0-CR7, r(32|64))/,
    when: ({ c, expected, got }) => c.code.includes(0xf0) && faults(got, 6) && !faults(expected, 6),
    because: 'LOCK is #UD with everything that the manual does not list; AMD reads it as REX.R of MOV CRn, and ignores it with VERW.',
  },
  {
    forms: /^(REX\.W \+ )?0F 0D \/r/,
    when: ({ expected, got }) => faults(expected, 6) && got.outcome === 'completed',
    because: 'Intel processors treat 0F 0D with a register as NOP; on AMD processors it is 3DNow!\'s, and #UD.',
  },
  {
    forms: /\| FU?COMIP? /,
    what: /^rflags$/,
    when: ({ got }) => (unmasked(got) & 1) !== 0,
    because: '"The status flags in the EFLAGS register are set only if the exception is masked"; AMD sets them all the same.',
  },
  {
    forms: /\| ARPL /,
    when: ({ expected, got }) => (faults(expected, 14) && faults(got, 14) && expected.cr2 === got.cr2) || (faults(got, 13) && !faults(expected, 13)),
    because: '"#GP(0) If the destination is located in a non-writable segment": AMD reads first, and writes only when the RPL changes.',
  },
  {
    forms: /\| (J\w+|CALL|RET|LOOP\w*) ?/,
    when: ({ c }) => c.bits === 64 && c.code.includes(0x66),
    because: '"In 64-bit mode the operand size of near branches is forced to 64 bits"; on AMD processors 66H makes it 16 bits.',
  },
  {
    forms: /\| SH[LR]D r\/m16/,
    when: ({ c }) => ((c.form.immediates.length > 0 ? c.code[c.code.length - 1]! : c.state.words[2]!) & 31) > 16,
    because: '"If the count is greater than the operand size, the result is undefined" (and so are the flags).',
  },
  {
    forms: /\| PAUSE$/,
    when: ({ c }) => c.code.some((byte) => (byte & 0xf1) === 0x41),
    because: '"F3 90" is PAUSE, and with REX.B nothing else is said of it; AMD has XCHG of R8 then.',
  },
  {
    forms: /\| LOOPN?E /,
    when: ({ c }) => c.code.includes(0xf2) || c.code.includes(0xf3),
    because: '"Other use of repeat prefixes … is reserved; such use may cause unpredictable behavior": on AMD processors they say which value of ZF goes on.',
  },
  {
    forms: /\| IRETQ$/,
    what: /^error code$/,
    when: ({ expected }) => expected.errorCode === 0,
    because: 'The Operation of IRET judges the return code segment before the return instruction pointer; AMD refuses one that is not canonical first.',
  },
  {
    forms: /m128|m256|mem$/,
    what: /^outcome$/,
    when: ({ expected, got }) => faults(expected, 13) && faults(got, 12),
    because: 'An operand in the stack segment that is neither aligned nor canonical: which of #GP(0) and #SS(0) comes first is not said.',
  },
  {
    forms: /\| (LAR|LSL|VERR|VERW) /,
    what: /^(rflags|r..?)$/,
    when: ({ expected, got }) => (expected.state.rflags & ZF) !== 0n && (got.state.rflags & ZF) === 0n,
    because: 'The limit of entry 15 in Linux\'s GDT is the number of the processor; here it is empty.',
  },
  {
    forms: /\b(L?[DEFG]S|Sreg)\b/,
    what: /^[defg]s$/,
    when: ({ difference }) => difference.expected === '0' && /^[123]$/.test(difference.got),
    because: 'Linux forgets the RPL of a null selector when it switches tasks.',
  },
  {
    forms: /\| VP(EXTR|INSR)[DQ] /,
    when: ({ c, expected, got }) => c.bits === 32 && faults(expected, 6) && !faults(got, 6),
    because: '"VEX.W … in non-64 bit is ignored; the instruction behaves as if the W0 version is used"; AMD has no such row.',
  },
  {
    forms: /W1 0[01] .*\| VPERM(Q|PD) /,
    when: ({ expected, got }) => faults(got, 6) && !faults(expected, 6),
    because: 'VPERMQ and VPERMPD are "VEX.256.66.0F3A.W1"; AMD takes W0 too.',
  },
  {
    forms: /\| VP?GATHER/,
    what: /^(high y|x)mm/,
    when: (found) => found.expected.outcome === 'exception' && becameSigns(found),
    because: 'The Operation of a gather makes each element of the mask all ones or zero before it begins ("extend from most significant bit"); AMD leaves those of elements that are not loaded yet.',
  },
  {
    forms: /\| SHA/,
    what: /^outcome$/,
    when: ({ expected, got }) => faults(got, 13) && !faults(expected, 6, 13),
    because: '"Type 4 Class Exception Conditions": #GP(0) for a "memory operand not 16-byte aligned"; AMD takes it.',
  },
  {
    forms: /^63 \/r \| MOVSXD r16/,
    when: () => true,
    because: '"MOVSXD r16, r/m16" moves a word; AMD reads a doubleword.',
  },
  {
    forms: /\| (V?LDMXCSR|XRSTOR)/,
    when: ({ expected, got }) => expected.outcome === 'completed' && faults(got, 13),
    because: 'Bit 17 of MXCSR is AMD\'s misaligned SSE mode; Intel reserves it, and "#GP(0): For an attempt to set reserved bits in MXCSR".',
  },
  {
    forms: /\| V?MASKMOV(Q|DQU) /,
    when: ({ expected, got }) => faults(got, 14, 17) && (expected.outcome === 'completed' || faults(expected, 12, 13)),
    because: 'Faults for bytes that are not written are "implementation dependent", and so is an access beyond FFFFFFFFH; AMD looks at the selected bytes only.',
  },
  {
    forms: /\| FU?COMIP? /,
    what: /^fsw$/,
    when: (found) => onlyBits(found, C1),
    because: '"C1: Set to 0"; AMD leaves it.',
  },
  {
    forms: /\| (FU?COMP?P?|FICOMP?|FTST)\b/,
    what: /^fsw$/,
    when: (found) => unmasked(found.got) !== 0 && onlyBits(found, CODES),
    because: '"If the invalid-arithmetic-operand exception is unmasked, the condition code flags are not set"; AMD sets them.',
  },
  {
    forms: /\| FLD ST/,
    what: /^fsw$/,
    when: (found) => onlyBits(found, C1),
    because: 'Source empty and stack full at once: the manual does not say which of the two stack faults C1 tells of.',
  },
  {
    forms: /\| (F2XM1|FYL2X(P1)?|FPTAN|FPATAN|FSIN|FCOS|FSINCOS)$/,
    what: /^fsw$/,
    when: (found) => onlyBits(found, C1),
    because: '"C1: Set if result was rounded up; cleared otherwise": of a transcendental function that only the exact value tells.',
  },
  {
    forms: /\| (F2XM1|FYL2X(P1)?|FPTAN|FPATAN|FSIN|FCOS|FSINCOS)$/,
    what: /^st/,
    when: nearlyEqual,
    because: 'Transcendental functions: "the worst case error … is less than 1 ulp", of either processor.',
  },
  {
    forms: /\| (F2XM1|FYL2XP1)$/,
    when: (found) => exponentOfTop(found) >= BIAS - (found.c.form.instruction.name === 'F2XM1' ? 0 : 2),
    because: '"If the source value is outside this range, the result is undefined."',
  },
  {
    forms: /\bmm\d?\b/,
    what: /^(fsw|ftw|st\d)$/,
    when: ({ expected }) => expected.outcome === 'exception',
    because: 'Whether an MMX instruction that faults has entered the MMX state already is not said.',
  },
  {
    forms: /\| (ENTER|PUSHA)/,
    what: /^memory$/,
    when: ({ expected }) => expected.outcome === 'exception',
    because: 'What a faulting ENTER or PUSHA has already put below the stack pointer is nobody\'s.',
  },
];
