/** The panel of the VMCS as the document shows it. */
import { Connection } from '../kit/connection.js';
import { h, settled } from '../kit/dom.js';
import { Grid } from '../kit/grid.js';
import { rowsOf } from '../kit/rows.js';
import { Status } from '../kit/status.js';
import { headline, INITIAL, keyOfField, toggle, vmcsRows } from './model.js';
import type { FailedCheck, VmcsRequests, VmcsState } from './protocol.js';

const debuggerLink = new Connection<VmcsRequests>();
const status = new Status();
let choices = debuggerLink.recall(INITIAL);
let state: VmcsState | undefined;

const filter = h('input', { type: 'search', placeholder: 'Filter fields and bits', 'aria-label': 'Filter fields and bits', value: choices.filter });
const changedOnly = h('input', { type: 'checkbox', checked: choices.changedOnly });
const checks = h('section', { class: 'checks', 'aria-label': 'Entry checks that fail', hidden: true });
const grid = new Grid({
  label: 'VMCS fields',
  tree: true,
  columns: [
    { title: 'Field', width: 'minmax(32ch, 44ch)' },
    { title: 'Value', width: 'minmax(14ch, 20ch)', code: true },
    { title: 'Meaning', width: 'minmax(16ch, 1fr)' },
    { title: 'Encoding', width: '9ch', code: true },
    { title: 'Width', width: '8ch' },
  ],
  onToggle(key) {
    choices = toggle(choices, key);
    keep();
  },
});

function keep(): void {
  debuggerLink.remember(choices);
  if (state !== undefined) grid.show(rowsOf(state.present ? vmcsRows(state, choices) : []));
}

function checkItem(check: FailedCheck): HTMLElement {
  const { field } = check;
  if (field === undefined) return h('li', {}, check.says);
  const link = h('button', { class: 'link' }, field);
  link.addEventListener('click', () => {
    const found = state?.groups.flatMap(({ fields }) => fields).find(({ name }) => name === field);
    if (found !== undefined) grid.reveal(keyOfField(found), true);
  });
  return h('li', {}, check.says, ' ', link);
}

function showChecks(failed: readonly FailedCheck[]): void {
  checks.hidden = failed.length === 0;
  const title = failed.length === 1 ? 'VM entry would fail: one check does not hold' : `VM entry would fail: ${failed.length} checks do not hold`;
  checks.replaceChildren(h('h2', {}, title), h('ol', {}, ...failed.map(checkItem)));
}

async function refresh(): Promise<void> {
  try {
    state = await debuggerLink.ask('ringside/vmcs', {});
    status.say(headline(state));
    showChecks(state.present ? state.failedChecks : []);
    keep();
  } catch (error) {
    status.fail(error);
  }
}

filter.addEventListener('input', settled(120, () => {
  choices = { ...choices, filter: filter.value };
  keep();
}));
changedOnly.addEventListener('change', () => {
  choices = { ...choices, changedOnly: changedOnly.checked };
  keep();
});
document.body.append(status.element, h('div', { class: 'tools', role: 'toolbar', 'aria-label': 'What to show' }, filter, h('label', {}, changedOnly, ' changed only')), checks, grid.element);

debuggerLink.onState = (machine) => {
  status.show(machine);
  if (machine === 'stopped') void refresh();
};
debuggerLink.start();
