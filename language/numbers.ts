/** Numbers in the notations of the assemblers: `0x1f`, `1fh`, `0b101`, `101b`, `0o17`, `017`, `$0x10`, `1_000`. */
import type { Assembler } from './dialect.js';

const NUMBER = /(?<![\w.])\d\w*(?![\w.])/g;
const digits = (base: string, text: string): bigint | undefined => {
  try {
    return BigInt(base + text.replace(/_/g, ''));
  } catch {
    return undefined;
  }
};

const GNU: readonly (readonly [RegExp, string])[] = [[/^0x([\da-f]+)$/i, '0x'], [/^0b([01]+)$/i, '0b'], [/^0([0-7]+)$/, '0o'], [/^(\d+)$/, '']];
const NASM: readonly (readonly [RegExp, string])[] = [
  [/^0[xh]([\da-f_]+)$/i, '0x'], [/^0[by]([01_]+)$/i, '0b'], [/^0[oq]([0-7_]+)$/i, '0o'], [/^0[dt]([\d_]+)$/i, ''],
  [/^(\d[\da-f_]*)[hx]$/i, '0x'], [/^([01_]+)[by]$/i, '0b'], [/^([0-7_]+)[oq]$/i, '0o'], [/^([\d_]+)[dt]?$/i, ''],
];

export function parseNumber(text: string, assembler: Assembler): bigint | undefined {
  for (const [pattern, base] of assembler === 'NASM' ? NASM : GNU) {
    const match = pattern.exec(text);
    if (match) return digits(base, match[1]!);
  }
  return undefined;
}

export function numberAt(code: string, character: number, assembler: Assembler): { value: bigint; start: number; end: number } | undefined {
  for (const { 0: text, index } of code.matchAll(NUMBER)) {
    if (index > character || character > index + text.length) continue;
    const value = parseNumber(text, assembler);
    return value === undefined ? undefined : { value, start: index, end: index + text.length };
  }
  return undefined;
}

/** The value of a constant's expression where it is a plain number. */
export const constantValue = (expression: string, assembler: Assembler): bigint | undefined => parseNumber(expression.trim().replace(/^\((.*)\)$/, '$1').trim().replace(/(?<=\d)[uUlL]+$/, ''), assembler);
