/** Draws the walk's matrix: arrow keys go from load to load. */
import { h } from '../kit/dom.js';
import { matrixOf, type WalkCell } from './walk.js';
import type { Walk } from './protocol.js';

function load(cell: WalkCell | undefined): HTMLElement {
  if (cell === undefined) return h('td', { class: 'empty' });
  const { order, name, entryAddress, value, rights, denied } = cell;
  return h(
    'td',
    { class: denied === undefined ? 'load' : 'load denied', tabindex: -1, 'aria-label': `Load ${order}, ${name} at ${entryAddress}: ${value}, rights so far ${rights}${denied === undefined ? '' : `, denied: ${denied}`}` },
    h('span', { class: 'order' }, String(order)),
    h('span', { class: 'code value' }, value),
    h('span', { class: 'code dim' }, `at ${entryAddress}`),
    h('span', { class: 'code' }, rights),
    denied !== undefined && h('strong', {}, `✗ ${denied}`),
  );
}

export function walkElement(walk: Walk): HTMLElement {
  const { eptColumns, rows, loads, verdict, allowed } = matrixOf(walk);
  const head = h('tr', {}, h('th', { scope: 'col' }, eptColumns.length === 0 ? 'Entry' : 'Address of'), ...eptColumns.map((name) => h('th', { scope: 'col' }, name)), h('th', { scope: 'col' }, 'Guest entry'));
  const body = rows.map(({ name, ept, guest }) => h('tr', {}, h('th', { scope: 'row' }, name), ...ept.map(load), load(guest)));
  const table = h('table', { class: 'walk', role: 'grid', 'aria-label': `The walk, ${loads} loads` }, h('thead', {}, head), h('tbody', {}, ...body));
  roam(table);
  return h('div', {}, h('p', { class: allowed ? 'verdict' : 'verdict failed', role: 'status' }, `${loads} loads: ${verdict}`), h('div', { class: 'scroll' }, table));
}

function roam(table: HTMLTableElement): void {
  const loads = [...table.querySelectorAll<HTMLElement>('td.load')];
  const first = loads[0];
  if (first === undefined) return;
  const focus = (target: HTMLElement | undefined): void => {
    if (target === undefined) return;
    for (const each of loads) each.tabIndex = -1;
    target.tabIndex = 0;
    target.focus();
  };
  first.tabIndex = 0;
  table.addEventListener('keydown', (event) => {
    const current = loads.indexOf(event.target as HTMLElement);
    if (current < 0) return;
    const { cellIndex, parentElement } = loads[current] as HTMLTableCellElement;
    const inRow = (rows: HTMLElement[]): HTMLElement | undefined => rows.find((each) => (each as HTMLTableCellElement).cellIndex === cellIndex);
    const rowOf = (each: HTMLElement): number => (each.parentElement as HTMLTableRowElement).rowIndex;
    const here = (parentElement as HTMLTableRowElement).rowIndex;
    const moves: Record<string, () => HTMLElement | undefined> = {
      ArrowRight: () => loads[current + 1],
      ArrowLeft: () => loads[current - 1],
      ArrowDown: () => inRow(loads.filter((each) => rowOf(each) > here)),
      ArrowUp: () => inRow(loads.filter((each) => rowOf(each) < here).reverse()),
      Home: () => first,
      End: () => loads.at(-1),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    focus(move());
  });
}
