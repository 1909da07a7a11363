/** How time passes for a machine that waits for somebody: quickly at first, then as outside, so that an idle shell leaves the host alone. */
import type { RunningMachine, StopReason } from '../emulator/machine/contract.js';

/** Virtual nanoseconds that a machine may skip while it is halted, counted anew whenever something comes in or goes out. */
const SKIPPED = 60e9;
/** Milliseconds between two looks at a machine that has skipped them. */
const WAIT = 20;
/** While an answer from outside is awaited. */
const SHORT_WAIT = 1;

export class Pace {
  private left = SKIPPED;
  /** Milliseconds, at the last look at a machine that waits. */
  private since: number | undefined;

  private wasBusy = false;

  /** `now`: milliseconds. `busy`: whether something outside has been asked, so that time must not run ahead of the answer. */
  constructor(private readonly now: () => number, private readonly busy: () => boolean = () => false) {}

  /** Something came in or went out. */
  active(): void {
    this.left = SKIPPED;
    this.since = undefined;
  }

  run(machine: Pick<RunningMachine, 'run' | 'idleNanoseconds'>, instructions: number): StopReason {
    this.look();
    if (this.since !== undefined) {
      const now = this.now();
      this.left += Math.floor((now - this.since) * 1e6);
      this.since = now;
    }
    const before = machine.idleNanoseconds, reason = machine.run(instructions, this.left);
    this.left -= machine.idleNanoseconds - before;
    if (this.left <= 0) this.since ??= this.now();
    return reason;
  }

  /** Milliseconds to wait before the next run. */
  get wait(): number { return this.left > 0 ? 0 : this.wasBusy ? SHORT_WAIT : WAIT; }

  private look(): void {
    const busy = this.busy();
    if (busy && this.since === undefined) {
      this.left = 0;
      this.since = this.now();
    } else if (!busy && this.wasBusy) this.active();
    this.wasBusy = busy;
  }
}
