/** A tolerant parser: every line becomes statements, whatever it holds, in GNU (AT&T, Intel) and NASM syntax. */
import { detectAssembler, isHeader, isPreprocessed, type Assembler, type Dialect } from './dialect.js';
import { NASM_DIRECTIVES } from './directives.js';
import { clean, isPreprocessorLine, split, type Span } from './line.js';
import { isMnemonic, PREFIXES } from './mnemonics.js';

export type { Span } from './line.js';

export interface Statement {
  readonly kind: 'instruction' | 'directive' | 'preprocessor' | 'assignment' | 'empty';
  readonly dialect: Dialect;
  readonly labels: readonly Span[];
  readonly prefixes: readonly Span[];
  /** The mnemonic, directive or macro; of an assignment, the name. */
  readonly head: Span | undefined;
  readonly operands: readonly Span[];
  /** Everything after the head. */
  readonly rest: Span;
  /** Inside a macro or repetition, and inside something conditional. */
  readonly inMacro: boolean;
  readonly isConditional: boolean;
}

export interface Parsed {
  readonly uri: string;
  readonly assembler: Assembler;
  readonly lines: readonly string[];
  /** The lines without comments. */
  readonly code: readonly string[];
  readonly statements: readonly Statement[];
}

const GNU_LABEL = /^\s*([A-Za-z_.$\\][\w.$\\@()]*|\d+(?:\\@)?)\s*:(?![:=])/;
const NASM_LABEL = /^\s*((?:%%|%\$+)?[A-Za-z_.?@$][\w.$#@~?%{}]*)\s*:(?!:)/;
const WORD = { GNU: /^[^\s:=,;()"]+/, NASM: /^(?:%%?[\w$]+|\.?[^\s:,;()"[\]]+|\[)/ } as const;
const ASSIGNMENT = /^([A-Za-z_.$][\w.$]*)\s*=(?!=)/;
const LOCAL_PLACE = /^[A-Za-z_.?@][\w.$#@~?]*$/;

const OPENS = { macro: /^(?:\.(?:macro|rept|irpc?)|%(?:i?macro|rep))$/i, condition: /^(?:\.if\w*|#\s*if\w*|%if\w*)$/i };
const CLOSES = { macro: /^(?:\.end[mr]|%end(?:macro|rep))$/i, condition: /^(?:\.endif|#\s*endif|%endif)$/i };

interface State {
  dialect: Dialect;
  macroDepth: number;
  conditionDepth: number;
}

export function parse(uri: string, text: string): Parsed {
  const assembler = detectAssembler(uri, text), preprocessed = isPreprocessed(uri);
  const lines = text.split(/\r\n|\r|\n/);
  const state: State = { dialect: assembler === 'NASM' ? 'NASM' : 'AT&T', macroDepth: 0, conditionDepth: 0 };
  const code: string[] = [], statements: Statement[] = [];
  let inComment = false, continues = false;
  for (const [number, line] of lines.entries()) {
    const cleaned = clean(line, assembler, inComment, preprocessed);
    inComment = cleaned.inComment;
    code.push(cleaned.code);
    if (assembler === 'GNU' && preprocessed && (continues || isPreprocessorLine(cleaned.code))) {
      if (!continues) statements.push(preprocessorStatement(cleaned.code, number, state));
      continues = /\\\s*$/.test(line);
    } else if (!isHeader(uri) || /^\s*\.(?:end)?m/.test(line) || state.macroDepth > 0) {
      const parts = assembler === 'GNU' ? split(cleaned.code, number, 0, cleaned.code.length, ';') : [{ text: cleaned.code, line: number, start: 0, end: cleaned.code.length }];
      for (const part of parts) statements.push(statement(cleaned.code, part, state, assembler));
    }
  }
  return { uri, assembler, lines, code, statements };
}

const spanAt = (code: string, line: number, start: number, end: number): Span => ({ text: code.slice(start, end), line, start, end });

/** `#define name value`: the head is `#define`, operands are what follows, at spaces. */
function preprocessorStatement(code: string, line: number, state: State): Statement {
  const head = /#\s*\w*/.exec(code)!, start = head.index, end = start + head[0].length;
  const made = { ...here(state, head[0]), kind: 'preprocessor' as const, labels: [], prefixes: [], head: spanAt(code, line, start, end), rest: spanAt(code, line, end, code.length), operands: split(code, line, end, code.length, ' ') };
  enter(state, head[0]);
  return made;
}

const here = ({ dialect, macroDepth, conditionDepth }: State, head: string): Pick<Statement, 'dialect' | 'inMacro' | 'isConditional'> =>
  ({ dialect, inMacro: macroDepth > 0 && !(macroDepth === 1 && CLOSES.macro.test(head)), isConditional: conditionDepth > 0 });

function enter(state: State, head: string): void {
  if (OPENS.macro.test(head)) state.macroDepth++;
  else if (CLOSES.macro.test(head)) state.macroDepth = Math.max(0, state.macroDepth - 1);
  else if (OPENS.condition.test(head)) state.conditionDepth++;
  else if (CLOSES.condition.test(head)) state.conditionDepth = Math.max(0, state.conditionDepth - 1);
  else if (/^\.intel_(?:syntax|mnemonic)$/i.test(head)) state.dialect = 'GNU Intel';
  else if (/^\.att_(?:syntax|mnemonic)$/i.test(head)) state.dialect = 'AT&T';
}

function statement(code: string, part: Span, state: State, assembler: Assembler): Statement {
  const { line, end } = part;
  const labels: Span[] = [], prefixes: Span[] = [];
  let at = part.start;
  const skipSpace = (): void => { while (at < end && /\s/.test(code[at]!)) at++; };
  const pattern = assembler === 'GNU' ? GNU_LABEL : NASM_LABEL;
  for (let label = pattern.exec(code.slice(at, end)); label; label = pattern.exec(code.slice(at, end))) {
    const start = at + label[0].indexOf(label[1]!);
    labels.push(spanAt(code, line, start, start + label[1]!.length));
    at += label[0].length;
  }
  skipSpace();
  const word = (): Span | undefined => {
    const match = WORD[assembler].exec(code.slice(at, end));
    return match ? spanAt(code, line, at, at + match[0].length) : undefined;
  };
  const assignment = assembler === 'GNU' ? ASSIGNMENT.exec(code.slice(at, end)) : null;
  if (assignment) {
    const head = spanAt(code, line, at, at + assignment[1]!.length), rest = spanAt(code, line, at + assignment[0].length, end);
    return { ...here(state, head.text), kind: 'assignment', labels, prefixes, head, rest, operands: split(code, line, rest.start, end, ',') };
  }
  let head = word();
  if (head && assembler === 'NASM' && labels.length === 0 && isLabelWithoutColon(head.text, code.slice(head.end, end))) {
    labels.push(head);
    at = head.end;
    skipSpace();
    head = word();
  }
  if (head?.text === '[') {
    at = head.end;
    skipSpace();
    head = word();
  }
  while (head && head.text.toLowerCase() in PREFIXES && code.slice(head.end, end).trim() !== '') {
    prefixes.push(head);
    at = head.end;
    skipSpace();
    head = word();
  }
  const rest = spanAt(code, line, head?.end ?? end, end);
  const made: Statement = { ...here(state, head?.text ?? ''), kind: kindOf(head, assembler), labels, prefixes, head, rest, operands: split(code, line, rest.start, end, ',') };
  if (head) enter(state, head.text);
  return made;
}

function kindOf(head: Span | undefined, assembler: Assembler): Statement['kind'] {
  if (!head) return 'empty';
  if (assembler === 'GNU') return head.text.startsWith('.') ? 'directive' : 'instruction';
  if (head.text.startsWith('%')) return 'preprocessor';
  return NASM_DIRECTIVES.has(head.text.toLowerCase()) ? 'directive' : 'instruction';
}

/** `buffer resb 512`, `SIZE equ 4`, `start mov ax, 1`: the first word is nothing that NASM knows, the second is. */
function isLabelWithoutColon(first: string, rest: string): boolean {
  const known = (word: string): boolean => isMnemonic(word) || NASM_DIRECTIVES.has(word.toLowerCase()) || word.toLowerCase() in PREFIXES;
  if (!LOCAL_PLACE.test(first) || known(first)) return false;
  const second = /^\s+([\w]+)/.exec(rest)?.[1];
  return second !== undefined && known(second);
}
