/** The three ways to write x86 assembly, and how a source tells which one it is in. */
import { GNU_DIRECTIVES, NASM_DIRECTIVES } from './directives.js';

export type Assembler = 'GNU' | 'NASM';
export type Dialect = 'AT&T' | 'GNU Intel' | 'NASM';

const alternatives = (words: Iterable<string>): string => [...words].sort((a, b) => b.length - a.length || (a < b ? -1 : 1)).join('|');

/** Lines of the C preprocessor; `# if` and `# else` with a space may well be English. */
export const C_PREPROCESSOR = '#(?:\\s*(?:include|define|undef|ifdef|ifndef|elif|endif|pragma)|if|else|error|warning|line)\\b';
export const NASM_PREPROCESSOR = '%(?:[ix]?define|undef|[i]?macro|endmacro|unmacro|assign|include|if\\w*|elif\\w*|else|endif|rep|endrep|rotate|exitrep|error|warning|fatal|push|pop|strlen|substr|strcat|local|arg|stacksize|use|pathsearch|depend|line|comment|endcomment|deftok|defstr|unimacro|clear)\\b';
const AT_AND_T_REGISTER = '%(?:[re]?[abcd]x|[re]?[sd]i|[re]?[sb]p|rip|[abcd][lh]|r\\d+[dwb]?|[c-gs]s|[cd]r\\d+|[xyz]?mm\\d+|st)\\b';
const NASM_DATA = [...NASM_DIRECTIVES].filter(([, { names }]) => names === 'data').map(([name]) => name);
const NASM_STATEMENTS = [...NASM_DIRECTIVES].filter(([, { names }]) => names !== 'data').map(([name]) => name);

/** Sources of regular expressions, for the grammars too: a line that only the one assembler would accept. Letter case does not matter. */
export const GNU_LINE = `^\\s*(?:(?:[\\w.$]+:\\s*)*\\.(?:${alternatives([...GNU_DIRECTIVES.keys()].map((name) => name.slice(1)))})\\b(?!:)|\\d+:|#|/[*/]|[^;#"'\`]*${AT_AND_T_REGISTER})`;
export const NASM_LINE = `^\\s*(?:\\[?\\s*(?:${alternatives(NASM_STATEMENTS)})\\b(?!:)|${NASM_PREPROCESSOR}|(?:[\\w.$@?~]+(?::\\s*|\\s+))?(?:${alternatives(NASM_DATA)})\\s)`;

const EVIDENCE = new RegExp(`(${GNU_LINE})|(${NASM_LINE})`, 'im');
const extensionOf = (uri: string): string => /\.(\w+)$/.exec(uri)?.[1] ?? '';

/** The first line that only one of them accepts decides; without any, the file's extension. */
export function detectAssembler(uri: string, text: string): Assembler {
  const extension = extensionOf(uri);
  if (extension === 'nasm') return 'NASM';
  if (extension === 'S' || extension === 'h') return 'GNU';
  const found = EVIDENCE.exec(text);
  if (found) return found[1] === undefined ? 'NASM' : 'GNU';
  return extension === 's' ? 'GNU' : 'NASM';
}

/** Files that pass through the C preprocessor before the assembler reads them: elsewhere `#define` is a comment. */
export const isPreprocessed = (uri: string): boolean => extensionOf(uri) !== 's';
export const isHeader = (uri: string): boolean => extensionOf(uri) === 'h';
