/**
 * Every mnemonic that the assemblers accept for the instructions of the table: as the manual prints it, by its synonyms,
 * and as AT&T syntax spells it. All features and the grammars read this one table.
 * SDM Vol. 2, "Instruction Reference"; GNU as, "AT&T Mnemonic versus Intel Mnemonic".
 */
import { forms, type Form } from '../emulator/isa/encoding.js';
import { INSTRUCTIONS } from '../emulator/isa/index.js';
import type { Instruction } from '../emulator/isa/instruction.js';
import type { Dialect } from './dialect.js';

/** One thing that a mnemonic can mean: an entry of the table, and the rows to which this spelling confines it. */
export interface Reading {
  readonly instruction: Instruction;
  /** As the manual prints it. */
  readonly printed: string;
  readonly forms: readonly Form[];
  /** Operand size that the spelling tells, in bits. */
  readonly size?: number;
  /** The spelling puts a WAIT before the instruction. */
  readonly waits?: true;
}

/** The manual's conditions and their other names. SDM Vol. 2, "Jcc—Jump if Condition Is Met". */
const CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  B: ['C', 'NAE'], AE: ['NB', 'NC'], E: ['Z'], NE: ['NZ'], BE: ['NA'], A: ['NBE'], P: ['PE'], NP: ['PO'], L: ['NGE'], GE: ['NL'], LE: ['NG'], G: ['NLE'],
};
/** SDM Vol. 2, "CMPPS—Compare Packed Single Precision Floating-Point Values": pseudo-ops for the immediate. */
const COMPARISONS = ['EQ', 'LT', 'LE', 'UNORD', 'NEQ', 'NLT', 'NLE', 'ORD'], VEX_COMPARISONS = [
  ...COMPARISONS, 'EQ_UQ', 'NGE', 'NGT', 'FALSE', 'NEQ_OQ', 'GE', 'GT', 'TRUE', 'EQ_OS', 'LT_OQ', 'LE_OQ', 'UNORD_S', 'NEQ_US', 'NLT_UQ', 'NLE_UQ', 'ORD_S', 'EQ_US', 'NGE_UQ', 'NGT_UQ', 'FALSE_OS', 'NEQ_OS', 'GE_OQ', 'GT_OQ', 'TRUE_US',
];

/** The same rows by another name, whatever the dialect. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(['J', 'SET', 'CMOV'].flatMap((stem) => Object.entries(CONDITIONS).map(([name, others]) => [stem + name, others.map((other) => stem + other)]))),
  ...Object.fromEntries(['PS', 'PD', 'SS', 'SD'].flatMap((type) => ([['CMP', COMPARISONS], ['VCMP', VEX_COMPARISONS]] as const).map(([stem, all]) => [stem + type, all.map((comparison) => `${stem}${comparison}${type}`)]))),
  LOOPE: ['LOOPZ'], LOOPNE: ['LOOPNZ'], JRCXZ: ['JECXZ', 'JCXZ'], SHL: ['SAL'], UD2: ['UD2A'], UD1: ['UD2B'], WAIT: ['FWAIT'], INT1: ['ICEBP'],
  PREFETCHh: ['PREFETCHT0', 'PREFETCHT1', 'PREFETCHT2', 'PREFETCHNTA'], XLATB: ['XLAT'],
};
/** SDM Vol. 2, "FINIT/FNINIT—Initialize Floating-Point Unit" and the like: the names without N wait for pending exceptions first. */
const isNotWaiting = (printed: string): boolean => /^FN(?!OP)/.test(printed);
const isPattern = (printed: string): boolean => /[a-z]/.test(printed);

const isFar = ({ operands, opcode }: Form): boolean => operands.some(({ kind, text }) => kind === 'far' || text.startsWith('m16:')) || opcode === 0xca || opcode === 0xcb;
/** Names for the far forms alone, and for the near ones. */
const DISTANCES: Readonly<Record<string, readonly (readonly [name: string, far: boolean])[]>> = {
  RET: [['RETF', true], ['LRET', true], ['RETN', false]], JMP: [['LJMP', true]], CALL: [['LCALL', true]],
};

