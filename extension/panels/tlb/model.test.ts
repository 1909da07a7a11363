import assert from 'node:assert/strict';
import { headline, INITIAL, walkOf, tlbRows } from './model.js';
import type { TlbEntry } from './protocol.js';

const entry: TlbEntry = { linear: '0x400000', physical: '0x7000', size: 4096, rights: { r: true, w: true, x: false, u: true }, vpid: 1, pcid: 0, eptp: '0x3000', global: true };
const stale: TlbEntry = { ...entry, linear: '0x401000', global: false, stale: 'the table now maps 0x9000' };

describe('the rows of the TLB panel', () => {
  it('show tags, rights and size', () => {
    assert.deepEqual(tlbRows([entry], INITIAL)[0]!.cells.map(({ text }) => text), ['0x400000', '0x7000', '', '4 KiB', 'rw-u', '1', '0', 'G', '0x3000', '']);
  });
  it('mark a stale entry and say what differs', () => {
    const row = tlbRows([stale], INITIAL)[0]!;
    assert.equal(row.mark, 'stale');
    assert.equal(row.cells.at(-1)!.text, 'stale: the table now maps 0x9000');
  });
  it('filter', () => {
    assert.equal(tlbRows([entry, stale], { ...INITIAL, staleOnly: true }).length, 1);
    assert.equal(tlbRows([entry, stale], { ...INITIAL, filter: '401' }).length, 1);
  });
  it('lead to the address', () => {
    assert.deepEqual(walkOf(tlbRows([entry, stale], INITIAL)[1]!.key, [entry, stale]), { linear: '0x401000', space: 'linear' });
    assert.deepEqual(walkOf('0', [{ ...entry, linear: '', guestPhysical: '0x7000' }]), { linear: '0x7000', space: 'guest-physical' });
  });
  it('are summed up in one sentence', () => {
    assert.equal(headline([]), 'The TLB is empty.');
    assert.equal(headline([entry, stale]), '2 translations; 1 no longer agrees with the page tables.');
    assert.equal(headline([entry]), '1 translation; all agree with the page tables.');
  });
});
