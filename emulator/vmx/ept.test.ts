import assert from 'node:assert/strict';
import { EXECUTE, READ, WalkOutcome, WRITE, type AccessKind, type WalkStep } from '../paging/outcome.js';
import { P, TestMachine, U, W } from '../paging/test-machine.js';
import { walk } from '../paging/walk.js';

const AD = 0x40n, WB = 0x30n;
/** Guest-physical pages lie 2 MBytes higher in host-physical memory; the guest's tables too. */
const SHIFT = 0x200000n;
const DATA_PAGE = 0x50, EPTE = 0x13000 + 8 * DATA_PAGE, PTE_EPTE = 0x13000 + 8 * 4;

function setUp(flags = 0x1en): TestMachine {
  const m = new TestMachine();
  m.fourLevel((page) => BigInt(page) << 12n | P | W | U);
  m.cpu.u8.copyWithin(m.cpu.u8.length - m.guestBytes + 0x201000, m.cpu.u8.length - m.guestBytes + 0x1000, m.cpu.u8.length - m.guestBytes + 0x6000);
  m.ept((page) => (BigInt(page) << 12n) + SHIFT | WB | 7n, flags);
  m.world(true);
  return m;
}
function outcomeOf(m: TestMachine, linear: number, kind: AccessKind = READ, steps?: WalkStep[]): WalkOutcome {
  const outcome = new WalkOutcome();
  walk(m.cpu, m.mmu.currentState(), linear, kind, 0, outcome, steps);
  return outcome;
}
const verdict = (o: WalkOutcome): unknown => (o.is === 'mapped' ? o.physical : [o.is, o.guestPhysical, o.qualification]);
const updatesOf = (o: WalkOutcome): string[] => Array.from({ length: o.updates.count }, (_, n) => `${o.updates.physical[n]!.toString(16)} ${o.updates.bits[n]!.toString(16)}`);

