/** The one error that a file with symbols can cause: it names the file and what is wrong with it. */
export class SymbolError extends Error {
  override readonly name = 'SymbolError';
  readonly file: string;
  readonly fault: string;

  constructor(file: string, fault: string) {
    super(`${file}: ${fault}`);
    this.file = file;
    this.fault = fault;
  }
}
