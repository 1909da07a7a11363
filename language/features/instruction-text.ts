/** What a hover or a completion says of a mnemonic: everything from the instruction's definition. */
import type { Form } from '../../emulator/isa/encoding.js';
import type { Dialect } from '../dialect.js';
import { asSentence, exceptionsOf, featuresOf } from '../exceptions.js';
import { ATT_MNEMONICS, readingsOf, type Reading } from '../mnemonics.js';
import { narrow, type Operand } from '../operands.js';

const MOST_READINGS = 5;
const SUFFIX_SIZES = [['b', 8], ['w', 16], ['l', 32], ['q', 64]] as const;

const MODES: Readonly<Record<string, string>> = { '64': '64-bit mode only', '32': 'not in 64-bit mode' };

/** Rows as the manual prints them; those that fit the operands are marked where not all do. */
function table(forms: readonly Form[], fitting: readonly Form[]): string {
  const marks = fitting.length > 0 && fitting.length < forms.length;
  const rows = new Map<string, { encoding: string; syntax: string; mode: string; fits: boolean }>();
  for (const form of forms) {
    const encoding = form.text.split('|')[0]!.trim(), mode = form.only === undefined ? '' : MODES[form.only]!;
    const key = `${encoding}|${form.syntax}|${mode}`;
    rows.set(key, { encoding, syntax: form.syntax, mode, fits: (rows.get(key)?.fits ?? false) || fitting.includes(form) });
  }
  const all = [...rows.values()];
  const width = (of: (row: (typeof all)[number]) => string): number => Math.max(...all.map((row) => of(row).length));
  const encodings = width(({ encoding }) => encoding), syntaxes = width(({ syntax }) => syntax);
  const lines = all.map(({ encoding, syntax, mode, fits }) => `${marks ? (fits ? '▸ ' : '  ') : ''}${encoding.padEnd(encodings)}  ${mode === '' ? syntax : `${syntax.padEnd(syntaxes)}  ${mode}`}`.trimEnd());
  return ['```text', ...lines, '```'].join('\n');
}

function sizes({ forms, printed, instruction }: Reading, mnemonic: string, dialect: Dialect): string | undefined {
  const known = new Set(forms.map((form) => (form.operands.some(({ text }) => /^(?:AL|r8|r\/m8|moffs8)$/.test(text)) && form.size === 0 ? 8 : form.size)).filter((size) => size !== 0));
  if (known.size < 2 || forms.every(({ operands }) => operands[0]?.kind === 'relative') || /^(?:SSE|MMX)/.test(instruction.feature ?? '')) return undefined;
  const stem = mnemonic === printed.toLowerCase() || !ATT_MNEMONICS.has(mnemonic) ? mnemonic : printed.toLowerCase();
  const spelled = SUFFIX_SIZES.filter(([, size]) => known.has(size)).map(([suffix, size]) => (dialect === 'AT&T' && ATT_MNEMONICS.has(stem + suffix) ? `${size} (\`${stem}${suffix}\`)` : `${size}`));
  return `**Operand sizes** ${spelled.join(', ')} bits`;
}

function heading(reading: Reading, mnemonic: string): string {
  const { instruction, printed, size, waits } = reading;
  const title = `**${printed}** — ${instruction.summary}`;
  if (mnemonic === printed.toLowerCase()) return title;
  return `${title}\n\n\`${mnemonic}\` is ${waits ? 'WAIT, then ' : ''}${printed}${size === undefined ? '' : ` with ${size}-bit operands`}.`;
}

function flags({ flags: affected, undefinedFlags }: Reading['instruction']): string | undefined {
  const names = undefinedFlags?.trim().split(/\s+/) ?? [];
  const isSaid = affected !== undefined && names.every((name) => new RegExp(`\\b${name}\\b[^.;]*\\bundefined`, 'i').test(affected));
  const tail = names.length > 0 && !isSaid ? `Undefined: ${names.join(', ')}.` : '';
  const text = [affected, tail].filter(Boolean).join(' ');
  return text === '' ? undefined : `**Flags** ${asSentence(text)}`;
}

export function readingText(reading: Reading, mnemonic: string, dialect: Dialect, fitting: readonly Form[] = []): string {
  const { instruction, forms } = reading;
  return [
    heading(reading, mnemonic),
    table(forms, fitting),
    sizes(reading, mnemonic, dialect),
    flags(instruction),
    `**Exceptions**\n${exceptionsOf(instruction, forms).map((line) => `- ${line}`).join('\n')}`,
    instruction.vmExit === undefined ? undefined : `**VM exit** from VMX non-root operation: ${instruction.vmExit}`,
    featuresOf(forms).length === 0 ? undefined : `**CPUID** ${featuresOf(forms).join(', ')}`,
  ].filter((part) => part !== undefined).join('\n\n');
}

/** Everything about a mnemonic, confined by its operands where they are known. */
export function mnemonicText(mnemonic: string, dialect: Dialect, operands?: readonly Operand[]): string | undefined {
  const name = mnemonic.toLowerCase(), readings = readingsOf(name, dialect);
  if (readings.length === 0) return undefined;
  const judged = operands === undefined ? readings.map((reading) => ({ reading, fitting: [] })) : narrow(readings, operands);
  const texts = judged.slice(0, MOST_READINGS).map(({ reading, fitting }) => readingText(reading, name, dialect, fitting));
  return [...new Set(texts)].join('\n\n---\n\n');
}
