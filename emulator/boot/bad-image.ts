/** An image that cannot be started: the message names the file, the fault and the remedy. */
export class BadImage extends Error {
  override readonly name = 'BadImage';

  constructor(readonly file: string, fault: string, remedy: string) {
    super(`${file}: ${fault}; ${remedy}.`);
  }
}

export const hex = (value: number | bigint) => `0x${value.toString(16)}`;

export const REBUILD = 'the file is truncated or corrupt: copy or build it again';
