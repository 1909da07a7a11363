/** One line of assembly without its comments, and the statements in it. It never fails: what is not understood stays a statement. */
import { C_PREPROCESSOR, type Assembler } from './dialect.js';

export interface Span {
  readonly text: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

export interface CleanLine {
  /** As long as the line: comments are spaces, and strings are `"` from end to end. */
  readonly code: string;
  /** A block comment goes on in the next line. */
  readonly inComment: boolean;
}

const C_PREPROCESSOR_LINE = new RegExp(`^\\s*${C_PREPROCESSOR}`);
const IS_STRING = '"';
/** A quotation mark stands for a character after these in the GNU assembler: `'a`, `$'\n'`. */
const CHARACTER = /^'(\\.|[^\\])'?/;

function endOfString(text: string, start: number, assembler: Assembler): number {
  const quote = text[start]!;
  const hasEscapes = assembler === 'GNU' || quote === '`';
  for (let at = start + 1; at < text.length; at++) {
    if (hasEscapes && text[at] === '\\') at++;
    else if (text[at] === quote) return at + 1;
  }
  return text.length;
}

export const isPreprocessorLine = (text: string): boolean => C_PREPROCESSOR_LINE.test(text);

/** Blanks out comments and fills strings, so that what is left can be searched. */
export function clean(text: string, assembler: Assembler, inComment: boolean, preprocessed: boolean): CleanLine {
  const out = [...text.split('')];
  const blank = (from: number, to: number, filler = ' '): void => { out.fill(filler, from, to); };
  const keepsHash = preprocessed && !inComment && isPreprocessorLine(text);
  let at = 0;
  if (keepsHash) at = text.indexOf('#') + 1;
  while (at < text.length) {
    const rest = text.startsWith.bind(text);
    if (inComment) {
      const end = text.indexOf('*/', at), to = end < 0 ? text.length : end + 2;
      blank(at, to);
      inComment = end < 0;
      at = to;
    } else if (assembler === 'NASM' ? text[at] === ';' : (text[at] === '#' && !keepsHash) || rest('//', at)) {
      blank(at, text.length);
      break;
    } else if (assembler === 'GNU' && rest('/*', at)) {
      inComment = true;
    } else if (text[at] === '"' || (assembler === 'NASM' && (text[at] === "'" || text[at] === '`'))) {
      const end = endOfString(text, at, assembler);
      blank(at, end, IS_STRING);
      at = end;
    } else if (text[at] === "'" && CHARACTER.test(text.slice(at))) {
      const end = at + CHARACTER.exec(text.slice(at))![0].length;
      blank(at, end, IS_STRING);
      at = end;
    } else at++;
  }
  return { code: out.join(''), inComment };
}

/** Splits at a separator outside brackets and strings; spans are trimmed. */
export function split(code: string, line: number, from: number, to: number, separator: string): Span[] {
  const spans: Span[] = [];
  let depth = 0, start = from;
  const push = (end: number): void => {
    let first = start, last = end;
    while (first < last && /\s/.test(code[first]!)) first++;
    while (last > first && /\s/.test(code[last - 1]!)) last--;
    if (first < last) spans.push({ text: code.slice(first, last), line, start: first, end: last });
    start = end + 1;
  };
  for (let at = from; at < to; at++) {
    const character = code[at]!;
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    else if (character === separator && depth <= 0) push(at);
  }
  push(to);
  return spans;
}
