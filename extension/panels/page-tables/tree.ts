/** The tables of an address space as a tree that fetches a table when its entry is unfolded. */
import { cell, type Row } from '../kit/rows.js';
import { rightsText, sizeText } from '../kit/text.js';
import type { Root, Table, TableEntry } from './protocol.js';

/** A node's path: the indices from the root, such as "0/3/511". The root itself is "". */
export type Path = string;

const NAMES: Record<Root, readonly string[]> = {
  guest: ['', 'PTE', 'PDE', 'PDPTE', 'PML4E', 'PML5E'],
  ept: ['', 'EPT PTE', 'EPT PDE', 'EPT PDPTE', 'EPT PML4E', 'EPT PML5E'],
};

export interface TableQuestion {
  root: Root;
  table?: string;
  level?: number;
}

export class TableTree {
  private readonly tables: Map<Path, Table>;

  /** A tree of the same stop with other nodes unfolded keeps the tables of the one before. */
  constructor(
    readonly root: Root,
    readonly open: ReadonlySet<Path>,
    before?: TableTree,
  ) {
    this.tables = new Map(before?.tables);
  }

  receive(path: Path, table: Table): void {
    this.tables.set(path, table);
  }

  /** The unfolded tables whose contents have not arrived although their entries have. */
  missing(): Path[] {
    if (!this.tables.has('')) return [''];
    return [...this.open].filter((path) => !this.tables.has(path) && this.leadsToTable(path));
  }

  question(path: Path): TableQuestion {
    if (path === '') return { root: this.root };
    const entry = this.entry(path)!;
    return { root: this.root, table: entry.target, level: this.levelOf(path) - 1 };
  }

  entry(path: Path): TableEntry | undefined {
    const cut = path.lastIndexOf('/');
    const table = this.tables.get(cut < 0 ? '' : path.slice(0, cut));
    return table?.entries.find(({ index }) => index === Number(path.slice(cut + 1)));
  }

  rows(parent: Path = ''): Row[] {
    const table = this.tables.get(parent);
    if (table === undefined) return [];
    return table.entries
      .filter(({ present }) => present)
      .flatMap((entry) => {
        const path = parent === '' ? String(entry.index) : `${parent}/${entry.index}`;
        const row = this.row(entry, path);
        return row.expanded === true ? [row, ...this.rows(path)] : [row];
      });
  }

  private leadsToTable(path: Path): boolean {
    const entry = this.entry(path);
    return entry !== undefined && entry.present && !entry.leaf;
  }

  private levelOf(path: Path): number {
    return (this.tables.get('')?.levels ?? 4) - path.split('/').length + 1;
  }

  private row(entry: TableEntry, path: Path): Row {
    const level = this.levelOf(path);
    const used = [entry.accessed ? 'A' : '', entry.dirty ? 'D' : '', entry.global ? 'G' : ''].join('');
    return {
      key: path,
      level: path.split('/').length,
      cells: [
        cell(`${NAMES[this.root][level] ?? `level ${level}`} ${entry.index}`),
        cell(entry.linear),
        cell(`→ ${entry.target}`),
        cell(entry.leaf ? sizeText(entry.size) : 'table', entry.leaf ? undefined : 'dim'),
        cell(rightsText(entry.rights)),
        cell(used),
        cell(entry.value, 'dim'),
        cell(entry.entryAddress, 'dim'),
      ],
      ...(!entry.leaf && { expanded: this.open.has(path) }),
    };
  }
}