const SUFFIXES: Readonly<Record<number, string>> = { 8: 'b', 16: 'w', 32: 'l', 64: 'q' };
const X87_SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  m32fp: ['s'], m64fp: ['l'], m80fp: ['t'], m16int: ['s'], m32int: ['l'], m64int: ['ll', 'q'], 'm16&32': ['l'], 'm16&64': ['q'],
};
/** Sign extensions, which AT&T syntax names after both sizes. */
const EXTENSIONS: Readonly<Record<string, string>> = { CBW: 'cbtw', CWDE: 'cwtl', CDQE: 'cltq', CWD: 'cwtd', CDQ: 'cltd', CQO: 'cqto' };
const MOVES_WITH_EXTENSION: Readonly<Record<string, string>> = { MOVZX: 'movz', MOVSX: 'movs', MOVSXD: 'movs' };

/** The SSE instructions whose operand size is that of a general register. */
const SSE_WITH_SIZE = /^(?:V?CVTSI2|V?CVTT?S[SD]2SI|MOVNTI)/;
/** Those whose memory operand does not show the vector length, which AT&T syntax names then. */
const NARROWING = /^VCVTT?PD2(?:PS|DQ)$/, LENGTH_SUFFIXES = { 128: 'x', 256: 'y' } as const;

/** The operand size that an AT&T suffix would tell. */
function suffixSize(form: Form): number | undefined {
  const { operands, features, size, syntax } = form;
  if (features.some((feature) => /^(SSE|MMX|AVX)/.test(feature)) && !SSE_WITH_SIZE.test(syntax)) return undefined;
  if (operands.some(({ kind, text }) => kind === 'relative' || text === 'm128' || kind === 'st')) return undefined;
  if (operands.some(({ text }) => /^(AL|r8|r\/m8|moffs8)$/.test(text)) && !/^(MOVZX|MOVSX|CRC32)/.test(syntax)) return 8;
  return size === 0 ? undefined : size;
}

function* attSpellings(stem: string, { instruction, printed, forms: rows }: Reading): Generator<readonly [spelling: string, reading: Reading]> {
  const extension = MOVES_WITH_EXTENSION[printed], converted = EXTENSIONS[printed];
  if (converted !== undefined) { yield [converted, { instruction, printed, forms: rows }]; return; }
  for (const row of rows) {
    const one = (spelling: string, size?: number) => [spelling, { instruction, printed, forms: [row], ...(size !== undefined && { size }) }] as const;
    if (extension !== undefined) {
      const [to, from] = row.operands;
      if (to && from) yield one(`${extension}${SUFFIXES[from.memoryBits]!}${SUFFIXES[to.bits]!}`, to.bits);
      continue;
    }
    for (const { text } of row.operands) for (const suffix of X87_SUFFIXES[text] ?? []) yield one(stem + suffix);
    if (NARROWING.test(printed)) yield one(stem + LENGTH_SUFFIXES[row.vex!.length as 128 | 256]);
    const size = suffixSize(row);
    if (size === undefined) continue;
    const suffix = SUFFIXES[size]!;
    if (printed === `${instruction.name}D`) yield one(`${instruction.name.toLowerCase()}l`, size);
    else if (printed.replace(/^V(?=CVT)/, '') === instruction.name) yield one(stem + suffix, size);
  }
}

class Spellings {
  readonly readings = new Map<string, Reading[]>();

  /** Rows of one entry under the same spelling become one reading. */
  add(spelling: string, reading: Reading): void {
    const key = spelling.toLowerCase(), known = this.readings.get(key) ?? [];
    const same = known.findIndex(({ instruction, printed }) => instruction === reading.instruction && printed === reading.printed);
    if (same < 0) known.push(reading);
    else known[same] = { ...known[same]!, forms: [...new Set([...known[same]!.forms, ...reading.forms])] };
    this.readings.set(key, known);
  }
}

