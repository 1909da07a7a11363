import assert from 'node:assert/strict';
import { countText, plural, rightsText, sizeText } from './text.js';

describe('how panels write', () => {
  it('rights', () => {
    assert.equal(rightsText({ r: true, w: false, x: true, u: true }), 'r-xu');
    assert.equal(rightsText({ r: true, w: true, x: false }), 'rw-');
    assert.equal(rightsText({ r: true, w: false, x: false, xu: true }), 'r-- xu');
  });
  it('sizes, from numbers and from hexadecimal text', () => {
    assert.deepEqual([4096, '0x200000', 1 << 30, '4 KiB', 512, 0].map(sizeText), ['4 KiB', '2 MiB', '1 GiB', '4 KiB', '512 B', '0 B']);
  });
  it('counts', () => {
    assert.equal(countText(1234567), '1\u202f234\u202f567');
    assert.equal(countText('12'), '12');
    assert.equal(plural(1, 'entry', 'entries'), '1 entry');
    assert.equal(plural(1000, 'entry', 'entries'), '1\u202f000 entries');
  });
});
