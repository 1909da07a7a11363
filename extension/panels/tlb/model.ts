/** The rows of the TLB panel. */
import { cell, contains, type Row } from '../kit/rows.js';
import { plural, rightsText, sizeText } from '../kit/text.js';
import type { TlbEntry } from './protocol.js';

export interface TlbChoices {
  filter: string;
  staleOnly: boolean;
}

export const INITIAL: TlbChoices = { filter: '', staleOnly: false };

const tagText = ({ vpid, pcid, global }: TlbEntry): string[] => [`${vpid}`, `${pcid}`, global ? 'G' : ''];

function row(entry: TlbEntry, index: number): Row {
  const mark = entry.stale === undefined ? undefined : 'stale';
  return {
    key: String(index),
    mark,
    cells: [cell(entry.linear), cell(entry.physical), cell(entry.guestPhysical ?? ''), cell(sizeText(entry.size)), cell(rightsText(entry.rights)), ...tagText(entry).map((text) => cell(text)), cell(entry.eptp), cell(entry.stale === undefined ? '' : `stale: ${entry.stale}`, mark)],
  };
}

export const tlbRows = (entries: readonly TlbEntry[], { filter, staleOnly }: TlbChoices): Row[] =>
  entries
    .map(row)
    .filter((each) => !staleOnly || each.mark === 'stale')
    .filter((each) => contains(each, filter));

/** The walk that leads to a row's translation. Entries of guest-physical addresses have no linear one. */
export function walkOf(key: string, entries: readonly TlbEntry[]): { linear: string; space: 'linear' | 'guest-physical' } | undefined {
  const entry = entries[Number(key)];
  if (entry === undefined) return undefined;
  return entry.linear === '' ? { linear: entry.guestPhysical ?? '', space: 'guest-physical' } : { linear: entry.linear, space: 'linear' };
}

export function headline(entries: readonly TlbEntry[]): string {
  const stale = entries.filter((entry) => entry.stale !== undefined).length;
  if (entries.length === 0) return 'The TLB is empty.';
  return `${plural(entries.length, 'translation')}; ${stale === 0 ? 'all agree with the page tables.' : `${stale} no longer ${stale === 1 ? 'agrees' : 'agree'} with the page tables.`}`;
}
