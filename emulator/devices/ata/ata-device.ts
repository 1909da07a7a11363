/** What is at one end of an ATA cable. ATA/ATAPI-6, "Interface register definitions and descriptions". */

/** The command block as the host wrote it; those that are written twice for 48-bit addresses keep what was there before in bits 15:8. */
export interface TaskFile {
  features: number;
  count: number;
  low: number;
  mid: number;
  high: number;
  device: number;
  command: number;
}

export const ABORTED = 0x04;

/** What a command comes to: the end, or data in blocks between which the host is interrupted. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly error: number }
  | { readonly kind: 'in'; readonly bytes: Uint8Array; readonly blockBytes: number }
  /** `packet`: a command packet, for which nobody is interrupted. */
  | { readonly kind: 'out'; readonly bytes: number; readonly blockBytes: number; readonly packet?: boolean };

export interface AtaDevice {
  /** LBA mid and high, which tell a disk from a packet device after a reset. */
  readonly signature: readonly [mid: number, high: number];
  begin(task: TaskFile): Outcome;
  /** All data of an 'out' command has come. */
  finish(task: TaskFile, bytes: Uint8Array): Outcome;
  reset(): void;
  save(): unknown;
  restore(state: unknown): void;
}

const WORDS = 256;

/** The 512 bytes of IDENTIFY: words by number, texts by the number of their first word, whose letters are swapped in pairs. */
export function identification(words: Readonly<Record<number, number>>, texts: Readonly<Record<number, readonly [text: string, length: number]>>): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * WORDS));
  for (const [word, value] of Object.entries(words)) view.setUint16(2 * Number(word), value, true);
  for (const [word, [text, length]] of Object.entries(texts)) {
    [...text.padEnd(length)].slice(0, length).forEach((letter, n) => { view.setUint8(2 * Number(word) + (n ^ 1), letter.charCodeAt(0)); });
  }
  return new Uint8Array(view.buffer);
}

/** Serial number, firmware revision and model. */
export const namedAs = (model: string) => ({ 10: ['1', 20], 23: ['1', 8], 27: [model, 40] }) as const;
