import assert from 'node:assert/strict';
import type { TableEntry } from './protocol.js';
import { TableTree } from './tree.js';

const entry = (index: number, more: Partial<TableEntry> = {}): TableEntry => ({
  index,
  entryAddress: '0x1000',
  value: '0x2003',
  present: true,
  leaf: false,
  target: '0x2000',
  linear: '0x0',
  size: '0x8000000000',
  rights: { r: true, w: true, x: true, u: false },
  accessed: true,
  dirty: false,
  global: false,
  ...more,
});

describe('the tree of page tables', () => {
  it('first asks for the root', () => {
    const tree = new TableTree('guest', new Set());
    assert.deepEqual(tree.missing(), ['']);
    assert.deepEqual(tree.question(''), { root: 'guest' });
  });

  it('asks for a table whose entry is unfolded, with its address and level', () => {
    const tree = new TableTree('guest', new Set(['0', '0/5', '7']));
    tree.receive('', { levels: 4, entries: [entry(0)] });
    assert.deepEqual(tree.missing(), ['0']);
    assert.deepEqual(tree.question('0'), { root: 'guest', table: '0x2000', level: 3 });
    tree.receive('0', { levels: 4, entries: [entry(5, { target: '0x3000' })] });
    assert.deepEqual(tree.missing(), ['0/5']);
    assert.deepEqual(tree.question('0/5'), { root: 'guest', table: '0x3000', level: 2 });
  });

  it('shows present entries, folded and unfolded', () => {
    const tree = new TableTree('ept', new Set(['1']));
    tree.receive('', { levels: 4, entries: [entry(0, { present: false }), entry(1), entry(2)] });
    tree.receive('1', { levels: 4, entries: [entry(9, { leaf: true, size: '0x40000000', target: '0x80000000', dirty: true })] });
    const rows = tree.rows();
    assert.deepEqual(rows.map(({ key, level, expanded }) => [key, level, expanded]), [['1', 1, true], ['1/9', 2, undefined], ['2', 1, false]]);
    assert.deepEqual(rows[1]!.cells.map(({ text }) => text), ['EPT PDPTE 9', '0x0', '→ 0x80000000', '1 GiB', 'rwx-', 'AD', '0x2003', '0x1000']);
  });
});
