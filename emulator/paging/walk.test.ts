import assert from 'node:assert/strict';
import { EXECUTE, READ, SMAP_ENFORCED, SMEP_ENFORCED, USER_ACCESS, WalkOutcome, WRITE, WRITE_PROTECT, type AccessKind, type WalkStep } from './outcome.js';
import { A, CR4, D, G, LMA, NXE, P, PG, PS, TestMachine, U, W, XD } from './test-machine.js';
import { walk } from './walk.js';

const machine = (): TestMachine => new TestMachine();
function outcomeOf(m: TestMachine, linear: number, kind: AccessKind = READ, privilege = 0, steps?: WalkStep[]): WalkOutcome {
  const outcome = new WalkOutcome();
  walk(m.cpu, m.mmu.currentState(), linear, kind, privilege, outcome, steps);
  return outcome;
}
const updatesOf = (o: WalkOutcome): [number, number][] => Array.from({ length: o.updates.count }, (_, n) => [o.updates.physical[n]!, o.updates.bits[n]!]);
const mapped = (o: WalkOutcome): unknown => (o.is === 'mapped' ? { physical: o.physical, shift: o.pageShift } : `${o.is}: ${o.why}`);
const denied = (o: WalkOutcome): unknown => (o.is === 'page fault' ? o.errorCode : mapped(o));

