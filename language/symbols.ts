/** What a source defines and where it names it: labels, constants, macros, sections. */
import type { Assembler } from './dialect.js';
import { GNU_DIRECTIVES, NASM_DIRECTIVES } from './directives.js';
import { split, type Span } from './line.js';
import { isMnemonic, PREFIXES } from './mnemonics.js';
import type { Parsed, Statement } from './parser.js';
import { findRegister } from './registers.js';

export type SymbolKind = 'label' | 'numeric label' | 'constant' | 'macro' | 'section' | 'structure' | 'common';

export interface Definition {
  /** As the linker would know it: a NASM local label with its parent before it. */
  readonly name: string;
  readonly kind: SymbolKind;
  readonly place: Span;
  /** Of a constant: the expression. Of a macro: its parameters. */
  readonly value?: string;
  /** It may be defined several times, or not at all: in a macro, or under a condition. */
  readonly isCertain: boolean;
  /** It gets a new value where it is defined again. */
  readonly isVariable: boolean;
}

export interface Reference {
  readonly name: string;
  readonly place: Span;
}

export interface Include {
  readonly path: string;
  readonly place: Span;
}

export interface Symbols {
  readonly definitions: readonly Definition[];
  readonly references: readonly Reference[];
  readonly includes: readonly Include[];
  /** Names that other modules can see, and names that others define. */
  readonly globals: ReadonlySet<string>;
  readonly externals: ReadonlySet<string>;
}

