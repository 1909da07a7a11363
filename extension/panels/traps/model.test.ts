import assert from 'node:assert/strict';
import { countDetails, countRows, details, filterFor, headline, lastPage, Ledger, PAGE } from './model.js';
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
    assert.deepEqual(countRows([{ name: 'HLT', count: 1 }, { name: 'CPUID', count: 2000 }]).map(({ cells }) => cells.map(({ text }) => text)), [['CPUID', '2\u202f000', ''], ['HLT', '1', '']]);
  });
});

describe('the count of a VM exit', () => {
  const count = { name: 'VM exit: CPUID', count: 3, served: { count: 2, total: 2500, least: 500, most: 2000, mostAt: 12345 } };
  it('tells what the hypervisor took', () => {
    assert.equal(countRows([count])[0]!.cells[2]!.text, '1\u202f250');
    assert.deepEqual(countDetails(count).map(([, text]) => text), ['VM exit: CPUID, 3 times', '2\u202f500 instructions: 500 to 2\u202f000, 1\u202f250 on average', 'at instant 12\u202f345']);
    assert.deepEqual(countDetails({ name: 'halt', count: 1 }), []);
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
  it('tell an interrupt from end to end', () => {
    const thread = [{ at: 1, role: 'arrives', says: 'External interrupt, vector 36.' }, { at: 2345, role: 'is over', says: 'End of interrupt: vector 36 has been serviced.' }];
    assert.deepEqual(details({ ...trap(1), thread }).slice(-2), [['▸ 1', 'arrives: External interrupt, vector 36.'], ['2\u202f345', 'is over: End of interrupt: vector 36 has been serviced.']]);
  });
  it('are headed by a sentence', () => {
    assert.equal(headline(0, ''), 'No trap yet.');
    assert.equal(headline(0, 'x'), 'No trap matches “x”.');
    assert.equal(headline(3, ''), '3 traps.');
  });
});
