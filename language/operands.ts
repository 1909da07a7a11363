/** What kind of thing an operand is, as far as its text tells, and which rows of the manual take such operands. */
import type { Form, OperandSpec } from '../emulator/isa/encoding.js';
import type { Dialect } from './dialect.js';
import type { Reading } from './mnemonics.js';
import type { Statement } from './parser.js';
import { findRegister, type Register } from './registers.js';

export type Operand =
  | { readonly is: 'register'; readonly register: Register }
  | { readonly is: 'memory'; readonly bits: number | undefined; readonly hasRegister: boolean }
  | { readonly is: 'immediate' }
  /** The target of a branch; in other instructions memory there or a value, as the dialect has it. */
  | { readonly is: 'symbol'; readonly elsewhere: 'memory' | 'immediate' }
  /** An argument of a macro. */
  | { readonly is: 'unknown' };

const SIZE_WORDS: Readonly<Record<string, number>> = { byte: 8, word: 16, dword: 32, qword: 64, tword: 80, tbyte: 80, oword: 128, xmmword: 128, ymmword: 256 };
const REGISTER = /^%?(?:st\s*\(\s*\d\s*\)|\w+)$/i;

export function classify(text: string, dialect: Dialect): Operand {
  const bare = text.replace(/^\*\s*/, '').trim();
  if (/\\\w|%\{?\d/.test(bare)) return { is: 'unknown' };
  const port = /^\(\s*%dx\s*\)$/i.test(bare);
  if (port) return { is: 'register', register: findRegister('dx')! };
  const register = REGISTER.test(bare) && (dialect !== 'AT&T' || bare.startsWith('%')) ? findRegister(bare) : undefined;
  if (register) return { is: 'register', register };
  if (dialect === 'AT&T') {
    if (bare.startsWith('$')) return { is: 'immediate' };
    return /[(%]/.test(bare) || text.startsWith('*') || /^-?\d/.test(bare) && !/^\d+[bf]$/.test(bare) ? { is: 'memory', bits: undefined, hasRegister: bare.includes('%') } : { is: 'symbol', elsewhere: 'memory' };
  }
  const size = /^(?:short|near|far\s+)?(byte|[dqto]?word|tbyte|[xy]mmword)\b/i.exec(bare)?.[1];
  if (/\[|\bptr\b/i.test(bare)) return { is: 'memory', bits: size === undefined ? undefined : SIZE_WORDS[size.toLowerCase()], hasRegister: (bare.match(/\w+/g) ?? []).some((word) => findRegister(word)?.kind === 'gpr') };
  if (/^[-~(]*(?:\$?0x|\d|")/i.test(bare) && !/^\d+[bf]$/.test(bare) || /^offset\b/i.test(bare)) return { is: 'immediate' };
  return { is: 'symbol', elsewhere: dialect === 'NASM' ? 'immediate' : 'memory' };
}

/** In the manual's order: destination first. */
export function operandsOf({ operands, dialect }: Statement): Operand[] {
  const classified = operands.map(({ text }) => classify(text, dialect));
  return dialect === 'AT&T' ? classified.reverse() : classified;
}

function takesRegister(spec: OperandSpec, { kind, bits, number }: Register): boolean {
  if (!spec.mayBeRegister || spec.kind !== kind) return false;
  if (spec.place === 'fixed') return (kind !== 'gpr' || spec.bits === bits) && spec.register === number;
  return kind !== 'gpr' || spec.bits === bits;
}

const VALUES: ReadonlySet<OperandSpec['kind']> = new Set(['immediate', 'relative', 'far']);

function takes(spec: OperandSpec, operand: Operand): boolean {
  switch (operand.is) {
    case 'register': return takesRegister(spec, operand.register);
    case 'memory': return spec.mayBeMemory && !(operand.hasRegister && spec.place === 'moffs') && (operand.bits === undefined || spec.memoryBits === 0 || spec.memoryBits === operand.bits);
    case 'immediate': return VALUES.has(spec.kind);
    case 'symbol': return spec.kind === 'relative' || (operand.elsewhere === 'memory' ? spec.mayBeMemory : VALUES.has(spec.kind));
    case 'unknown': return true;
  }
}

/** Operands that the assembler lets out: `<XMM0>`, and the 1 of a shift. */
const explicit = ({ operands }: Form): readonly OperandSpec[] => operands.filter(({ text }) => !text.startsWith('<'));

export function fits(form: Form, operands: readonly Operand[]): boolean {
  const specs = explicit(form);
  const accepts = (some: readonly OperandSpec[]): boolean => some.length === operands.length && some.every((spec, index) => takes(spec, operands[index]!));
  return accepts(specs) || (specs.at(-1)?.text === '1' && accepts(specs.slice(0, -1)));
}

const isRelative = ({ operands }: Form): boolean => operands[0]?.kind === 'relative';

/** The readings that the operands allow, each with the rows that fit; all of them where none fits. */
export function narrow(readings: readonly Reading[], operands: readonly Operand[]): { readonly reading: Reading; readonly fitting: readonly Form[] }[] {
  const isBranch = operands.length === 1 && operands[0]!.is === 'symbol' && readings.some(({ forms }) => forms.some(isRelative));
  const judged = readings.map((reading) => ({ reading, fitting: reading.forms.filter((form) => fits(form, operands) && (!isBranch || isRelative(form))) }));
  const possible = judged.filter(({ fitting }) => fitting.length > 0);
  return possible.length > 0 ? possible : judged;
}
