/** Bytes of a serial line as text for people: whole lines, and what stands without an end when nothing follows. */

/** A prompt is shown when nothing has followed it for so long. */
const PATIENCE_MS = 150;

export class SerialOutput {
  private readonly decoder = new TextDecoder();
  private text = '';
  private latest = 0;

  constructor(
    private readonly write: (text: string) => void,
    private readonly now: () => number,
  ) {}

  byte(byte: number): void {
    this.latest = this.now();
    this.text += this.decoder.decode(Uint8Array.of(byte), { stream: true });
    if (byte === 0x0a) this.flush();
  }

  /** Between slices. */
  serve(): void {
    if (this.text !== '' && this.now() - this.latest > PATIENCE_MS) this.flush();
  }

  flush(): void {
    const { text } = this;
    if (text === '') return;
    this.text = '';
    this.write(text.replaceAll('\r', ''));
  }
}
