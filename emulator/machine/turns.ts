/**
 * Several processors on one shared memory: the state of one is where the generated code expects it, those of the others are parked
 * beside. They take turns, between instructions only, so that every instruction is atomic. See decisions/0017.
 */
import { S } from '../cpu/layout.js';
import { ACTIVITY } from '../cpu/modes.js';
import type { Processor } from '../cpu/processor.js';
import type { Mmu } from '../paging/mmu.js';

export interface TurnsState {
  /** Whose turn it is, and the count of instructions of all processors at which it ends. */
  readonly turn: number;
  readonly turnEnd: number;
  /** Instructions retired by each processor. */
  readonly retired: readonly number[];
}

export class Turns {
  turn = 0;
  turnEnd = 0;
  /** Whose state is in the shared memory: that of whoever was looked at last. */
  private current = 0;
  private readonly parked: readonly Uint8Array<ArrayBuffer>[];
  private readonly parkedWords: readonly Uint32Array[];
  private readonly retired: number[];
  /** Instructions of all when the current processor came. */
  private since = 0;

  /** `instructions`: retired by all; `switched`: that processor's state is in the shared memory now. */
  constructor(private readonly all: readonly Processor[], private readonly instructions: () => number, private readonly switched: (cpu: Processor) => void) {
    this.parked = all.map(() => new Uint8Array(S.end));
    this.parkedWords = this.parked.map(({ buffer }) => new Uint32Array(buffer));
    this.retired = all.map(() => 0);
    for (const cpu of all) cpu.instructionCount = () => this.retiredBy(cpu.id);
  }

  get cpu(): Processor { return this.all[this.current]!; }

  /** Puts a processor's state into the shared memory, whoever's turn it is. */
  look(number: number): Processor {
    const { current, all } = this, cpu = all[number]!;
    if (number === current) return cpu;
    this.parked[current]!.set(cpu.u8.subarray(0, S.end));
    cpu.u8.set(this.parked[number]!, 0);
    this.account();
    this.current = number;
    this.switched(cpu);
    return cpu;
  }

  /** The 32-bit words of a processor's state, wherever it is. */
  words(number: number): Uint32Array { return number === this.current ? this.cpu.u32 : this.parkedWords[number]!; }
  big(number: number, at: number): bigint {
    const words = this.words(number);
    return (BigInt(words[(at >> 2) + 1]!) << 32n) | BigInt(words[at >> 2]!);
  }
  /** The bytes of all, until another is looked at. */
  get areas(): readonly Uint8Array[] { return this.parked.map((area, n) => (n === this.current ? this.cpu.u8.subarray(0, S.end) : area)); }

  get mmus(): readonly Mmu[] { return this.all.map(({ mmu }) => mmu); }

  retiredBy(number: number): number { return this.retired[number]! + (number === this.current ? this.instructions() - this.since : 0); }

  /** The next turn is that of the first after the present one that `runs`; false: nobody does. */
  pass(quantum: number, runs: (number: number) => boolean): boolean {
    for (let n = 1; n <= this.all.length; n++) {
      const number = (this.turn + n) % this.all.length;
      if (!runs(number)) continue;
      this.turn = number;
      this.turnEnd = this.instructions() + quantum;
      return true;
    }
    return false;
  }

  /** Whether a sleeping processor should be asked if something wakes it. */
  mayWake(number: number): boolean {
    const words = this.words(number), activity = words[S.activity >> 2];
    if (words[S.pendingInit >> 2] !== 0 || words[S.pendingStartUp >> 2] !== 0) return true;
    if (activity === ACTIVITY.waitForSipi && words[S.nonRoot >> 2] === 0) return false;
    return words[S.pendingNmi >> 2] !== 0 || words[S.pendingDebug >> 2] !== 0 || words[S.acknowledged >> 2] !== 0 || words[S.nonRoot >> 2] !== 0 || words[S.monitor >> 2] !== 0 || this.all[number]!.interruptRequested();
  }
  isActive(number: number): boolean { return this.words(number)[S.activity >> 2] === ACTIVITY.active; }

  reset(): void {
    this.turn = 0;
    this.turnEnd = 0;
    this.since = this.instructions();
    this.retired.fill(0);
  }

  save(): TurnsState { return { turn: this.turn, turnEnd: this.turnEnd, retired: this.all.map(({ id }) => this.retiredBy(id)) }; }
  /** The areas are restored first, all but the current one into their parked places. */
  restore({ turn, turnEnd, retired }: TurnsState): void {
    this.turn = turn;
    this.turnEnd = turnEnd;
    retired.forEach((count, n) => { this.retired[n] = count; });
    this.since = this.instructions();
  }

  private account(): void {
    this.retired[this.current] = this.retiredBy(this.current);
    this.since = this.instructions();
  }
}
