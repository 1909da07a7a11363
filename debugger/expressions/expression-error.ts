/** What is wrong with an expression, and where in its text. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  /** Counted from 1. */
  readonly column: number;
  readonly sentence: string;

  constructor(column: number, sentence: string) {
    super(`${sentence} (column ${column})`);
    this.column = column;
    this.sentence = sentence;
  }
}
