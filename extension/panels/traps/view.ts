/** The panel of the trap ledger as the document shows it. */
import { Connection } from '../kit/connection.js';
import { h, settled } from '../kit/dom.js';
import { Grid } from '../kit/grid.js';
import { rowsOf } from '../kit/rows.js';
import { Status } from '../kit/status.js';
import { countDetails, countRows, details, filterFor, headline, INITIAL, lastPage, Ledger, PAGE } from './model.js';
import type { TrapCount, TrapRequests } from './protocol.js';

const debuggerLink = new Connection<TrapRequests>();
const status = new Status();
let choices = debuggerLink.recall(INITIAL);
let ledger = newLedger();
let counted: readonly TrapCount[] = [];

const filter = h('input', { type: 'search', placeholder: 'Filter events, addresses and symbols', 'aria-label': 'Filter events, addresses and symbols', value: choices.filter });
const detail = h('dl', { class: 'details', 'aria-live': 'polite', 'aria-label': 'Details of the selected trap' });
const grid = new Grid({
  label: 'Trap ledger',
  columns: [
    { title: 'Instructions', width: '15ch', code: true },
    { title: 'CPU', width: '4ch' },
    { title: 'World', width: '7ch' },
    { title: 'Kind', width: '13ch' },
    { title: 'Event', width: 'minmax(14ch, 24ch)' },
    { title: 'RIP', width: 'minmax(20ch, 36ch)', code: true },
    { title: 'Detail', width: 'minmax(24ch, 1fr)' },
  ],
  onActivate: showDetails,
  onSelect: showDetails,
});
const counts = new Grid({
  label: 'Counts by event; press Enter to filter',
  columns: [
    { title: 'Event', width: 'minmax(12ch, 1fr)' },
    { title: 'Count', width: '9ch' },
    { title: 'Mean', width: '8ch' },
  ],
  onSelect(name) {
    const count = counted.find((each) => each.name === name);
    if (count !== undefined) showDetailsOf(countDetails(count));
  },
  onActivate(name) {
    const wanted = filterFor(name);
    filter.value = filter.value === wanted ? '' : wanted;
    applyFilter();
  },
});

function newLedger(): Ledger {
  const made: Ledger = new Ledger((start, count) => void fetchPage(made, start, count));
  return made;
}

async function fetchPage(into: Ledger, start: number, count: number): Promise<void> {
  try {
    const page = await debuggerLink.ask('ringside/traps', { start, count, ...(choices.filter !== '' && { filter: choices.filter }) });
    if (into !== ledger) return;
    ledger.receive(start, page);
    grid.show(ledger);
    counted = page.counts;
    counts.show(rowsOf(countRows(page.counts)));
    status.say(headline(page.total, choices.filter));
  } catch (error) {
    status.fail(error);
  }
}

async function refresh(): Promise<void> {
  const follow = grid.isAtEnd;
  ledger = newLedger();
  const mine = ledger;
  await fetchPage(mine, 0, PAGE);
  if (!follow || mine !== ledger) return;
  ledger.want(lastPage(ledger.count));
  grid.scrollToEnd();
}

function showDetails(key: string): void {
  const trap = ledger.trap(Number(key));
  showDetailsOf(trap === undefined ? [] : details(trap));
}

function showDetailsOf(list: readonly [string, string][]): void {
  detail.replaceChildren(...list.flatMap(([term, text]) => [h('dt', {}, term), h('dd', {}, text)]));
}

function applyFilter(): void {
  choices = { ...choices, filter: filter.value.trim() };
  debuggerLink.remember(choices);
  detail.replaceChildren();
  void refresh();
}

filter.addEventListener('input', settled(200, applyFilter));
document.body.append(status.element, h('div', { class: 'tools', role: 'toolbar', 'aria-label': 'What to show' }, filter), h('div', { class: 'columns' }, grid.element, h('aside', {}, counts.element)), detail);

debuggerLink.onState = (machine) => {
  status.show(machine);
  if (machine === 'stopped') void refresh();
};
debuggerLink.start();
