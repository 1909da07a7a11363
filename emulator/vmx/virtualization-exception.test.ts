import assert from 'node:assert/strict';
import { ABANDON, EptFault, Exception, VECTORS } from '../cpu/events.js';
import { read32, write32 } from '../paging/access.js';
import { eptFault } from './intercepts.js';
import { AT, exited, type Fields, guest, mapByEpt, secondary, type TestProcessor } from './test-processor.js';

const AREA = AT.msrArea, PAGE = 0x60000, PTE = AT.ept + 0x3000 + 8 * (PAGE >> 12), SUPPRESS = 1n << 63n;
const READ_ONLY = BigInt(PAGE) | 0x31n;

/** A guest whose page has this EPT entry. */
const converting = (entry: bigint, more: Fields = {}): TestProcessor =>
  guest({ ...secondary('enable EPT', 'EPT-violation #VE'), 'virtualization-exception information address': AREA, 'EPTP index': 5, ...more }, (t) => {
    mapByEpt(t);
    t.put64(PTE, entry);
  });

/** What the violation of that access becomes. */
function becomes(t: TestProcessor, access: () => void): 'VM exit' | '#VE' {
  try { access(); } catch (thrown) {
    assert.ok(thrown instanceof EptFault);
    try { eptFault(t.cpu, thrown); } catch (converted) {
      if (converted instanceof Exception && converted.vector === VECTORS['#VE']) return '#VE';
      if (converted !== ABANDON) throw converted;
    }
  }
  exited(t, 'EPT_VIOLATION', t.read('exit qualification'));
  return 'VM exit';
}

describe('virtualization exceptions', () => {
  it('tell the guest what the exit would tell its hypervisor', () => {
    const t = converting(READ_ONLY);
    assert.equal(becomes(t, () => { write32(t.cpu, PAGE + 0x128, 1); }), '#VE');
    assert.deepEqual([0, 4].map((at) => t.get32(AREA + at)), [48, 0xffff_ffff]);
    assert.deepEqual([8, 16, 24].map((at) => t.get64(AREA + at)), [0x18an, BigInt(PAGE + 0x128), BigInt(PAGE + 0x128)]);
    assert.equal(t.get32(AREA + 32), 5);
    assert.equal(t.cpu.nonRoot, true);
  });
  it('come for pages that are not present', () => {
    const t = converting(0n);
    assert.equal(becomes(t, () => { read32(t.cpu, PAGE); }), '#VE');
    assert.equal(t.get64(AREA + 8), 0x181n);
  });
  it('are kept back by bit 63 of the entry that is not present, or that maps the page', () => {
    for (const entry of [SUPPRESS, READ_ONLY | SUPPRESS]) {
      const t = converting(entry);
      assert.equal(becomes(t, () => { write32(t.cpu, PAGE, 1); }), 'VM exit');
      assert.equal(t.get32(AREA), 0);
    }
  });
  it('come one at a time: until the guest has cleared the area, violations exit', () => {
    const t = converting(0n);
    assert.equal(becomes(t, () => { read32(t.cpu, PAGE); }), '#VE');
    t.put32(AREA + 4, 0);
    assert.equal(becomes(t, () => { read32(t.cpu, PAGE); }), '#VE');
    assert.equal(becomes(t, () => { read32(t.cpu, PAGE); }), 'VM exit');
  });
  it('do not come during the delivery of an event, or without the control', () => {
    const t = converting(0n);
    t.cpu.delivering = { vector: 6, type: 3, errorCode: undefined, instructionLength: 0 };
    assert.equal(becomes(t, () => { read32(t.cpu, PAGE); }), 'VM exit');
    const without = converting(0n, secondary('enable EPT'));
    assert.equal(becomes(without, () => { read32(without.cpu, PAGE); }), 'VM exit');
  });
});
