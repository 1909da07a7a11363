/** A grid or tree grid for the keyboard and the screen reader: it draws only the rows in sight, and one of them takes the focus. */
import { h } from './dom.js';
import { rowsOf, stepFor, windowOf, type Row, type Rows } from './rows.js';

export interface Column {
  readonly title: string;
  /** A track of the CSS grid. */
  readonly width: string;
  readonly code?: boolean;
}

export interface GridOptions {
  readonly label: string;
  readonly columns: readonly Column[];
  readonly tree?: boolean;
  onToggle?(key: string): void;
  onActivate?(key: string): void;
  onSelect?(key: string): void;
}

const ROW_HEIGHT = 22;
const LEAST = /^minmax\(([^,]+),/;

export class Grid {
  readonly element: HTMLElement;
  private readonly body: HTMLElement;
  private rows: Rows = rowsOf([]);
  private active = 0;
  private activeKey: string | undefined;

  constructor(private readonly options: GridOptions) {
    const heads = options.columns.map(({ title }) => h('span', { role: 'columnheader' }, title));
    const head = h('div', { role: 'row', class: 'row head', 'aria-rowindex': 1 }, ...heads);
    this.body = h('div', { role: 'rowgroup', class: 'rows' });
    this.element = h('div', { role: options.tree === true ? 'treegrid' : 'grid', class: 'grid', 'aria-label': options.label, 'aria-colcount': options.columns.length }, head, this.body);
    const widths = options.columns.map(({ width }) => width);
    this.element.style.setProperty('--columns', widths.join(' '));
    this.element.style.setProperty('--least', `calc(${widths.map((width) => LEAST.exec(width)?.[1] ?? width).join(' + ')} + ${widths.length * 11}px)`);
    this.element.addEventListener('scroll', () => {
      this.draw();
    });
    new ResizeObserver(() => {
      this.draw();
    }).observe(this.element);
    this.element.addEventListener('keydown', (event) => {
      this.keyDown(event);
    });
    this.body.addEventListener('click', (event) => {
      this.click(event);
    });
    this.element.addEventListener('copy', (event) => {
      this.copy(event);
    });
  }

  /** Shows other rows; the active row stays the same one if it is still there. */
  show(rows: Rows): void {
    this.rows = rows;
    this.active = Math.max(0, Math.min(this.find(this.activeKey) ?? this.active, rows.count - 1));
    this.element.setAttribute('aria-rowcount', String(rows.count + 1));
    this.body.style.height = `${rows.count * ROW_HEIGHT}px`;
    this.draw();
  }

  /** Makes a row the active one and brings it into sight. */
  reveal(key: string, focus = false): void {
    const index = this.find(key);
    if (index !== undefined) this.activate(index, focus);
  }

  scrollToEnd(): void {
    this.element.scrollTop = this.rows.count * ROW_HEIGHT;
  }

  get isAtEnd(): boolean {
    return this.element.scrollTop + this.element.clientHeight >= this.rows.count * ROW_HEIGHT - ROW_HEIGHT;
  }

  redraw(): void {
    this.draw();
  }

  private find(key: string | undefined): number | undefined {
    const index = key === undefined ? -1 : this.rows.indexOf(key);
    return index < 0 ? undefined : index;
  }

  private draw(): void {
    const hadFocus = this.body.contains(document.activeElement);
    const { first, end } = windowOf(this.element.scrollTop, this.element.clientHeight, ROW_HEIGHT, this.rows.count);
    const indices = Array.from({ length: end - first }, (_, offset) => first + offset);
    if (this.rows.count > 0 && (this.active < first || this.active >= end)) indices.push(this.active);
    this.body.replaceChildren(...indices.map((index) => this.drawRow(index, this.rows.at(index))));
    if (hadFocus) this.body.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true });
  }

  private drawRow(index: number, row: Row | undefined): HTMLElement {
    const cells = (row?.cells ?? [{ text: '…' }]).map((cell, column) => {
      const code = this.options.columns[column]?.code === true ? 'code' : '';
      const element = h('span', { role: column === 0 ? 'rowheader' : 'gridcell', class: `cell ${code} ${'mark' in cell && cell.mark ? cell.mark : ''}`, title: cell.text }, cell.text);
      if (column === 0 && this.options.tree === true) this.indent(element, row);
      return element;
    });
    const element = h(
      'div',
      {
        role: 'row',
        class: `row ${row?.mark ?? ''}`,
        tabindex: index === this.active ? 0 : -1,
        'aria-rowindex': index + 2,
        'aria-level': row?.level,
        'aria-expanded': row?.expanded === undefined ? undefined : String(row.expanded),
        'aria-selected': String(index === this.active),
        'data-index': index,
        'data-key': row?.key,
      },
      ...cells,
    );
    element.style.top = `${index * ROW_HEIGHT}px`;
    return element;
  }

  private indent(element: HTMLElement, row: Row | undefined): void {
    element.style.paddingInlineStart = `${((row?.level ?? 1) - 1) * 14 + 2}px`;
    const twistie = row?.expanded === undefined ? '' : row.expanded ? '▾' : '▸';
    element.prepend(h('span', { class: 'twistie', 'aria-hidden': 'true' }, twistie));
  }

  private activate(index: number, focus: boolean): void {
    this.active = index;
    this.activeKey = this.rows.at(index)?.key;
    const top = index * ROW_HEIGHT;
    const visible = this.element.clientHeight - ROW_HEIGHT * 2;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top > this.element.scrollTop + visible) this.element.scrollTop = top - visible;
    this.draw();
    if (focus) this.body.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true });
    if (this.activeKey !== undefined) this.options.onSelect?.(this.activeKey);
  }

  private keyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = stepFor(event.key, this.active, this.rows, Math.max(1, Math.floor(this.element.clientHeight / ROW_HEIGHT) - 2));
    if (step === undefined) return;
    event.preventDefault();
    if ('move' in step) this.activate(step.move, true);
    else if ('toggle' in step) this.options.onToggle?.(step.toggle);
    else this.options.onActivate?.(step.activate);
  }

  private indexOf(event: Event): number {
    const row = (event.target as Element).closest<HTMLElement>('[data-index]');
    return row === null ? -1 : Number(row.dataset['index']);
  }

  private click(event: MouseEvent): void {
    const index = this.indexOf(event);
    const row = this.rows.at(index);
    if (row === undefined) return;
    const onTwistie = (event.target as Element).classList.contains('twistie');
    this.activate(index, true);
    const twice = event.detail === 2;
    if (row.expanded === undefined) {
      if (twice) this.options.onActivate?.(row.key);
    } else if (onTwistie || twice || row.mark === 'group') {
      this.options.onToggle?.(row.key);
    }
  }

  private copy(event: ClipboardEvent): void {
    if (getSelection()?.isCollapsed === false) return;
    const row = this.rows.at(this.active);
    if (row === undefined) return;
    event.clipboardData?.setData('text/plain', row.cells.map(({ text }) => text).join('\t'));
    event.preventDefault();
  }
}
