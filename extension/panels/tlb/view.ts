/** The panel of the TLB as the document shows it. */
import { Connection } from '../kit/connection.js';
import { h, settled } from '../kit/dom.js';
import { Grid } from '../kit/grid.js';
import { rowsOf } from '../kit/rows.js';
import { Status } from '../kit/status.js';
import { headline, INITIAL, tlbRows, walkOf } from './model.js';
import type { TlbEntry, TlbRequests } from './protocol.js';

const debuggerLink = new Connection<TlbRequests>();
const status = new Status();
let choices = debuggerLink.recall(INITIAL);
let entries: TlbEntry[] = [];

const filter = h('input', { type: 'search', placeholder: 'Filter addresses and tags', 'aria-label': 'Filter addresses and tags', value: choices.filter });
const staleOnly = h('input', { type: 'checkbox', checked: choices.staleOnly });
const grid = new Grid({
  label: 'TLB entries; press Enter to see the walk of an address',
  columns: [
    { title: 'Linear', width: '20ch', code: true },
    { title: 'Physical', width: '14ch', code: true },
    { title: 'Guest-physical', width: '15ch', code: true },
    { title: 'Size', width: '8ch' },
    { title: 'Rights', width: '7ch', code: true },
    { title: 'VPID', width: '6ch' },
    { title: 'PCID', width: '6ch' },
    { title: 'G', width: '3ch' },
    { title: 'EPTP', width: '14ch', code: true },
    { title: 'Against the tables', width: 'minmax(24ch, 1fr)' },
  ],
  onActivate(key) {
    const walk = walkOf(key, entries);
    if (walk !== undefined) debuggerLink.execute('ringside.showWalk', walk);
  },
});

function keep(): void {
  debuggerLink.remember(choices);
  grid.show(rowsOf(tlbRows(entries, choices)));
}

async function refresh(): Promise<void> {
  try {
    ({ entries } = await debuggerLink.ask('ringside/tlb', {}));
    status.say(headline(entries));
    keep();
  } catch (error) {
    status.fail(error);
  }
}

filter.addEventListener('input', settled(120, () => {
  choices = { ...choices, filter: filter.value };
  keep();
}));
staleOnly.addEventListener('change', () => {
  choices = { ...choices, staleOnly: staleOnly.checked };
  keep();
});
document.body.append(status.element, h('div', { class: 'tools', role: 'toolbar', 'aria-label': 'What to show' }, filter, h('label', {}, staleOnly, ' stale only')), grid.element);

debuggerLink.onState = (machine) => {
  status.show(machine);
  if (machine === 'stopped') void refresh();
};
debuggerLink.start();
