/** The panel of a Linux guest as the document shows it. */
import { Connection } from '../kit/connection.js';
import { h, settled } from '../kit/dom.js';
import { Grid } from '../kit/grid.js';
import { rowsOf } from '../kit/rows.js';
import { Status } from '../kit/status.js';
import { COLUMNS, headline, INITIAL, linuxRows, TITLES } from './model.js';
import { LINUX_PARTS, type LinuxData, type LinuxPart, type LinuxRequests } from './protocol.js';

const debuggerLink = new Connection<LinuxRequests>();
const status = new Status();
let choices = debuggerLink.recall(INITIAL);
let data: LinuxData = { slide: '0x0' };

const part = h('select', { 'aria-label': 'What to show' }, ...LINUX_PARTS.map((each) => h('option', { value: each, selected: each === choices.part }, TITLES[each])));
const filter = h('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter', value: choices.filter });
const grids = Object.fromEntries(LINUX_PARTS.map((each) => [each, gridOf(each)])) as Record<LinuxPart, Grid>;
const place = h('div', { class: 'part' });

function gridOf(shown: LinuxPart): Grid {
  return new Grid({
    label: shown === 'tasks' ? 'Tasks; press Enter to see the address space of one' : TITLES[shown],
    columns: [...COLUMNS[shown]],
    onActivate(key) {
      if (shown === 'tasks') choose({ part: 'areas', pid: Number(key) });
    },
  });
}

function draw(): void {
  place.replaceChildren(grids[choices.part].element);
  grids[choices.part].show(rowsOf(linuxRows(data, choices)));
}

function choose(changed: Partial<typeof choices>): void {
  choices = { ...choices, ...changed };
  part.value = choices.part;
  debuggerLink.remember(choices);
  void refresh();
}

async function refresh(): Promise<void> {
  try {
    data = await debuggerLink.ask('ringside/linux', { part: choices.part, ...(choices.pid !== undefined && { pid: choices.pid }) });
    status.say(headline(data, choices));
  } catch (error) {
    data = { slide: '0x0' };
    status.fail(error);
  }
  draw();
}

part.addEventListener('change', () => { choose({ part: part.value as LinuxPart, pid: undefined }); });
filter.addEventListener('input', settled(120, () => {
  choices = { ...choices, filter: filter.value };
  debuggerLink.remember(choices);
  draw();
}));
document.body.append(status.element, h('div', { class: 'tools', role: 'toolbar', 'aria-label': 'What to show' }, part, filter), place);

debuggerLink.onState = (machine) => {
  status.show(machine);
  if (machine === 'stopped') void refresh();
};
debuggerLink.start();
