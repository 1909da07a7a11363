import assert from 'node:assert/strict';
import { countRows, details, filterFor, headline, lastPage, Ledger, PAGE } from './model.js';
import type { TrapRow } from './protocol.js';

const trap = (at: number): TrapRow => ({ at, cpu: 0, kind: 'VM exit', name: 'CPUID', rip: '0x1000', symbol: 'guest_main+4', detail: 'leaf 0', world: 'guest' });

describe('the trap ledger in pages', () => {
  it('asks once for a page that comes into sight', () => {
    const asked: number[] = [];
    const ledger = new Ledger((start) => asked.push(start));
    ledger.receive(0, { total: 450, rows: [trap(10)], counts: [] });
    assert.equal(ledger.at(0)!.cells[5]!.text, '0x1000 guest_main+4');
    assert.equal(ledger.at(401), undefined);
    assert.equal(ledger.at(402), undefined);
    assert.deepEqual(asked, [2 * PAGE]);
    ledger.receive(2 * PAGE, { total: 450, rows: [trap(11), trap(12)], counts: [] });
    assert.equal(ledger.at(401)!.cells[0]!.text, '12');
  });
  it('knows the last page', () => {
    assert.deepEqual([0, 1, PAGE, PAGE + 1].map(lastPage), [0, 0, 0, 1]);
  });
});

describe('the counts by reason', () => {
  it('stand with the most frequent first', () => {
    assert.deepEqual(countRows([{ name: 'HLT', count: 1 }, { name: 'CPUID', count: 2000 }]).map(({ cells }) => cells.map(({ text }) => text)), [['CPUID', '2\u202f000'], ['HLT', '1']]);
  });
});

describe("a count's name", () => {
  it('becomes words to filter by', () => {
    assert.deepEqual(['VM exit: CPUID', 'triple fault'].map(filterFor), ['VM exit CPUID', 'triple fault']);
  });
});

describe('the details of a trap', () => {
  it('say everything the ledger knows', () => {
    assert.deepEqual(details(trap(1)), [['event', 'VM exit: CPUID'], ['instant', 'after 1 instruction'], ['processor', '0, guest'], ['RIP', '0x1000, guest_main+4'], ['detail', 'leaf 0']]);
  });
  it('are headed by a sentence', () => {
    assert.equal(headline(0, ''), 'No trap yet.');
    assert.equal(headline(0, 'x'), 'No trap matches “x”.');
    assert.equal(headline(3, ''), '3 traps.');
  });
});