describe('extended page tables', () => {
  it('translate guest-physical addresses, those of the guest’s tables included', () => {
    const m = setUp(), steps: WalkStep[] = [];
    assert.equal(outcomeOf(m, 0x50123, READ, steps).physical, 0x250123);
    assert.equal(steps.length, 24);
    assert.deepEqual(steps.filter((s) => s.stage === 'guest').map((s) => [s.level, s.guestPhysical, s.physical]), [
      ['PML4E', 0x1000, 0x201000], ['PDPTE', 0x2000, 0x202000], ['PDE', 0x3000, 0x203000], ['PTE', 0x4280, 0x204280]]);
    assert.deepEqual(steps.slice(-4).map((s) => s.level), ['EPT PML4E', 'EPT PDPTE', 'EPT PDE', 'EPT PTE']);
  });

  it('translate a guest without paging', () => {
    const m = setUp();
    m.set({ cr0: 0x21 });
    assert.equal(outcomeOf(m, 0x50123).physical, 0x250123);
    assert.equal(m.mmu.translate(0x50123, WRITE, false), 0x250123);
  });

  it('map 2-MByte and 1-GByte pages; a cached translation covers the smaller of both pages', () => {
    const m = setUp();
    m.put(0x12000, 0x200000n | WB | 0x87n);
    const o = outcomeOf(m, 0x50123);
    assert.deepEqual([o.physical, o.pageShift, o.guestPageShift], [0x250123, 12, 12]);
    m.set({ cr0: 0x21 });
    assert.equal(outcomeOf(m, 0x50123).pageShift, 21);
    m.put(0x11000, 0x4000_0000n | WB | 0x87n);
    assert.deepEqual([outcomeOf(m, 0x3fffffff).physical, outcomeOf(m, 0).pageShift], [0x7fffffff, 30]);
  });

  const violations: [says: string, at: number, value: bigint, kind: AccessKind, expected: unknown][] = [
    ['page not present, read', EPTE, 0n, READ, ['EPT violation', 0x50123, 0b1_1000_0001]],
    ['page not present, write', EPTE, 0n, WRITE, ['EPT violation', 0x50123, 0b1_1000_0010]],
    ['page not present, fetch', EPTE, 0n, EXECUTE, ['EPT violation', 0x50123, 0b1_1000_0100]],
    ['read-only page, write', EPTE, 0x250000n | WB | 1n, WRITE, ['EPT violation', 0x50123, 0b1_1000_1010]],
    ['page not executable, fetch', EPTE, 0x250000n | WB | 3n, EXECUTE, ['EPT violation', 0x50123, 0b1_1001_1100]],
    ['execute-only page, read', EPTE, 0x250000n | WB | 4n, READ, ['EPT violation', 0x50123, 0b1_1010_0001]],
    ['execute-only page, fetch', EPTE, 0x250000n | WB | 4n, EXECUTE, 0x250123],
    ['rights are those of all entries', 0x11000, 0x12000n | 1n, WRITE, ['EPT violation', 0x1000, 0b1000_1010]],
    ['guest’s page table not present', PTE_EPTE, 0n, WRITE, ['EPT violation', 0x4280, 0b1000_0001]],
    ['accessed flag in a read-only page table', PTE_EPTE, 0x204000n | WB | 5n, READ, ['EPT violation', 0x4280, 0b1010_1010]],
    ['table above not present', 0x12000, 0n, READ, ['EPT violation', 0x1000, 0b1000_0001]],
  ];
  for (const [says, at, value, kind, expected] of violations) {
    it(`judge: ${says}`, () => {
      const m = setUp();
      m.put(at, value);
      assert.deepEqual(verdict(outcomeOf(m, 0x50123, kind)), expected);
    });
  }

  it('let a walk read a read-only page table whose flags are set already', () => {
    const m = setUp();
    m.mmu.translate(0x50123, WRITE, false);
    m.put(PTE_EPTE, 0x204000n | WB | 1n);
    assert.equal(outcomeOf(m, 0x50123, WRITE).physical, 0x250123);
  });

  const misconfigurations: [says: string, at: number, value: bigint][] = [
    ['write without read', EPTE, 0x250000n | WB | 2n],
    ['write and execute without read', EPTE, 0x250000n | WB | 6n],
    ['write without read in a table entry', 0x12000, 0x13000n | 2n],
    ['memory type 2', EPTE, 0x250000n | 0x10n | 7n],
    ['memory type 3', EPTE, 0x250000n | 0x18n | 7n],
    ['memory type 7', EPTE, 0x250000n | 0x38n | 7n],
    ['address beyond MAXPHYADDR', EPTE, 1n << 40n | WB | 7n],
    ['reserved bit 3 of an EPT PDE', 0x12000, 0x13000n | 0xfn],
    ['reserved bit 6 of an EPT PDPTE', 0x11000, 0x12000n | 0x47n],
    ['reserved bit 7 of an EPT PML4E', 0x10000, 0x11000n | 0x87n],
    ['address bit below 2 MBytes', 0x12000, 0x201000n | WB | 0x87n],
    ['address bit below 1 GByte', 0x11000, 0x20000000n | WB | 0x87n],
  ];
  for (const [says, at, value] of misconfigurations) {
    it(`misconfiguration: ${says}`, () => {
      const m = setUp();
      m.put(at, value);
      const o = outcomeOf(m, 0x50123);
      assert.equal(o.is, 'EPT misconfiguration', o.why);
      assert.equal(o.qualification, 0);
    });
  }

  it('have no misconfiguration in entries that are not present', () => {
    const m = setUp();
    m.put(EPTE, 0x8_0000_0000_0038n);
    assert.equal(outcomeOf(m, 0x50123).is, 'EPT violation');
  });

  describe('with accessed and dirty flags', () => {
    it('set them, and treat the guest’s page walks as writes', () => {
      const m = setUp(0x1en | AD);
      const updates = updatesOf(outcomeOf(m, 0x50123, READ));
      assert.deepEqual(new Set(updates), new Set([
        '10000 100', '11000 100', '12000 100', '13008 300', '13010 300', '13018 300', '13020 300', '13280 100',
        '201000 20', '202000 20', '203000 20', '204280 20']));
      m.mmu.translate(0x50123, WRITE, false);
      assert.equal(m.get(EPTE) & 0x300n, 0x300n);
      assert.deepEqual(updatesOf(outcomeOf(m, 0x50123, WRITE)), []);
    });
    it('report both read and write for a page walk', () => {
      const m = setUp(0x1en | AD);
      m.mmu.translate(0x50123, WRITE, false);
      m.put(PTE_EPTE, 0x204000n | WB | 5n | 0x300n);
      assert.deepEqual(verdict(outcomeOf(m, 0x50123)), ['EPT violation', 0x4280, 0b1010_1011]);
    });
    it('cache a read as clean until the EPT dirty flag is set', () => {
      const m = setUp(0x1en | AD);
      m.put(0x204280, m.get(0x204280) | 0x60n);
      m.mmu.translate(0x50123, READ, false);
      assert.equal(m.get(EPTE) & 0x300n, 0x100n);
      m.mmu.translate(0x50123, WRITE, false);
      assert.equal(m.get(EPTE) & 0x300n, 0x300n);
    });
  });

  describe('with mode-based execute control', () => {
    const PAGE_TABLE = 0x204280, XU = 0x400n;
    /** Every table entry allows everything; the page what is given. The linear address is of user mode when the guest's entry says so. */
    const modeBased = (page: bigint, user: boolean): TestMachine => {
      const m = setUp();
      m.modeBased = true;
      m.world(false);
      m.world(true);
      for (const table of [0x10000, 0x11000, 0x12000]) m.put(table, m.get(table) | XU);
      m.put(EPTE, 0x250000n | WB | page);
      m.put(PAGE_TABLE, 0x50000n | P | W | (user ? U : 0n));
      return m;
    };
    const cases: [says: string, page: bigint, user: boolean, kind: AccessKind, expected: unknown][] = [
      ['bit 2 is for supervisor-mode linear addresses', 5n, false, EXECUTE, 0x250123],
      ['and not for user-mode ones', 5n, true, EXECUTE, ['EPT violation', 0x50123, 0b1_1010_1100]],
      ['bit 10 is for user-mode linear addresses', 1n | XU, true, EXECUTE, 0x250123],
      ['and not for supervisor-mode ones', 1n | XU, false, EXECUTE, ['EPT violation', 0x50123, 0b1_1100_1100]],
      ['an entry with bit 10 alone is present', XU, true, EXECUTE, 0x250123],
      ['but allows no reads', XU, true, READ, ['EPT violation', 0x50123, 0b1_1100_0001]],
      ['write with bit 10 and without read is a misconfiguration', 2n | XU, true, READ, ['EPT misconfiguration', 0x50123, 0]],
      ['writes are not concerned', 3n, true, WRITE, 0x250123],
    ];
    for (const [says, page, user, kind, expected] of cases) it(says, () => { assert.deepEqual(verdict(outcomeOf(modeBased(page, user), 0x50123, kind)), expected); });

    it('every entry must allow it', () => {
      const m = modeBased(7n | XU, true);
      m.put(0x11000, m.get(0x11000) & ~XU);
      const o = outcomeOf(m, 0x50123, EXECUTE);
      assert.deepEqual(verdict(o), ['EPT violation', 0x50123, 0b1_1011_1100]);
      assert.match(o.why, /EPT PDPTE at 0x11000 .*: bit 10 \(execute from user-mode linear addresses\) is 0/);
    });
    it('without paging every linear address is of user mode', () => {
      const m = modeBased(1n | XU, false);
      m.set({ cr0: 0x21 });
      assert.equal(outcomeOf(m, 0x50123, EXECUTE).physical, 0x250123);
    });
    it('cached rights tell the two apart', () => {
      const m = modeBased(1n | XU, true);
      m.mmu.translate(0x50123, READ, false);
      assert.equal(m.mmu.translate(0x50123, EXECUTE, true), 0x250123);
      m.put(PAGE_TABLE, 0x50000n | P | W);
      m.mmu.invlpg(0x50123);
      m.mmu.translate(0x50123, READ, false);
      assert.throws(() => m.mmu.translate(0x50123, EXECUTE, false), { kind: 'EPT violation' });
    });
    it('bit 10 means nothing without it', () => {
      const m = setUp();
      m.put(EPTE, 0x250000n | WB | 1n | XU);
      assert.deepEqual(verdict(outcomeOf(m, 0x50123, EXECUTE)), ['EPT violation', 0x50123, 0b1_1000_1100]);
      m.put(EPTE, 0x250000n | WB | XU);
      assert.deepEqual(verdict(outcomeOf(m, 0x50123, READ)), ['EPT violation', 0x50123, 0b1_1000_0001]);
    });
    it('the steps show both rights', () => {
      const steps: WalkStep[] = [];
      outcomeOf(modeBased(1n | XU, true), 0x50123, READ, steps);
      const { execute, executeUser } = steps.at(-1)!.rights;
      assert.deepEqual([execute, executeUser], [false, true]);
    });
  });

  it('name the entry and the bit that deny', () => {
    const m = setUp();
    m.put(EPTE, 0x250000n | WB | 5n);
    assert.match(outcomeOf(m, 0x50123, WRITE).why, /guest-physical 0x50123: EPT PTE at 0x13280 \(0x250035\): bit 1 \(write\) is 0/);
  });
});
