/** Stop conditions: which architectural events stop the machine. An event of a kind that nobody asked for costs one look. */
import { TRAP, type TrapEvent, type TrapKind } from '../cpu/trap-events.js';

export interface StopCondition {
  readonly kind: TrapKind;
  /** Absent: every event of the kind. It must not change anything. */
  readonly test?: (event: TrapEvent) => boolean;
}

export class StopConditions {
  private readonly byKind = new Map<TrapKind, StopCondition[]>();
  /** One bit a kind, by its number in TRAP. */
  private concerned = 0;
  /** Kinds of events that processors have stopped before and are to meet again: those are asked for, too. */
  private readonly awaited = new Map<unknown, number>();

  /** A processor awaits an event of that kind, or none. */
  await(who: unknown, kind: number | undefined): void {
    if (kind === undefined) this.awaited.delete(who); else this.awaited.set(who, kind);
    this.changed();
  }

  add(condition: StopCondition): void {
    const present = this.byKind.get(condition.kind);
    if (present) present.push(condition);
    else this.byKind.set(condition.kind, [condition]);
    this.changed();
  }

  delete(condition: StopCondition): void {
    const rest = this.byKind.get(condition.kind)?.filter((each) => each !== condition) ?? [];
    if (rest.length > 0) this.byKind.set(condition.kind, rest);
    else this.byKind.delete(condition.kind);
    this.changed();
  }

  clear(): void {
    this.byKind.clear();
    this.changed();
  }

  private changed(): void {
    this.concerned = [...[...this.byKind.keys()].map((kind) => TRAP[kind]), ...this.awaited.values()].reduce((bits, kind) => bits | (1 << kind), 0);
  }

  /** A bit for each kind that nobody asked for. */
  get unasked(): number {
    return ~this.concerned;
  }

  /** Whether anybody asked for events of that kind. */
  concern(kind: number): boolean {
    return (this.concerned >>> kind & 1) !== 0;
  }

  judge(event: TrapEvent): boolean {
    const conditions = this.byKind.get(event.kind);
    return conditions !== undefined && conditions.some(({ test }) => test === undefined || test(event));
  }

  /** All conditions that the event meets. */
  met(event: TrapEvent): StopCondition[] {
    return (this.byKind.get(event.kind) ?? []).filter(({ test }) => test === undefined || test(event));
  }
}