const NAME: Readonly<Record<Assembler, RegExp>> = {
  GNU: /(?<![\w.%\\@])(?:[A-Za-z_.][\w.$]*|\d+[bf](?![\w.]))/g,
  NASM: /(?<![\w.$#@~?%])(?:%%|%\$+)?[A-Za-z_.?@][\w.$#@~?]*/g,
};
const NUMERIC = /^\d+$/;
const isLocal = (name: string): boolean => /^\.(?!\.)/.test(name);

const GLOBAL = /^(?:\.globa?l|\.weak|global)$/i, EXTERNAL = /^(?:\.extern|extern)$/i, SECTION = /^(?:\.(?:push)?section|section|segment)$/i;
const SECTION_BY_NAME = /^\.(?:text|data|bss|rodata)$/;
const SETS = /^\.(?:set|equ|equiv)$/, COMMON = /^(?:\.l?comm|common)$/i, STRUCTURE = /^struc$/i;
const MACRO = /^(?:\.macro|%i?macro)$/i, DEFINE = /^(?:#\s*define|%[ix]?define|%i?assign|%defstr|%deftok)$/i, INCLUDE = /^(?:\.include|#\s*include|%include)$/i;

class Collector {
  readonly definitions: Definition[] = [];
  readonly references: Reference[] = [];
  readonly includes: Include[] = [];
  readonly globals = new Set<string>();
  readonly externals = new Set<string>();
  private parent = '';

  constructor(private readonly parsed: Parsed) {}

  private get isNasm(): boolean {
    return this.parsed.assembler === 'NASM';
  }

  /** NASM's labels that begin with one full stop belong to the label before them. */
  private fullName(name: string): string {
    return this.isNasm && isLocal(name) ? this.parent + name : name;
  }

  private define(kind: SymbolKind, place: Span, statement: Statement, more: { value?: string; isVariable?: boolean; name?: string } = {}): void {
    const { value, isVariable = false, name = place.text } = more;
    const isCertain = !statement.inMacro && !statement.isConditional && !/[\\{]|^%/.test(place.text);
    this.definitions.push({ name, kind, place, isCertain, isVariable, ...(value !== undefined && { value: value.trim() }) });
  }

  private refer(span: Span): void {
    for (const match of span.text.matchAll(NAME[this.parsed.assembler])) {
      const text = match[0];
      if (text === '.' || findRegister(text)) continue;
      const start = span.start + match.index;
      this.references.push({ name: this.fullName(text), place: { text, line: span.line, start, end: start + text.length } });
    }
  }

  private firstWord(span: Span): Span | undefined {
    const match = /[\w.$#@~?%]+/.exec(span.text);
    return match ? { text: match[0], line: span.line, start: span.start + match.index, end: span.start + match.index + match[0].length } : undefined;
  }

  private include(statement: Statement): void {
    const line = statement.rest.line, text = this.parsed.lines[line]!;
    const match = /["'<`]([^"'>`]+)["'>`]/.exec(text.slice(statement.rest.start));
    if (!match) return;
    const start = statement.rest.start + match.index + 1;
    this.includes.push({ path: match[1]!, place: { text: match[1]!, line, start, end: start + match[1]!.length } });
  }

  private labels(statement: Statement): void {
    const { labels, head, rest } = statement;
    for (const label of labels) {
      if (head?.text.toLowerCase() === 'equ') { this.define('constant', label, statement, { value: rest.text, name: this.fullName(label.text) }); continue; }
      const numeric = NUMERIC.test(label.text);
      const name = this.fullName(label.text);
      if (this.isNasm && !isLocal(label.text) && !/^%|^\.\./.test(label.text)) this.parent = label.text;
      this.define(numeric ? 'numeric label' : 'label', label, statement, { name, isVariable: numeric });
    }
  }

  collect(statement: Statement): void {
    this.labels(statement);
    const { head, rest, operands } = statement;
    if (!head) return;
    if (statement.kind === 'assignment') {
      if (head.text !== '.') this.define('constant', head, statement, { value: rest.text, isVariable: true });
      this.refer(rest);
      return;
    }
    const word = head.text;
    if (INCLUDE.test(word)) { this.include(statement); return; }
    if (DEFINE.test(word) || MACRO.test(word)) { this.defineMacro(statement, word); return; }
    if (SECTION.test(word) || SECTION_BY_NAME.test(word)) {
      const name = SECTION_BY_NAME.test(word) ? head : operands[0] && (this.firstWord(operands[0]) ?? operands[0]);
      if (name && name.text.trim() !== '') this.define('section', name, statement, { isVariable: true });
      return;
    }
    if (SETS.test(word) || COMMON.test(word) || STRUCTURE.test(word)) {
      const name = operands[0] && this.firstWord(operands[0]);
      if (!name) return;
      if (STRUCTURE.test(word)) this.parent = name.text;
      const after = operands[1] ? { ...rest, text: this.parsed.code[rest.line]!.slice(operands[1].start, rest.end), start: operands[1].start } : undefined;
      this.define(SETS.test(word) ? 'constant' : STRUCTURE.test(word) ? 'structure' : 'common', name, statement, { isVariable: word !== '.equiv' && !STRUCTURE.test(word), ...(after && { value: after.text }) });
      if (after) this.refer(after);
      return;
    }
    if (GLOBAL.test(word)) this.declare(this.globals, operands);
    if (EXTERNAL.test(word)) this.declare(this.externals, operands);
    if (this.mayBeMacro(head, statement)) this.refer(head);
    this.refer(rest);
  }

  private declare(into: Set<string>, operands: readonly Span[]): void {
    for (const operand of operands) for (const part of split(operand.text, operand.line, 0, operand.text.length, ' ')) into.add(part.text.replace(/:.*$/, ''));
  }

  private defineMacro(statement: Statement, word: string): void {
    const { rest } = statement, name = this.firstWord(rest);
    if (!name) return;
    const after = rest.text.slice(name.end - rest.start), place = MACRO.test(word) ? { ...name, text: name.text.replace(/,$/, '') } : name;
    const isConstant = !MACRO.test(word) && !after.startsWith('(');
    this.define(isConstant ? 'constant' : 'macro', place, statement, { value: after, isVariable: true });
    if (!MACRO.test(word)) this.refer({ ...rest, text: after, start: name.end });
  }

  private mayBeMacro({ text }: Span, { kind }: Statement): boolean {
    return kind === 'instruction' && !isMnemonic(text) && !(text.toLowerCase() in PREFIXES) && !GNU_DIRECTIVES.has(text) && !NASM_DIRECTIVES.has(text.toLowerCase());
  }
}

export function collectSymbols(parsed: Parsed): Symbols {
  const collector = new Collector(parsed);
  for (const statement of parsed.statements) collector.collect(statement);
  return collector;
}

/** The definition that `1b` or `1f` on a line means: the nearest before or after it. */
export function resolveNumeric(definitions: readonly Definition[], { text, line, start }: Span): Definition | undefined {
  const number = text.slice(0, -1), all = definitions.filter(({ kind, name }) => kind === 'numeric label' && name === number);
  const isBefore = ({ place }: Definition): boolean => place.line < line || (place.line === line && place.start < start);
  return text.endsWith('b') ? all.findLast(isBefore) : all.find((definition) => !isBefore(definition));
}
export const isNumericReference = (text: string): boolean => /^\d+[bf]$/.test(text);
