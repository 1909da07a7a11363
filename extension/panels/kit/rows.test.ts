import assert from 'node:assert/strict';
import { cell, contains, rowsOf, stepFor, windowOf, type Row } from './rows.js';

const tree: Row[] = [
  { key: 'a', level: 1, expanded: true, cells: [cell('a')] },
  { key: 'a/b', level: 2, expanded: false, cells: [cell('b')] },
  { key: 'a/c', level: 2, cells: [cell('c')] },
  { key: 'd', level: 1, cells: [cell('d')] },
];
const press = (key: string, active: number) => stepFor(key, active, rowsOf(tree), 2);

describe('keys in a grid', () => {
  it('move within the rows and stop at the ends', () => {
    assert.deepEqual(press('ArrowDown', 0), { move: 1 });
    assert.deepEqual(press('ArrowDown', 3), { move: 3 });
    assert.deepEqual(press('ArrowUp', 0), { move: 0 });
    assert.deepEqual(press('PageDown', 0), { move: 2 });
    assert.deepEqual(press('Home', 3), { move: 0 });
    assert.deepEqual(press('End', 0), { move: 3 });
  });
  it('unfold, fold and climb to the parent', () => {
    assert.deepEqual(press('ArrowRight', 1), { toggle: 'a/b' });
    assert.deepEqual(press('ArrowRight', 0), { move: 1 });
    assert.equal(press('ArrowRight', 2), undefined);
    assert.deepEqual(press('ArrowLeft', 0), { toggle: 'a' });
    assert.deepEqual(press('ArrowLeft', 2), { move: 0 });
    assert.equal(press('ArrowLeft', 3), undefined);
  });
  it('activate a leaf and unfold a branch', () => {
    assert.deepEqual(press('Enter', 2), { activate: 'a/c' });
    assert.deepEqual(press(' ', 1), { toggle: 'a/b' });
  });
  it('leave other keys to the editor', () => {
    assert.equal(press('F10', 0), undefined);
  });
});

describe('the window of drawn rows', () => {
  it('covers what is in sight with a margin', () => {
    assert.deepEqual(windowOf(2200, 220, 22, 1000), { first: 90, end: 120 });
  });
  it('ends with the rows', () => {
    assert.deepEqual(windowOf(0, 220, 22, 5), { first: 0, end: 5 });
    assert.deepEqual(windowOf(99999, 220, 22, 5), { first: 0, end: 5 });
    assert.deepEqual(windowOf(0, 220, 22, 0), { first: 0, end: 0 });
  });
});

describe('a filter', () => {
  it('matches any cell without regard to case', () => {
    const row: Row = { key: 'x', cells: [cell('guest RIP'), cell('0xFFF0')] };
    assert.ok(contains(row, ' rip'));
    assert.ok(contains(row, '0xfff'));
    assert.ok(!contains(row, 'cr3'));
    assert.ok(contains(row, ''));
  });
});
