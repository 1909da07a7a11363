/** Bytes of a serial line as text for people: whole lines, and what stands without an end when nothing follows. */

/** A prompt waits this long for the rest of its line. */
const PATIENCE_MS = 50;

export class SerialOutput {
  private readonly decoder = new TextDecoder();
  private text = '';
  private since = 0;

  constructor(
    private readonly write: (text: string) => void,
    private readonly now: () => number,
  ) {}

  byte(byte: number): void {
    if (this.text === '') this.since = this.now();
    this.text += this.decoder.decode(Uint8Array.of(byte), { stream: true });
    if (byte === 0x0a) this.flush();
  }

  /** Between slices. */
  serve(): void {
    if (this.text !== '' && this.now() - this.since > PATIENCE_MS) this.flush();
  }

  flush(): void {
    const { text } = this;
    if (text === '') return;
    this.text = '';
    this.write(text.replaceAll('\r', ''));
  }
}
