/** The panel of the page tables as the document shows it. */
import { Connection } from '../kit/connection.js';
import { h } from '../kit/dom.js';
import { Grid } from '../kit/grid.js';
import { rowsOf } from '../kit/rows.js';
import { Status } from '../kit/status.js';
import type { Access, PageTableRequests, Root, ShowWalk, Space } from './protocol.js';
import { TableTree } from './tree.js';
import { walkElement } from './walk-view.js';
import { addressFrom } from './walk.js';

const INITIAL = { root: 'guest' as Root, open: { guest: [] as string[], ept: [] as string[] }, address: '', access: 'read' as Access, user: false, space: 'linear' as Space };

const debuggerLink = new Connection<PageTableRequests>();
const status = new Status();
let choices = debuggerLink.recall(INITIAL);
let tree = newTree();

const choice = <Value extends string>(label: string, values: readonly Value[], value: Value, use: (value: Value) => void): HTMLElement => {
  const select = h('select', {}, ...values.map((each) => h('option', { value: each, selected: each === value }, each)));
  select.addEventListener('change', () => {
    use(select.value as Value);
  });
  return h('label', {}, `${label} `, select);
};

const address = h('input', { type: 'text', placeholder: 'Address, such as 0xffff800000001000', 'aria-label': 'Address to walk', spellcheck: 'false', value: choices.address });
const user = h('input', { type: 'checkbox', checked: choices.user });
const walkForm = h(
  'form',
  { class: 'tools', 'aria-label': 'Walk of an address' },
  address,
  choice('space', ['linear', 'guest-physical'], choices.space, (space) => {
    change({ space });
    void walk();
  }),
  choice('access', ['read', 'write', 'execute'], choices.access, (access) => {
    change({ access });
    void walk();
  }),
  h('label', {}, user, ' by user code'),
  h('button', { type: 'submit' }, 'Walk'),
);
const walkPlace = h('div', { class: 'walk-place' });
const grid = new Grid({
  label: 'Page tables; press Enter on a page to see its walk',
  tree: true,
  columns: [
    { title: 'Entry', width: 'minmax(18ch, 26ch)' },
    { title: 'Translates from', width: '20ch', code: true },
    { title: 'To', width: '17ch', code: true },
    { title: 'Size', width: '8ch' },
    { title: 'Rights', width: '7ch', code: true },
    { title: 'Used', width: '6ch' },
    { title: 'Value', width: '20ch', code: true },
    { title: 'Entry at', width: 'minmax(14ch, 1fr)', code: true },
  ],
  onToggle(path) {
    const open = choices.open[choices.root];
    change({ open: { ...choices.open, [choices.root]: open.includes(path) ? open.filter((each) => each !== path) : [...open, path] } });
    tree = newTree(tree);
    void fillTree();
  },
  onActivate(path) {
    const entry = tree.entry(path);
    if (entry !== undefined) showWalk(entry.linear, choices.root === 'ept' ? 'guest-physical' : 'linear');
  },
});

function newTree(before?: TableTree): TableTree {
  return new TableTree(choices.root, new Set(choices.open[choices.root]), before);
}

function change(some: Partial<typeof choices>): void {
  choices = { ...choices, ...some };
  debuggerLink.remember(choices);
}

async function fillTree(): Promise<void> {
  const mine = tree;
  try {
    for (let missing = mine.missing(); missing.length > 0; missing = mine.missing()) {
      for (const path of missing) mine.receive(path, await debuggerLink.ask('ringside/pageTable', mine.question(path)));
      if (mine !== tree) return;
    }
    grid.show(rowsOf(mine.rows()));
    status.say(mine.rows().length === 0 ? 'No entry is present.' : '');
  } catch (error) {
    if (mine !== tree) return;
    grid.show(rowsOf([]));
    status.fail(error);
  }
}

async function walk(): Promise<void> {
  if (address.value.trim() === '') {
    walkPlace.replaceChildren();
    return;
  }
  const linear = addressFrom(address.value);
  if (linear === undefined) {
    walkPlace.replaceChildren(h('p', { class: 'verdict failed', role: 'status' }, `“${address.value}” is not an address. Type hexadecimal digits, with or without 0x.`));
    return;
  }
  change({ address: linear, user: user.checked });
  try {
    walkPlace.replaceChildren(walkElement(await debuggerLink.ask('ringside/walk', { linear, access: choices.access, user: choices.user, space: choices.space })));
  } catch (error) {
    walkPlace.replaceChildren(h('p', { class: 'verdict failed', role: 'status' }, error instanceof Error ? error.message : String(error)));
  }
}

function showWalk(linear: string, space: Space): void {
  address.value = linear;
  change({ space });
  walkForm.querySelector('select')!.value = space;
  void walk();
}

walkForm.addEventListener('submit', (event) => {
  event.preventDefault();
  void walk();
});
user.addEventListener('change', () => void walk());
document.body.append(
  status.element,
  walkForm,
  walkPlace,
  h(
    'div',
    { class: 'tools', role: 'toolbar', 'aria-label': 'Which tables' },
    choice('tables', ['guest', 'ept'], choices.root, (root) => {
      change({ root });
      tree = newTree();
      void fillTree();
    }),
  ),
  grid.element,
);

debuggerLink.onState = (machine) => {
  status.show(machine);
  if (machine !== 'stopped') return;
  tree = newTree();
  void fillTree();
  void walk();
};
debuggerLink.onShow = (what) => {
  const { linear, space } = what as ShowWalk;
  showWalk(linear, space);
};
debuggerLink.start();
