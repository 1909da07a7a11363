/** What a grid shows, and how keys move through it: everything of the grid that needs no document. */

export type Mark = 'changed' | 'denied' | 'stale' | 'failed' | 'dim' | 'group';

export interface Cell {
  readonly text: string;
  readonly mark?: Mark | undefined;
}

export interface Row {
  readonly key: string;
  readonly cells: readonly Cell[];
  readonly level?: number;
  /** Undefined for a row that has nothing to unfold. */
  readonly expanded?: boolean;
  readonly mark?: Mark | undefined;
}

/** Rows by position; a row that has not arrived yet is undefined. */
export interface Rows {
  readonly count: number;
  at(index: number): Row | undefined;
  indexOf(key: string): number;
}

export const rowsOf = (list: readonly Row[]): Rows => ({ count: list.length, at: (index) => list[index], indexOf: (key) => list.findIndex((row) => row.key === key) });

export const cell = (text: string, mark?: Mark): Cell => ({ text, mark });

export type Step = { move: number } | { toggle: string } | { activate: string };

export function stepFor(key: string, active: number, rows: Rows, page: number): Step | undefined {
  const last = rows.count - 1;
  const row = rows.at(active);
  const move = (to: number): Step => ({ move: Math.max(0, Math.min(last, to)) });
  switch (key) {
    case 'ArrowDown':
      return move(active + 1);
    case 'ArrowUp':
      return move(active - 1);
    case 'PageDown':
      return move(active + page);
    case 'PageUp':
      return move(active - page);
    case 'Home':
      return move(0);
    case 'End':
      return move(last);
    case 'ArrowRight':
      if (row?.expanded === false) return { toggle: row.key };
      return row?.expanded === true ? move(active + 1) : undefined;
    case 'ArrowLeft':
      if (row?.expanded === true) return { toggle: row.key };
      return parentOf(active, rows);
    case 'Enter':
    case ' ':
      if (row === undefined) return undefined;
      return row.expanded === undefined ? { activate: row.key } : { toggle: row.key };
    default:
      return undefined;
  }
}

function parentOf(active: number, rows: Rows): Step | undefined {
  const level = rows.at(active)?.level ?? 1;
  for (let index = active - 1; index >= 0; index--) {
    if ((rows.at(index)?.level ?? 1) < level) return { move: index };
  }
  return undefined;
}

/** The rows to draw so that scrolling stays smooth: those in sight and some on either side. */
export function windowOf(scrollTop: number, height: number, rowHeight: number, count: number, margin = 10): { first: number; end: number } {
  const first = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight)) - margin);
  return { first, end: Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + margin) };
}

export function contains(row: Row, filter: string): boolean {
  const wanted = filter.trim().toLowerCase();
  return wanted === '' || row.cells.some(({ text }) => text.toLowerCase().includes(wanted));
}
