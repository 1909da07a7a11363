/** Cuts the text of an expression into tokens. */
import { ExpressionError } from './expression-error.js';

export type Token = { readonly column: number; readonly length: number } & (
  | { readonly is: 'number'; readonly value: bigint }
  | { readonly is: 'name'; readonly text: string }
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'operator'; readonly text: string }
  | { readonly is: 'end' }
);

/** Far more than anybody writes; it bounds the work on what nobody wrote. */
const LONGEST = 4096;
const SPACE = /\s+/y;
const NAME = /[$#]?[A-Za-z_][\w$]*(?:::[A-Za-z_~][\w$]*)*/y;
const NUMBER = /\d\w*/y;
const TEXT = /"((?:[^"\\]|\\.)*)"/y;
const CHARACTER = /'((?:[^'\\]|\\x[0-9a-fA-F]{1,2}|\\.)+)'/y;
const OPERATOR = /\.\.|->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>=?:.,()[\]{}]/y;
const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, '0': 0, '\\': 0x5c, "'": 0x27, '"': 0x22, a: 7, b: 8, f: 12, v: 11, e: 27 };

export function tokenize(text: string): Token[] {
  if (text.length > LONGEST) throw new ExpressionError(LONGEST + 1, `the expression is longer than ${LONGEST} characters`);
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  for (;;) {
    at += match(SPACE)?.[0].length ?? 0;
    const column = at + 1;
    if (at >= text.length) return [...tokens, { is: 'end', column, length: 0 }];
    const found = match(NAME) ?? match(NUMBER) ?? match(TEXT) ?? match(CHARACTER) ?? match(OPERATOR);
    if (!found) throw new ExpressionError(column, unreadable(text[at]!));
    const [whole, inner] = found;
    at += whole.length;
    const place = { column, length: whole.length };
    if (/^\d/.test(whole)) {
      if (/^\.\d/.test(text.slice(at)) && !/^0[xXbB]/.test(whole)) throw new ExpressionError(column, 'not implemented: floating-point numbers');
      tokens.push({ is: 'number', value: parseNumber(whole, column), ...place });
    } else if (whole.startsWith('"')) tokens.push({ is: 'text', text: inner!.replace(/\\(.)/g, '$1'), ...place });
    else if (whole.startsWith("'")) tokens.push({ is: 'number', value: parseCharacter(inner!, column), ...place });
    else if (/^[$#A-Za-z_]/.test(whole)) tokens.push({ is: 'name', text: whole, ...place });
    else tokens.push({ is: 'operator', text: whole, ...place });
  }
}

function unreadable(character: string): string {
  if (character === '"') return 'the text has no closing quotation mark';
  if (character === "'") return 'a character is written between two apostrophes, such as \'A\' or \'\\n\'';
  return `'${character}' has no meaning in an expression`;
}

function parseNumber(text: string, column: number): bigint {
  const digits = text.replaceAll('_', '');
  const assembler = /^(\d[0-9a-f]*)h$/i.exec(digits);
  if (assembler) return inRange(BigInt(`0x${assembler[1]}`), text, column);
  const prefixed = /^(0x[0-9a-f]+|0b[01]+)[ul]*$/i.exec(digits) ?? /^(0|[1-9]\d*)[ul]*$/i.exec(digits);
  if (prefixed) return inRange(BigInt(prefixed[1]!.toLowerCase()), text, column);
  if (/^0\d+$/.test(digits)) throw new ExpressionError(column, `'${text}' begins with 0: octal numbers are not known here, write it without the 0 or in hexadecimal as 0x…`);
  throw new ExpressionError(column, `'${text}' is not a number: write 123, 0x7b, 7bh or 0b1111011`);
}

function inRange(value: bigint, text: string, column: number): bigint {
  if (value >= 1n << 64n) throw new ExpressionError(column, `'${text}' does not fit into 64 bits`);
  return value;
}

function parseCharacter(inner: string, column: number): bigint {
  const hexadecimal = /^\\x([0-9a-fA-F]{1,2})$/.exec(inner);
  if (hexadecimal) return BigInt(parseInt(hexadecimal[1]!, 16));
  const escape = /^\\(.)$/.exec(inner)?.[1];
  const code = escape === undefined ? undefined : ESCAPES[escape];
  if (code !== undefined) return BigInt(code);
  const points = [...inner];
  if (points.length !== 1 || escape !== undefined) throw new ExpressionError(column, `'${inner}' is not one character`);
  return BigInt(points[0]!.codePointAt(0)!);
}