describe('the walk', () => {
  describe('without paging', () => {
    it('maps every address to itself', () => {
      assert.deepEqual(mapped(outcomeOf(machine(), 0xfee00123)), { physical: 0xfee00123, shift: 12 });
    });
  });

  describe('32-bit paging', () => {
    const setUp = (cr4 = 0): TestMachine => {
      const m = machine();
      m.put32(0x1000 + 4 * 0x3ff, 0x2007);
      m.put32(0x2000 + 4 * 0x155, 0x5007);
      m.put32(0x1000 + 4, 0x00400087 | 0x05 << 13);
      m.put32(0x1000 + 8, 0x00400087 | 1 << 21);
      m.put32(0x1000 + 12, 0x3001);
      m.set({ cr0: PG, cr3: 0x1018, cr4 });
      return m;
    };
    it('goes through PDE and PTE, to the highest addresses', () => {
      assert.deepEqual(mapped(outcomeOf(setUp(), 0xffd55abc)), { physical: 0x5abc, shift: 12 });
    });
    it('maps 4-MByte pages with bits 39:32 of the address (PSE-36)', () => {
      assert.deepEqual(mapped(outcomeOf(setUp(CR4.PSE), 0x7fffff)), { physical: 0x5_007f_ffff, shift: 22 });
    });
    it('faults on reserved bit 21 of a 4-MByte PDE', () => {
      assert.equal(denied(outcomeOf(setUp(CR4.PSE), 0x800000, WRITE)), 0b1011);
    });
    it('ignores PS while CR4.PSE = 0', () => {
      assert.equal(denied(outcomeOf(setUp(), 0x400000)), 0);
    });
    it('never reports an instruction fetch without SMEP', () => {
      assert.equal(denied(outcomeOf(setUp(), 0xc00000, EXECUTE, USER_ACCESS)), 0b0100);
      assert.equal(denied(outcomeOf(setUp(CR4.SMEP), 0xc00000, EXECUTE, USER_ACCESS)), 0b10100);
    });
  });

  describe('PAE paging', () => {
    const setUp = (efer = 0): TestMachine => {
      const m = machine();
      m.set({ cr0: PG, cr3: 0x1020, cr4: CR4.PAE, efer });
      m.put(0x1020 + 24, 0x2000n | P);
      assert.equal(m.mmu.loadPdptes(0x1020), true);
      m.put(0x2000 + 8 * 511, 0x3000n | P | W | U);
      m.put(0x3000 + 8 * 511, 0xf_f000_0000n | P | W | XD);
      m.put(0x2000, 0x400000n | P | W | U | PS);
      m.put(0x2008, 0x400000n | P | W | U | PS | 1n << 13n);
      m.put(0x2010, 0x400000n | P | W | U | PS | 1n << 52n);
      return m;
    };
    it('goes through PDPTE register, PDE and PTE', () => {
      assert.deepEqual(mapped(outcomeOf(setUp(NXE), 0xffffffff)), { physical: 0xf_f000_0fff, shift: 12 });
    });
    it('uses the PDPTE registers, not memory, until they are loaded again', () => {
      const m = setUp(NXE);
      m.put(0x1038, 0n);
      assert.deepEqual(mapped(outcomeOf(m, 0xc0012345)), { physical: 0x412345, shift: 21 });
      m.mmu.loadPdptes(0x1020);
      assert.equal(denied(outcomeOf(m, 0xc0012345)), 0);
    });
    it('takes bit 63 as reserved without NXE, and bits 62:52 always', () => {
      assert.equal(denied(outcomeOf(setUp(), 0xffffffff)), 0b1001);
      assert.equal(denied(outcomeOf(setUp(NXE), 0xc0400000)), 0b1001);
      assert.equal(denied(outcomeOf(setUp(NXE), 0xc0200000)), 0b1001);
    });
    it('refuses PDPTEs with reserved bits and keeps the old ones', () => {
      const m = setUp(NXE);
      m.put(0x1028, P | W);
      assert.equal(m.mmu.loadPdptes(0x1020), false);
      assert.deepEqual(mapped(outcomeOf(m, 0xc0000000)), { physical: 0x400000, shift: 21 });
      m.put(0x1028, W);
      assert.equal(m.mmu.loadPdptes(0x1020), true);
    });
    it('has no accessed flag in PDPTEs', () => {
      assert.deepEqual(updatesOf(outcomeOf(setUp(NXE), 0xffffffff, WRITE)), [[0x2ff8, 0x20], [0x3ff8, 0x60]]);
    });
  });

  describe('4-level paging', () => {
    const setUp = (change: (m: TestMachine) => void = () => undefined): TestMachine => {
      const m = machine();
      m.fourLevel((page) => BigInt(page) << 12n | P | W | U);
      m.put(0x1ff8, 0x2000n | P | W | U);
      m.put(0x2ff8, 0x40_0000_0000n | P | W | U | PS);
      m.put(0x3ff8, 0x600000n | P | W | U | PS);
      change(m);
      return m;
    };
    it('maps 4-KByte, 2-MByte and 1-GByte pages in both halves', () => {
      const m = setUp();
      assert.deepEqual(mapped(outcomeOf(m, 0x5123)), { physical: 0x5123, shift: 12 });
      assert.deepEqual(mapped(outcomeOf(m, 0x3fe5_4321)), { physical: 0x65_4321, shift: 21 });
      assert.deepEqual(mapped(outcomeOf(m, -1)), { physical: 0x40_3fff_ffff, shift: 30 });
      assert.deepEqual(mapped(outcomeOf(m, -0x8000000000 + 0x5123)), { physical: 0x5123, shift: 12 });
    });

    const entries = { PML4E: 0x1000, PDPTE: 0x2000, PDE: 0x3000, PTE: 0x4028 };
    type Row = [says: string, entry: keyof typeof entries, value: bigint, kind: AccessKind, privilege: number, error: number, why: RegExp];
    const rows: Row[] = [];
    for (const [level, at] of Object.entries(entries) as [keyof typeof entries, number][]) {
      const next = BigInt(at & ~0xfff) + 0x1000n;
      rows.push(
        ['not present', level, next | W | U, READ, 0, 0, new RegExp(`^${level} at 0x${at.toString(16)} .*not present`)],
        ['not present, user write', level, 0n, WRITE, USER_ACCESS, 0b00110, /not present/],
        ['not present, fetch', level, 0n, EXECUTE, 0, 0b10000, /not present/],
        ['supervisor entry, user read', level, next | P | W, READ, USER_ACCESS, 0b00101, new RegExp(`^${level} .*bit 2 \\(U/S\\) is 0`)],
        ['read-only, user write', level, next | P | U, WRITE, USER_ACCESS, 0b00111, new RegExp(`^${level} .*bit 1 \\(R/W\\) is 0`)],
        ['read-only, supervisor write with WP', level, next | P | U, WRITE, WRITE_PROTECT, 0b00011, /CR0\.WP = 1/],
        ['execute-disable, user fetch', level, next | P | W | U | XD, EXECUTE, USER_ACCESS, 0b10101, new RegExp(`^${level} .*bit 63 \\(XD\\) is 1`)],
        ['execute-disable, supervisor fetch', level, next | P | W | U | XD, EXECUTE, 0, 0b10001, /XD/],
        ['address beyond MAXPHYADDR', level, next | P | W | U | 1n << 40n, READ, 0, 0b01001, /beyond MAXPHYADDR/],
        ['address bit 51', level, next | P | W | U | 1n << 51n, WRITE, USER_ACCESS, 0b01111, /beyond MAXPHYADDR/],
      );
    }
    rows.push(
      ['PS', 'PML4E', 0x2000n | P | W | U | PS, READ, 0, 0b01001, /reserved bit 7/],
      ['PS with an address bit below 1 GByte', 'PDPTE', 1n << 29n | P | W | U | PS, READ, 0, 0b01001, /below the page size/],
      ['PS with an address bit below 2 MBytes', 'PDE', 1n << 13n | P | W | U | PS, READ, 0, 0b01001, /below the page size/],
      ['user page, supervisor read with SMAP', 'PTE', P | W | U, READ, SMAP_ENFORCED, 0b00001, /CR4\.SMAP/],
      ['user page, supervisor write with SMAP', 'PTE', P | W | U, WRITE, SMAP_ENFORCED, 0b00011, /CR4\.SMAP/],
      ['user page, supervisor fetch with SMEP', 'PTE', P | W | U, EXECUTE, SMEP_ENFORCED, 0b10001, /CR4\.SMEP/],
    );
    for (const [says, entry, value, kind, privilege, error, why] of rows) {
      it(`faults: ${entry} ${says}`, () => {
        const o = outcomeOf(setUp((m) => { m.put(entries[entry], value); }), 0x5678, kind, privilege);
        assert.equal(denied(o), error);
        assert.match(o.why, why);
        assert.equal(o.updates.count, 0);
      });
    }

    const allowed: [says: string, entry: keyof typeof entries, value: bigint, kind: AccessKind, privilege: number][] = [
      ['supervisor write to a read-only page without WP', 'PTE', 0x5000n | P | U, WRITE, 0],
      ['supervisor write to a read-only user page without WP, SMAP suspended', 'PTE', 0x5000n | P | U, WRITE, SMEP_ENFORCED],
      ['supervisor fetch from a user page without SMEP', 'PTE', 0x5000n | P | U, EXECUTE, SMAP_ENFORCED],
      ['supervisor read of a supervisor page with SMAP: one entry is enough', 'PML4E', 0x2000n | P | W, READ, SMAP_ENFORCED | SMEP_ENFORCED],
      ['supervisor fetch from a supervisor page with SMEP: one entry is enough', 'PDE', 0x4000n | P | W, EXECUTE, SMAP_ENFORCED | SMEP_ENFORCED],
      ['user read of an execute-disabled page', 'PDPTE', 0x3000n | P | W | U | XD, READ, USER_ACCESS],
      ['bits 62:52 and 11:9', 'PTE', 0x5000n | P | W | U | 0x7ff0_0000_0000_0e00n, READ, USER_ACCESS],
      ['bit 12 (PAT) of a 2-MByte page', 'PDE', P | W | U | PS | 1n << 12n, READ, USER_ACCESS],
    ];
    for (const [says, entry, value, kind, privilege] of allowed) {
      it(`allows: ${says}`, () => {
        assert.equal(outcomeOf(setUp((m) => { m.put(entries[entry], value); }), 0x5678, kind, privilege).physical, 0x5678);
      });
    }

    it('takes bit 63 as reserved while NXE = 0, and then reports no fetch', () => {
      const m = setUp((n) => { n.put(0x2000, 0x3000n | P | W | U | XD); });
      m.set({ efer: LMA });
      assert.equal(denied(outcomeOf(m, 0x5000, EXECUTE)), 0b1001);
      assert.match(outcomeOf(m, 0x5000).why, /NXE = 0/);
    });
    it('wants accessed flags on the way and the dirty flag in the leaf, only where they are missing', () => {
      const m = setUp((n) => { n.put(0x2000, 0x3000n | P | W | U | A); });
      assert.deepEqual(updatesOf(outcomeOf(m, 0x5000)), [[0x1000, 0x20], [0x3000, 0x20], [0x4028, 0x20]]);
      assert.deepEqual(updatesOf(outcomeOf(m, 0x5000, WRITE)), [[0x1000, 0x20], [0x3000, 0x20], [0x4028, 0x60]]);
      m.put(0x4028, 0x5000n | P | W | U | A | D);
      assert.deepEqual(updatesOf(outcomeOf(m, 0x5000, WRITE)), [[0x1000, 0x20], [0x3000, 0x20]]);
    });
    it('finds a page global only with CR4.PGE', () => {
      const m = setUp((n) => { n.put(0x4028, 0x5000n | P | W | G); });
      assert.equal(outcomeOf(m, 0x5000).rights & 0x20, 0);
      m.set({ cr4: CR4.PAE | CR4.PGE });
      assert.equal(outcomeOf(m, 0x5000).rights & 0x20, 0x20);
    });
    it('shows its steps, the last of which says why it failed', () => {
      const steps: WalkStep[] = [];
      outcomeOf(setUp((m) => { m.put(0x3000, 0x4000n | P | W); m.put(0x4028, 0n); }), 0x5678, READ, 0, steps);
      assert.deepEqual(steps.map((s) => [s.level, s.physical, s.rights.user, s.denied === undefined]), [
        ['PML4E', 0x1000, true, true], ['PDPTE', 0x2000, true, true], ['PDE', 0x3000, false, true], ['PTE', 0x4028, false, false]]);
    });
    it('blames the step whose entry denies, not the last one', () => {
      const steps: WalkStep[] = [];
      outcomeOf(setUp((m) => { m.put(0x2000, 0x3000n | P | W); }), 0x5678, READ, USER_ACCESS, steps);
      assert.deepEqual(steps.filter((s) => s.denied !== undefined).map((s) => s.level), ['PDPTE']);
      assert.equal(steps.length, 4);
    });
    it('reads tables outside memory as all ones: reserved bits', () => {
      assert.equal(denied(outcomeOf(setUp((m) => { m.put(0x2000, 0x8000000n | P | W); }), 0x5678)), 0b1001);
    });
  });
});
