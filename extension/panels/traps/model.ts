/** The trap ledger as pages that arrive when they come into sight. */
import { cell, type Row, type Rows } from '../kit/rows.js';
import { countText, plural } from '../kit/text.js';
import type { TrapCount, TrapPage, TrapRow } from './protocol.js';

export const PAGE = 200;

export interface TrapChoices {
  filter: string;
}

export const INITIAL: TrapChoices = { filter: '' };

const rowOf = (trap: TrapRow, index: number): Row => ({
  key: String(index),
  cells: [cell(countText(trap.at)), cell(String(trap.cpu)), cell(trap.world, 'dim'), cell(trap.kind), cell(trap.name), cell(trap.symbol === undefined ? trap.rip : `${trap.rip} ${trap.symbol}`), cell(trap.detail)],
});

export class Ledger implements Rows {
  private readonly pages = new Map<number, TrapRow[]>();
  private readonly asked = new Set<number>();
  count = 0;

  constructor(private readonly fetch: (start: number, count: number) => void) {}

  receive(start: number, { total, rows }: TrapPage): void {
    this.count = total;
    this.pages.set(start / PAGE, rows);
  }

  trap(index: number): TrapRow | undefined {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  at(index: number): Row | undefined {
    const trap = this.trap(index);
    if (trap !== undefined) return rowOf(trap, index);
    this.want(Math.floor(index / PAGE));
    return undefined;
  }

  indexOf(key: string): number {
    return Number(key) < this.count ? Number(key) : -1;
  }

  want(page: number): void {
    if (this.asked.has(page)) return;
    this.asked.add(page);
    this.fetch(page * PAGE, PAGE);
  }
}

export const lastPage = (total: number): number => Math.max(0, Math.floor((total - 1) / PAGE));

export const countRows = (counts: TrapPage['counts']): Row[] =>
  [...counts].sort((one, other) => other.count - one.count).map(({ name, count, served }) => ({ key: name, cells: [cell(name), cell(countText(count)), cell(served === undefined ? '' : countText(Math.round(served.total / served.count)))] }));

/** What is known of a count; none for what takes no time of a hypervisor. */
export function countDetails({ name, count, served }: TrapCount): [string, string][] {
  if (served === undefined) return [];
  const { total, least, most, mostAt } = served;
  return [
    ['event', `${name}, ${countText(count)} times`],
    ['in the hypervisor', `${plural(total, 'instruction')}: ${countText(least)} to ${countText(most)}, ${countText(Math.round(total / served.count))} on average`],
    ['the longest', `at instant ${countText(mostAt)}`],
  ];
}

/** A count's name as words to look for: each row holds its kind and its name. */
export const filterFor = (name: string): string => name.replace(': ', ' ');

export const details = (trap: TrapRow): [string, string][] => [
  ['event', `${trap.kind}: ${trap.name}`],
  ['instant', `after ${plural(Number(trap.at), 'instruction')}`],
  ['processor', `${trap.cpu}, ${trap.world}`],
  ['RIP', trap.symbol === undefined ? trap.rip : `${trap.rip}, ${trap.symbol}`],
  ['detail', trap.detail],
  ...(trap.thread ?? []).map(({ at, role, says }): [string, string] => [`${at === Number(trap.at) ? '▸ ' : ''}${countText(at)}`, `${role}: ${says}`]),
];

export function headline(total: number, filter: string): string {
  if (total === 0) return filter === '' ? 'No trap yet.' : `No trap matches “${filter}”.`;
  return `${plural(total, 'trap')}${filter === '' ? '' : ` matching “${filter}”`}.`;
}
