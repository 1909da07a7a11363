/** Virtual time in nanoseconds and the ordered queue of what happens when. The machine alone moves it forward. */

export interface TimerEvent {
  /** Unique in a machine: snapshots name events by it. */
  readonly name: string;
  fire(): void;
}

export interface Clock {
  /** Nanoseconds of virtual time, an exact integer. */
  now(): number;
  /** Makes an event known by its name, once, before it is scheduled or restored. */
  register(event: TimerEvent): void;
  /** Schedules the event; an event that was scheduled already moves. */
  at(when: number, event: TimerEvent): void;
  cancel(event: TimerEvent): void;
}

export interface ClockState {
  readonly now: number;
  readonly queue: readonly { readonly name: string; readonly when: number }[];
}

export class VirtualClock implements Clock {
  private time = 0;
  /** Ascending by deadline; among equal deadlines the one scheduled first comes first. */
  private queue: { readonly event: TimerEvent; readonly when: number }[] = [];
  private readonly known = new Map<string, TimerEvent>();
  private firing = false;

  /** How late it is while nothing fires; without it, time only moves by `runDue`. */
  instant: (() => number) | undefined;

  now(): number {
    return this.firing || !this.instant ? this.time : this.instant();
  }

  register(event: TimerEvent): void {
    if (this.known.has(event.name)) throw new Error(`two timer events are named ${event.name}; give each device its own name`);
    this.known.set(event.name, event);
  }

  at(when: number, event: TimerEvent): void {
    if (!Number.isSafeInteger(when)) throw new RangeError(`timer event ${event.name}: ${when} is not a whole number of nanoseconds`);
    if (this.known.get(event.name) !== event) throw new Error(`timer event ${event.name} was not registered`);
    this.cancel(event);
    let place = this.queue.length;
    while (place > 0 && this.queue[place - 1]!.when > when) place--;
    this.queue.splice(place, 0, { event, when });
  }

  cancel(event: TimerEvent): void {
    const place = this.queue.findIndex((entry) => entry.event === event);
    if (place >= 0) this.queue.splice(place, 1);
  }

  /** Infinity when nothing is scheduled. */
  nextDeadline(): number {
    return this.queue[0]?.when ?? Infinity;
  }

  /** Moves time to `now` and fires, in order, all that is due on the way; each event sees its own deadline as the time. */
  runDue(now: number): void {
    if (now < this.time) throw new RangeError(`time cannot go back from ${this.time} to ${now} ns`);
    this.firing = true;
    for (let first = this.queue[0]; first !== undefined && first.when <= now; first = this.queue[0]) {
      this.queue.shift();
      this.time = Math.max(this.time, first.when);
      first.event.fire();
    }
    this.firing = false;
    this.time = now;
  }

  save(): ClockState {
    return { now: this.now(), queue: this.queue.map(({ event, when }) => ({ name: event.name, when })) };
  }

  restore(state: unknown): void {
    const { now, queue } = state as ClockState;
    const restored = queue.map(({ name, when }) => {
      const event = this.known.get(name);
      if (!event) throw new Error(`the snapshot schedules ${name}, which this machine does not have`);
      return { event, when };
    });
    this.time = now;
    this.queue = restored;
  }
}
