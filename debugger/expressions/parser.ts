/** Turns the text of an expression into a tree: the operators of C, and forms of our own for memory and ranges. */
import type { MemorySpace } from '../../emulator/observe/memory.js';
import { FIXED_WIDTH, KNOWN_TYPE_NAMES, RECORD_WORDS, TYPE_WORDS } from './basic-types.js';
import { ExpressionError } from './expression-error.js';
import { tokenize, type Token } from './tokens.js';
import type { BinaryOperator, Expression, Node, TypeSyntax, UnaryOperator } from './tree.js';

/** From the loosest to the tightest, as in C; `in` stands with the comparisons. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>=', 'in'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];
/** The bounds of a range are sums. */
const BOUND_LEVEL = LEVELS.findIndex((level) => level.includes('<<'));
const UNARY: ReadonlySet<string> = new Set(['*', '&', '~', '!', '-', '+']);
const SPACES: ReadonlyMap<string, MemorySpace> = new Map([
  ['phys', 'host-physical'],
  ['hpa', 'host-physical'],
  ['gpa', 'guest-physical'],
  ['gva', 'guest linear'],
]);
const DEEPEST = 200;

export function parse(text: string): Expression {
  return { text, root: new Parser(tokenize(text)).whole() };
}

class Parser {
  private readonly tokens: readonly Token[];
  private position = 0;
  private depth = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  whole(): Node {
    const first = this.token;
    if (first.is === 'end') throw new ExpressionError(1, 'the expression is empty');
    const root = this.expression();
    const rest = this.token;
    if (rest.is !== 'end') this.unexpected('an operator or the end of the expression');
    return root;
  }

  private get token(): Token {
    return this.tokens[Math.min(this.position, this.tokens.length - 1)]!;
  }

  private ahead(count: number): Token {
    return this.tokens[Math.min(this.position + count, this.tokens.length - 1)]!;
  }

  private expression(): Node {
    return this.nested(() => {
      const condition = this.level(0);
      const { column } = this.token;
      if (!this.take('?')) return condition;
      const yes = this.expression();
      this.expect(':', "':' and the other value of the choice");
      return { is: 'choice', column, condition, yes, no: this.expression() };
    });
  }

  private level(depth: number): Node {
    const operators = LEVELS[depth];
    if (!operators) return this.unary();
    let left = this.level(depth + 1);
    for (;;) {
      const { token } = this;
      if ((token.is !== 'operator' && token.is !== 'name') || !operators.includes(token.text)) return left;
      this.position++;
      left = token.text === 'in' ? this.range(left, token.column) : this.binary(token.text, token.column, left, this.level(depth + 1));
    }
  }

  private binary(text: string, column: number, left: Node, right: Node): Node {
    if (text === '&&' || text === '||') return { is: 'logic', column, operator: text, left, right };
    return { is: 'binary', column, operator: text as BinaryOperator, left, right };
  }

  private range(value: Node, column: number): Node {
    const start = this.level(BOUND_LEVEL);
    this.expect('..', "'..' and the end of the range, such as 0x1000..0x2000 or 0x1000..+0x10");
    const length = this.take('+');
    return { is: 'range', column, value, start, end: this.level(BOUND_LEVEL), length };
  }

  private unary(): Node {
    return this.nested(() => {
      const { token } = this;
      if (token.is === 'operator' && UNARY.has(token.text)) {
        this.position++;
        return { is: 'unary', column: token.column, operator: token.text as UnaryOperator, operand: this.unary() };
      }
      if (token.is === 'name' && token.text === 'sizeof') return this.size(token.column);
      const type = this.castType();
      if (type) return { is: 'cast', column: token.column, type, operand: this.unary() };
      return this.postfix(this.primary());
    });
  }

  private size(column: number): Node {
    this.position++;
    const start = this.position;
    if (this.take('(')) {
      const type = this.typeName();
      if (type && isSurelyType(type) && this.take(')')) return { is: 'size', column, of: type };
    }
    this.position = start;
    return { is: 'size', column, of: this.unary() };
  }

  /** A type in parentheses in front of an operand; leaves the position alone when there is none. */
  private castType(): TypeSyntax | undefined {
    const start = this.position;
    if (!this.take('(')) return undefined;
    const type = this.typeName();
    if (type && this.take(')') && (isSurelyType(type) || this.startsOperand())) return type;
    this.position = start;
    return undefined;
  }

