/** How long hypervisors have the processor: from each VM exit to the VM entry after it, by basic exit reason. The numbers lie in the log of events. */
import { COUNTED_EACH, LOG } from '../cpu/event-log.js';

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
  private readonly count: Float64Array;
  private readonly total: Float64Array;
  private readonly least: Float64Array;
  private readonly most: Float64Array;
  private readonly mostAt: Float64Array;

  /** `log`: see cpu/event-log.ts. Whoever clears the log clears this. */
  constructor(private readonly log: Float64Array) {
    const column = (at: number): Float64Array => log.subarray(at / 8, at / 8 + COUNTED_EACH);
    this.count = column(LOG.served.count);
    this.total = column(LOG.served.total);
    this.least = column(LOG.served.least);
    this.most = column(LOG.served.most);
    this.mostAt = column(LOG.served.mostAt);
  }

  exited(cpu: number, at: number, reason: number): void {
    this.log[LOG.openReason / 8 + cpu] = 1 + reason;
    this.log[LOG.openSince / 8 + cpu] = at;
  }

  entered(cpu: number, at: number): void {
    const reason = this.log[LOG.openReason / 8 + cpu]! - 1, since = this.log[LOG.openSince / 8 + cpu]!, taken = at - since;
    if (reason < 0) return;
    this.log[LOG.openReason / 8 + cpu] = 0;
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
}
