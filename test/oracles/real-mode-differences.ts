/** Where an 80286 and today's processor differ in real-address mode, and why. */
import { AF, CF, OF, PF, SF, ZF } from '../../emulator/cpu/flags.js';
import type { MooRegister, MooTest } from './moo.js';
import { opcodeOf } from './real-mode-vectors.js';

export interface GenerationDifference {
  readonly because: string;
  readonly applies: (test: MooTest) => boolean;
  /** What today's processor does: raises that exception, executes the instruction, or leaves other values in these registers. */
  readonly today: number | 'executes' | readonly MooRegister[];
}

const LOCK = 0xf0, UD = 6, SS_FAULT = 12, GP = 13;
const LONGEST_ON_286 = 10;
/** The ModR/M byte: right behind an opcode of one byte. */
const modRmOf = ({ bytes }: MooTest): number => bytes[bytes.indexOf(opcodeOf(bytes)) + 1]!;
const regOf = (test: MooTest): number => (modRmOf(test) >> 3) & 7;
/** "… can be prepended only to the following instructions and only to those forms of the instructions where the destination operand is a memory operand." */
function lockable(test: MooTest): boolean {
  const opcode = opcodeOf(test.bytes), reg = regOf(test);
  if (modRmOf(test) >= 0xc0) return false;
  if (opcode < 0x38) return (opcode & 6) === 0;
  if (opcode >= 0x80 && opcode <= 0x83) return reg !== 7;
  if (opcode >= 0xfe) return reg < 2;
  return opcode === 0x86 || opcode === 0x87 || ((opcode === 0xf6 || opcode === 0xf7) && (reg === 2 || reg === 3));
}
const prefixesOf = ({ bytes }: MooTest): Uint8Array => bytes.subarray(0, bytes.indexOf(opcodeOf(bytes)));

const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e], SS_PREFIX = 0x36, DF = 0x400, LAST = 0xffff;
const POPS = [0x07, 0x17, 0x1f, 0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x61, 0x8f, 0x9d, 0xc2, 0xc3, 0xca, 0xcb, 0xcf];
/** Instructions of one byte, or with an immediate, whose operand in memory is DS:SI or an offset. */
const STRING_SOURCES = [0xa4, 0xa5, 0xa6, 0xa7, 0xac, 0xad, 0x6e, 0x6f], OFFSETS = [0xa0, 0xa1, 0xa2, 0xa3];
const NO_MODRM = [0x06, 0x0e, 0x16, 0x1e, 0x68, 0x6a, 0x9c, 0xaa, 0xab, 0xae, 0xaf, 0x6c, 0x6d, 0xd7];

/** Words that a string instruction moves before one lies across the end of its segment. */
function wordsToEnd(pointer: number, flags: number): number {
  const bytes = flags & DF ? (pointer - LAST) & LAST : (LAST - pointer) & LAST;
  return bytes % 2 === 0 ? bytes / 2 : Infinity;
}

/** Whether what lies across the end of a segment is the stack, or an operand in SS. */
function beyondStackSegment(test: MooTest): boolean {
  const opcode = opcodeOf(test.bytes), { sp = 0, bp = 0, si = 0, di = 0, flags = 0 } = test.before.registers;
  if (opcode === 0xc8) return true;
  if (opcode === 0xc9) return bp === LAST;
  if (POPS.includes(opcode) && wordsToEnd(sp, 0) < 8) return true;
  const override = [...prefixesOf(test)].filter((byte) => SEGMENT_PREFIXES.includes(byte)).at(-1);
  if (STRING_SOURCES.includes(opcode)) return override === SS_PREFIX && wordsToEnd(si, flags) <= ((opcode & 0xfc) === 0xa4 ? wordsToEnd(di, flags) : Infinity);
  if (OFFSETS.includes(opcode)) return override === SS_PREFIX;
  if (NO_MODRM.includes(opcode)) return opcode === 0xd7 && override === SS_PREFIX;
  const mod = modRmOf(test) >> 6, rm = modRmOf(test) & 7, byBp = rm === 2 || rm === 3 || (rm === 6 && mod !== 0);
  return mod !== 3 && (override === undefined ? byBp : override === SS_PREFIX);
}

export const GENERATION_DIFFERENCES: readonly GenerationDifference[] = [
  {
    because: 'LOCK before an instruction that it cannot lock is #UD since the 80386; SDM Vol. 3, "LOCK Prefix" of "Architecture Compatibility".',
    applies: (t) => prefixesOf(t).includes(LOCK) && !lockable(t), today: UD,
  },
  {
    because: 'Instructions may have 15 bytes since the 80386, 10 on the 80286; SDM Vol. 3, "Redundant Instruction Prefixes" of "Architecture Compatibility".',
    applies: ({ bytes, exception }) => exception?.vector === GP && bytes.length - 1 > LONGEST_ON_286, today: 'executes',
  },
  {
    because: 'FS and GS came with the 80386.',
    applies: (t) => t.exception?.vector === UD && [0x8c, 0x8e].includes(opcodeOf(t.bytes)) && [4, 5].includes(regOf(t)), today: 'executes',
  },
  {
    because: 'An access across the end of the stack segment is #SS; the 80286 raised interrupt 13 in real-address mode, whatever the segment.',
    applies: (t) => t.exception?.vector === GP && beyondStackSegment(t), today: SS_FAULT,
  },
  {
    because: 'INS and OUTS that fault have changed nothing today; the 80286 had advanced its pointer, and counted.',
    applies: ({ bytes, exception }) => exception?.vector === GP && [0x6c, 0x6d, 0x6e, 0x6f].includes(opcodeOf(bytes)), today: ['si', 'di', 'cx'],
  },
];

const SZP = SF | ZF | PF, ALL = CF | AF | OF | SZP;
const LOGIC = [0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x84, 0x85, 0xa8, 0xa9];

/** Flags that the manual calls undefined after an instruction ("Flags Affected" in Vol. 2). */
export function undefinedFlags(test: MooTest): number {
  const opcode = opcodeOf(test.bytes), reg = regOf(test);
  if (LOGIC.includes(opcode)) return AF;
  if (opcode >= 0x80 && opcode <= 0x83) return [1, 4, 6].includes(reg) ? AF : 0;
  if (opcode >= 0xd0 && opcode <= 0xd1) return reg >= 4 ? AF : 0;
  if ([0xc0, 0xc1, 0xd2, 0xd3].includes(opcode)) return shiftFlags(test, opcode, reg);
  switch (opcode) {
    case 0x27: case 0x2f: return OF;
    case 0x37: case 0x3f: return OF | SZP;
    case 0x69: case 0x6b: return SZP | AF;
    case 0xd4: case 0xd5: return OF | AF | CF;
    case 0xf6: case 0xf7: return reg < 2 ? AF : reg === 4 || reg === 5 ? SZP | AF : reg >= 6 ? ALL : 0;
    default: return 0;
  }
}

/** OF is defined for a count of 1, CF of a shift up to the width of the operand; a count of 0 changes nothing. */
function shiftFlags({ bytes, before }: MooTest, opcode: number, reg: number): number {
  const count = (opcode < 0xd0 ? bytes[bytes.length - 2]! : before.registers.cx!) & 0x1f, width = opcode & 1 ? 16 : 8;
  if (count === 0) return 0;
  const overflow = count === 1 ? 0 : OF;
  if (reg < 4) return overflow;
  return overflow | AF | ((reg === 4 || reg === 5 || reg === 6) && count >= width ? CF : 0);
}