  /** After `(name)`: is the next token one that only an operand begins with? In `(a) - b` it is not. */
  private startsOperand(): boolean {
    const { token } = this;
    if (token.is === 'name') return token.text !== 'in';
    return token.is === 'number' || token.is === 'text' || (token.is === 'operator' && ['(', '~', '!'].includes(token.text));
  }

  private typeName(): TypeSyntax | undefined {
    const { column } = this.token;
    const words: string[] = [];
    for (let token = this.token; token.is === 'name'; token = this.token) {
      const previous = words.at(-1);
      const continues = words.length === 0 || TYPE_WORDS.has(token.text) || isQualifierOrRecord(previous);
      if (!continues) return undefined;
      words.push(token.text);
      this.position++;
    }
    if (words.length === 0) return undefined;
    let pointers = 0;
    while (this.take('*')) pointers++;
    return { column, words: words.filter((word) => word !== 'const' && word !== 'volatile').join(' '), pointers };
  }

  private postfix(start: Node): Node {
    let node = start;
    for (;;) {
      const { column } = this.token;
      if (this.take('.') || this.take('->')) {
        const { token } = this;
        if (token.is !== 'name') this.unexpected('the name of a member');
        this.position++;
        node = { is: 'member', column: token.column, object: node, name: token.text };
      } else if (this.take('[')) {
        const index = this.expression();
        this.expect(']', "']'");
        node = { is: 'index', column, object: node, index };
      } else if (this.token.is === 'operator' && this.token.text === '(') {
        throw new ExpressionError(column, 'functions of the program cannot be called');
      } else return node;
    }
  }

  private primary(): Node {
    const { token } = this;
    if (token.is === 'number') {
      this.position++;
      return { is: 'number', column: token.column, value: token.value };
    }
    if (token.is === 'text') {
      this.position++;
      return { is: 'text', column: token.column, text: token.text };
    }
    if (token.is === 'name' && token.text !== 'in') return this.memory() ?? this.name(token.text, token.column);
    if (this.take('(')) {
      const inner = this.expression();
      this.expect(')', "')'");
      return inner;
    }
    return this.unexpected('a number, a name, or an expression in parentheses');
  }

  private name(name: string, column: number): Node {
    this.position++;
    return { is: 'name', column, name };
  }

  /** `u32[address]`, `phys u32[address]`, `gpa u64[address]`. */
  private memory(): Node | undefined {
    const { token } = this;
    const next = this.ahead(1);
    const space = token.is === 'name' && next.is === 'name' && next.text !== 'in' ? SPACES.get(token.text) : undefined;
    const offset = space ? 1 : 0;
    const width = this.ahead(offset);
    const bracket = this.ahead(offset + 1);
    const isRead = width.is === 'name' && FIXED_WIDTH.has(width.text) && bracket.is === 'operator' && bracket.text === '[';
    if (!isRead) {
      if (!space) return undefined;
      this.position++;
      return this.unexpected('a width and an address, such as u32[0x1000]');
    }
    this.position += offset + 2;
    const address = this.expression();
    this.expect(']', "']'");
    return { is: 'read', column: token.column, space: space ?? 'linear', type: width.text, address };
  }

  private nested(parse: () => Node): Node {
    if (++this.depth > DEEPEST) throw new ExpressionError(this.token.column, 'the expression is nested too deeply');
    const node = parse();
    this.depth--;
    return node;
  }

  private take(operator: string): boolean {
    const { token } = this;
    if (token.is !== 'operator' || token.text !== operator) return false;
    this.position++;
    return true;
  }

  private expect(operator: string, what: string): void {
    if (!this.take(operator)) this.unexpected(what);
  }

  private unexpected(expected: string): never {
    const { token } = this;
    if (token.is === 'operator' && token.text === '=') {
      throw new ExpressionError(token.column, "expressions cannot assign: write '==' to compare");
    }
    const found = token.is === 'end' ? 'the expression ends' : token.is === 'number' ? 'a number stands' : `${quoted(token)} stands`;
    throw new ExpressionError(token.column, `expected ${expected}, but ${found} here`);
  }
}

function quoted(token: Token): string {
  return token.is === 'text' ? `"${token.text}"` : token.is === 'name' || token.is === 'operator' ? `'${token.text}'` : '';
}

function isQualifierOrRecord(word: string | undefined): boolean {
  return word !== undefined && (RECORD_WORDS.has(word) || word === 'const' || word === 'volatile');
}

function isSurelyType({ words, pointers }: TypeSyntax): boolean {
  const first = words.split(' ')[0] ?? '';
  return pointers > 0 || TYPE_WORDS.has(first) || RECORD_WORDS.has(first) || KNOWN_TYPE_NAMES.has(words);
}
