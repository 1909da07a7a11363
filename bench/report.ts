/** From measured times to tables. */
import { emptyGuest, isCompute, isEmpty, vmExitsOf } from './guests.js';
import type { Guest } from './guests.js';

export interface Run {
  readonly guest: string;
  readonly machine: string;
  readonly userSeconds: number;
  /** What was wrong: the checksum, or no end. */
  readonly failure?: string;
  readonly stats?: unknown;
}

export interface Outcome {
  readonly failure?: string;
  /** User CPU time, net of the empty guest's. */
  readonly seconds: number;
  /** Million instructions a second. */
  readonly mips: number;
}

const SUBJECT = 'Ringside';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

const timesOf = (runs: readonly Run[], guest: string, machine: string): Run[] =>
  runs.filter((run) => run.guest === guest && run.machine === machine);

/** A column: a machine, and the word for all its cells if it cannot run here. */
export interface Column {
  readonly machine: string;
  readonly absent?: string;
}

/** Undefined if the machine did not run the guest. */
export function outcomeOf(runs: readonly Run[], guest: Guest, machine: string): Outcome | undefined {
  const own = timesOf(runs, guest.name, machine);
  if (own.length === 0) return undefined;
  const failure = own.find((run) => run.failure !== undefined)?.failure;
  const empty = isEmpty(guest) ? [] : timesOf(runs, emptyGuest(guest.bits).name, machine);
  const overhead = empty.length > 0 ? median(empty.map((run) => run.userSeconds)) : 0;
  const leastTime = 0.001;
  const seconds = Math.max(leastTime, median(own.map((run) => run.userSeconds)) - overhead);
  return { ...(failure === undefined ? {} : { failure }), seconds, mips: guest.instructions / seconds / 1e6 };
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(heads), row(heads.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(row)].join('\n');
}

const times = (ratio: number): string => `${ratio.toFixed(2)}×`;

function ratioOf(runs: readonly Run[], guest: Guest, rival: string): number | undefined {
  const ours = outcomeOf(runs, guest, SUBJECT);
  const theirs = outcomeOf(runs, guest, rival);
  if (ours === undefined || theirs === undefined || ours.failure !== undefined || theirs.failure !== undefined) return undefined;
  return ours.mips / theirs.mips;
}

/** The cells of one guest: what `tell` says where there is a figure. */
function cells(runs: readonly Run[], guest: Guest, columns: readonly Column[], tell: (outcome: Outcome) => string): string[] {
  return columns.map(({ machine, absent }) => {
    if (absent !== undefined) return absent;
    const outcome = outcomeOf(runs, guest, machine);
    return outcome === undefined ? '' : (outcome.failure ?? tell(outcome));
  });
}

const namesOf = (columns: readonly Column[]): string[] => columns.map(({ machine }) => machine);

function speedTable(runs: readonly Run[], guests: readonly Guest[], columns: readonly Column[]): string {
  const rivals = namesOf(columns).filter((machine) => machine !== SUBJECT);
  const rows = guests.map((guest) => {
    const speeds = cells(runs, guest, columns, (outcome) => outcome.mips.toFixed(0));
    const ratios = rivals.map((rival) => {
      const ratio = ratioOf(runs, guest, rival);
      return ratio === undefined ? '' : times(ratio);
    });
    const [checksum = ''] = cells(runs, guest, columns.filter(({ machine }) => machine === SUBJECT), () => 'OK');
    return [guest.name, (guest.instructions / 1e6).toFixed(1), ...speeds, ...ratios, checksum];
  });
  return table(['workload', 'million instr.', ...namesOf(columns), ...rivals.map((rival) => `to ${rival}`), 'checksum'], rows);
}

function meanTable(runs: readonly Run[], guests: readonly Guest[], columns: readonly Column[]): string | undefined {
  const rows: string[][] = [];
  for (const bits of [64, 32] as const) {
    const compute = guests.filter((guest) => guest.bits === bits && isCompute(guest));
    for (const machine of namesOf(columns)) {
      const outcomes = compute.map((guest) => outcomeOf(runs, guest, machine)).filter((outcome) => outcome?.failure === undefined && outcome !== undefined);
      if (outcomes.length === 0) continue;
      const ratios = compute.map((guest) => ratioOf(runs, guest, machine)).filter((ratio) => ratio !== undefined);
      const versus = machine === SUBJECT || ratios.length === 0 ? '' : times(geometricMean(ratios));
      rows.push([`${machine}, ${bits}-bit`, String(outcomes.length), geometricMean(outcomes.map((outcome) => outcome!.mips)).toFixed(0), versus]);
    }
  }
  return rows.length === 0 ? undefined : table(['geometric means', 'workloads', 'million instr./s', `${SUBJECT} to it`], rows);
}

function exitTable(runs: readonly Run[], guests: readonly Guest[], columns: readonly Column[]): string | undefined {
  const rows = guests.flatMap((guest) => {
    const exits = vmExitsOf(guest);
    if (exits === undefined) return [];
    return [[guest.name, ...cells(runs, guest, columns, (outcome) => ((outcome.seconds / exits) * 1e6).toFixed(2))]];
  });
  return rows.length === 0 ? undefined : table(['µs per VM exit and entry', ...namesOf(columns)], rows);
}

export function report(runs: readonly Run[], guests: readonly Guest[], columns: readonly Column[], remarks: readonly string[]): string {
  const shown = guests.filter((guest) => !isEmpty(guest));
  const parts = [
    'Million guest instructions a second of user CPU time, medians, net of the empty guest.',
    ...remarks,
    speedTable(runs, shown, columns),
    meanTable(runs, shown, columns),
    exitTable(runs, shown, columns),
  ];
  return `${parts.filter((part) => part !== undefined).join('\n\n')}\n`;
}
