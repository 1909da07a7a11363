/** How long hypervisors have the processor: from each VM exit to the VM entry after it, by basic exit reason. */
import { MOST_PROCESSORS } from '../cpu/layout.js';

const REASONS = 256;
const NOT_LEFT = -1;

/** In instructions; of the exits that a VM entry followed. */
export interface ServiceTime {
  readonly count: number;
  readonly total: number;
  readonly least: number;
  readonly most: number;
  /** The instant of the exit that took the most. */
  readonly mostAt: number;
}

export class ServiceTimes {
  private readonly count = new Float64Array(REASONS);
  private readonly total = new Float64Array(REASONS);
  private readonly least = new Float64Array(REASONS);
  private readonly most = new Float64Array(REASONS);
  private readonly mostAt = new Float64Array(REASONS);
  /** By processor, of the exit that no entry has followed yet. */
  private readonly reason = new Int16Array(MOST_PROCESSORS).fill(NOT_LEFT);
  private readonly since = new Float64Array(MOST_PROCESSORS);

  exited(cpu: number, at: number, reason: number): void {
    this.reason[cpu] = reason;
    this.since[cpu] = at;
  }

  entered(cpu: number, at: number): void {
    const reason = this.reason[cpu]!, since = this.since[cpu]!, taken = at - since;
    if (reason === NOT_LEFT) return;
    this.reason[cpu] = NOT_LEFT;
    if (this.count[reason]!++ === 0 || taken < this.least[reason]!) this.least[reason] = taken;
    this.total[reason]! += taken;
    if (taken < this.most[reason]!) return;
    this.most[reason] = taken;
    this.mostAt[reason] = since;
  }

  /** By basic exit reason. */
  get byReason(): Map<number, ServiceTime> {
    const seen = Array.from(this.count.keys()).filter((reason) => this.count[reason] !== 0);
    return new Map(seen.map((reason) => [reason, { count: this.count[reason]!, total: this.total[reason]!, least: this.least[reason]!, most: this.most[reason]!, mostAt: this.mostAt[reason]! }]));
  }

  clear(): void {
    for (const column of [this.count, this.total, this.least, this.most, this.mostAt]) column.fill(0);
    this.reason.fill(NOT_LEFT);
  }
}
