import assert from 'node:assert/strict';
import { ExitDue } from '../cpu/events.js';
import { read32, write32 } from '../paging/access.js';
import { AT, exited, type Fields, guest, mapByEpt, secondary, type TestProcessor } from './test-processor.js';

const LOG = AT.msrArea, PAGE = 0x60000, OTHER = 0x61000, PTE = AT.ept + 0x3000 + 8 * (PAGE >> 12), DIRTY = 0x200n;
const ACCESSED_DIRTY: Fields = { 'EPT pointer (EPTP)': AT.ept | 0x5e };

/** A guest with this PML index; the guest's tables are dirty already. */
function logging(index: number, more: Fields = ACCESSED_DIRTY): TestProcessor {
  const t = guest({ ...secondary('enable EPT', 'enable PML'), 'PML address': LOG, 'PML index': 511, ...more }, mapByEpt);
  t.cpu.mmu.translate(OTHER, 0, false);
  t.write({ 'PML index': index });
  return t;
}
const exits = (t: TestProcessor, act: () => void): boolean => {
  try { act(); } catch (thrown) { if (thrown instanceof ExitDue) thrown.perform(); else throw thrown; }
  return !t.cpu.nonRoot;
};

describe('page-modification logging', () => {
  it('logs a page when it becomes dirty, once, and downwards', () => {
    const t = logging(511);
    write32(t.cpu, PAGE + 0x123, 1);
    write32(t.cpu, PAGE + 0x456, 1);
    write32(t.cpu, OTHER, 1);
    assert.deepEqual([t.get64(LOG + 8 * 511), t.get64(LOG + 8 * 510), t.read('PML index')], [BigInt(PAGE), BigInt(OTHER), 509n]);
  });
  it('logs the pages of the guest’s paging structures', () => {
    const t = guest({ ...secondary('enable EPT', 'enable PML'), 'PML address': LOG, 'PML index': 511, ...ACCESSED_DIRTY }, mapByEpt);
    read32(t.cpu, PAGE);
    assert.deepEqual([511, 510, 509].map((n) => t.get64(LOG + 8 * n)), [AT.pml4, AT.pdpt, AT.pd].map(BigInt));
    assert.equal(t.read('PML index'), 508n);
  });
  it('reads log nothing, and nothing is logged without accessed and dirty flags', () => {
    const t = logging(511);
    read32(t.cpu, PAGE);
    assert.equal(t.read('PML index'), 511n);
    const without = logging(511, {});
    write32(without.cpu, PAGE, 1);
    assert.equal(without.read('PML index'), 511n);
  });
  it('the last entry is number 0; after it the log is full, and the page stays clean', () => {
    const t = logging(0);
    assert.equal(exits(t, () => { write32(t.cpu, OTHER, 1); }), false);
    assert.equal(t.read('PML index'), 0xffffn);
    assert.equal(exits(t, () => { write32(t.cpu, PAGE, 1); }), true);
    exited(t, 'PAGE_MODIFICATION_LOG_FULL');
    assert.equal(t.get64(PTE) & DIRTY, 0n);
    assert.equal(t.get32(PAGE), 0);
    assert.match(t.last.says, /^Page-modification log full: the PML index is 65535, so that guest-physical page 0x60000 cannot be logged\./);
  });
  it('tells of the event whose delivery wrote', () => {
    const t = logging(0xffff);
    t.cpu.delivering = { vector: 6, type: 3, errorCode: undefined, instructionLength: 0 };
    assert.equal(exits(t, () => { write32(t.cpu, PAGE, 1); }), true);
    exited(t, 'PAGE_MODIFICATION_LOG_FULL');
    assert.equal(t.read('IDT-vectoring information field'), 0x8000_0306n);
  });
});
