import assert from 'node:assert/strict';
import { CR4, P, PG, LMA, TestMachine, U, W } from '../paging/test-machine.js';
import { READ, WRITE } from '../paging/mmu.js';
import { Exception, VECTORS } from './events.js';
import { S } from './layout.js';
import { PROTECTION_KEY_OPERATIONS } from './protection-keys.js';

const KEY = 5, DATA = 0x5000, WP = 0x10000;

/** A user page with a key, and PKRU written by the instruction. */
function machine(pkru: number, cr0 = PG | WP): TestMachine {
  const m = new TestMachine();
  m.fourLevel((page) => BigInt(page) << 12n | P | W | U | BigInt(KEY) << 59n);
  m.set({ cr0, cr3: 0x1000, cr4: CR4.PAE | CR4.PKE, efer: LMA, cpl: 3 });
  m.cpu.setReg32(0, pkru);
  PROTECTION_KEY_OPERATIONS['WRPKRU']!(m.cpu);
  return m;
}
const errorOf = (act: () => void): number | undefined => {
  try { act(); } catch (e) {
    if (e instanceof Exception) return e.vector === VECTORS['#PF'] ? e.errorCode : -e.vector;
    throw e;
  }
  return undefined;
};

describe('protection keys', () => {
  it('forbid writes, or all data accesses, to pages with that key', () => {
    for (const [pkru, read, write] of [[0, undefined, undefined], [2 << (2 * KEY), undefined, 0x27], [1 << (2 * KEY), 0x25, 0x27], [~(3 << (2 * KEY)) >>> 0, undefined, undefined]] as const) {
      const { mmu } = machine(pkru);
      assert.equal(errorOf(() => mmu.translate(DATA, READ, true)), read);
      assert.equal(errorOf(() => mmu.translate(DATA, WRITE, true)), write);
    }
  });
  it('forbid the supervisor to write only with CR0.WP', () => {
    assert.equal(errorOf(() => machine(2 << (2 * KEY)).mmu.translate(DATA, WRITE, false)), 0x23);
    assert.equal(errorOf(() => machine(2 << (2 * KEY), PG).mmu.translate(DATA, WRITE, false)), undefined);
  });
  it('count from the next access on, though the translation is cached', () => {
    const { cpu, mmu } = machine(0);
    mmu.translate(DATA, WRITE, true);
    cpu.setReg32(0, 1 << (2 * KEY));
    PROTECTION_KEY_OPERATIONS['WRPKRU']!(cpu);
    assert.equal(errorOf(() => mmu.translate(DATA, READ, true)), 0x25);
    cpu.setReg32(0, 0);
    PROTECTION_KEY_OPERATIONS['WRPKRU']!(cpu);
    assert.equal(errorOf(() => mmu.translate(DATA, WRITE, true)), undefined);
  });
  it('are read back, and need CR4.PKE and zeros in ECX and EDX', () => {
    const { cpu, mmu } = machine(0x12345678);
    cpu.setReg(2, 7n);
    PROTECTION_KEY_OPERATIONS['RDPKRU']!(cpu);
    assert.deepEqual([cpu.reg(0), cpu.reg(2)], [0x12345678n, 0n]);
    cpu.setReg32(2, 1);
    assert.equal(errorOf(() => PROTECTION_KEY_OPERATIONS['WRPKRU']!(cpu)), -VECTORS['#GP']);
    cpu.setReg32(1, 1);
    assert.equal(errorOf(() => PROTECTION_KEY_OPERATIONS['RDPKRU']!(cpu)), -VECTORS['#GP']);
    cpu.cr4 &= ~CR4.PKE;
    mmu.spaceChanged();
    assert.equal(errorOf(() => PROTECTION_KEY_OPERATIONS['RDPKRU']!(cpu)), -VECTORS['#UD']);
    assert.equal(cpu.low(S.pkru), 0x12345678);
  });
});