function readTable(instructions: readonly Instruction[]) {
  const plain = new Spellings(), att = new Spellings();
  const everywhere = (spelling: string, reading: Reading): void => {
    plain.add(spelling, reading);
    for (const [suffixed, confined] of attSpellings(spelling.toLowerCase(), reading)) att.add(suffixed, confined);
  };
  for (const instruction of instructions) {
    const byName = new Map<string, Form[]>();
    for (const row of forms(instruction)) {
      const printed = row.syntax.split(' ')[0]!;
      byName.set(printed, [...(byName.get(printed) ?? []), row]);
    }
    for (const [printed, rows] of byName) {
      const reading: Reading = { instruction, printed, forms: rows };
      if (!isPattern(printed)) everywhere(printed, reading);
      for (const synonym of SYNONYMS[printed] ?? []) everywhere(synonym, reading);
      if (isNotWaiting(printed)) plain.add(printed.replace('FN', 'F'), { ...reading, waits: true });
      for (const [name, far] of DISTANCES[printed] ?? []) {
        const confined = rows.filter((row) => isFar(row) === far);
        if (far && confined.length > 0) everywhere(name, { ...reading, forms: confined });
        if (!far) plain.add(name, { ...reading, forms: confined });
      }
    }
    if (instruction.repeats && !byName.has(instruction.name)) plain.add(instruction.name, { instruction, printed: instruction.name, forms: [...byName.values()].flat() });
  }
  for (const reading of plain.readings.get('mov') ?? []) {
    const wide = reading.forms.filter(({ operands }) => operands.some(({ text }) => text === 'imm64' || text.startsWith('moffs')));
    for (const spelling of ['movabs', 'movabsq']) if (wide.length > 0) att.add(spelling, { ...reading, forms: wide });
  }
  return { plain: plain.readings as ReadonlyMap<string, readonly Reading[]>, att: att.readings as ReadonlyMap<string, readonly Reading[]> };
}

const TABLE = readTable(INSTRUCTIONS);

/** As the manual spells them, with synonyms; and what AT&T syntax adds. Small letters. */
export const PLAIN_MNEMONICS: ReadonlySet<string> = new Set(TABLE.plain.keys());
export const ATT_MNEMONICS: ReadonlySet<string> = new Set([...TABLE.att.keys()].filter((name) => !TABLE.plain.has(name)));

/** What a mnemonic means in a dialect; spellings of AT&T syntax are understood in the others where they mean nothing else. */
export function readingsOf(mnemonic: string, dialect: Dialect): readonly Reading[] {
  const name = mnemonic.toLowerCase(), plain = TABLE.plain.get(name) ?? [];
  return dialect === 'AT&T' || plain.length === 0 ? [...plain, ...(TABLE.att.get(name) ?? [])] : plain;
}
export const isMnemonic = (word: string): boolean => PLAIN_MNEMONICS.has(word.toLowerCase()) || ATT_MNEMONICS.has(word.toLowerCase());

/** SDM Vol. 2, "Instruction Prefixes". */
export const PREFIXES: Readonly<Record<string, string>> = {
  lock: 'The read and the write of the memory operand are one: no other processor comes between. Other instructions or operands: #UD.',
  rep: 'Repeats the string instruction RCX times.',
  repe: 'Repeats the string instruction while RCX is not 0 and ZF is 1.',
  repz: 'Repeats the string instruction while RCX is not 0 and ZF is 1.',
  repne: 'Repeats the string instruction while RCX is not 0 and ZF is 0.',
  repnz: 'Repeats the string instruction while RCX is not 0 and ZF is 0.',
  data16: 'Operand-size override: 16 bits in 32- and 64-bit code.',
  data32: 'Operand-size override: 32 bits in 16-bit code.',
  addr16: 'Address-size override: 16 bits in 32-bit code.',
  addr32: 'Address-size override: 32 bits in 16- and 64-bit code.',
  rex64: 'REX.W: 64-bit operand size.',
  bnd: 'Keeps the bounds registers in a branch; without MPX it does nothing.',
  notrack: 'The indirect branch needs no ENDBR at its target.',
};
