/** Shows a client how far a boot is, from the launch to where the machine waits for somebody. */

const UPDATE_MS = 500;
let boots = 0;

export class BootProgress {
  readonly id = `boot-${++boots}`;
  cancelled = false;
  ended = false;
  private shown: number;

  /** `now`: milliseconds. */
  constructor(program: string, private readonly send: (event: string, body: object) => void, private readonly now: () => number) {
    this.shown = now();
    send('progressStart', { progressId: this.id, title: `Booting ${program.split(/[/\\]/).at(-1)!}`, message: 'reading files', cancellable: true });
  }

  update(instructions: number): void {
    if (this.ended || this.now() - this.shown < UPDATE_MS) return;
    this.shown = this.now();
    this.send('progressUpdate', { progressId: this.id, message: `${Math.floor(instructions / 1e6).toLocaleString('en')} million instructions` });
  }

  cancel(): void {
    this.cancelled = true;
    this.end();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.send('progressEnd', { progressId: this.id });
  }
}
