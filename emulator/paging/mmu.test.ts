import assert from 'node:assert/strict';
import { TRAP } from '../cpu/trap-events.js';
import { EptFault, Exception } from '../cpu/events.js';
import { FAST_TLB_ENTRIES, MAP, S } from '../cpu/layout.js';
import { write32 } from './access.js';
import { EXECUTE, READ, WRITE } from './mmu.js';
import { listTlb } from './tlb-listing.js';
import { CR4, D, G, P, PG, PS, TestMachine, thrown, U, W, WP } from './test-machine.js';

const LINEAR = 0x5000, OLD = 0x105000, NEW = 0x205000, PTE = 0x4028;
const OFFSET = 0x100000n;

/** 4-level paging; linear page n is physical page n + 100h. Page 6 is global. */
function setUp(cr4 = 0): TestMachine {
  const m = new TestMachine();
  m.fourLevel((page) => (BigInt(page) << 12n) + OFFSET | P | W | U | (page === 6 ? G : 0n));
  m.set({ cr4: CR4.PAE | CR4.PGE | cr4, cr0: PG | WP });
  return m;
}
const read = (m: TestMachine, linear: number): number => m.mmu.translate(linear, READ, false);
/** Makes the entries of pages 5 and 6 stale. */
function changeTables(m: TestMachine): void {
  m.put(PTE, BigInt(NEW) | P | W | U);
  m.put(PTE + 8, BigInt(NEW) + 0x1000n | P | W | U | G);
}
const isOld = (m: TestMachine): [boolean, boolean] => [read(m, LINEAR) === OLD, read(m, LINEAR + 0x1000) === OLD + 0x1000];

describe('the MMU', () => {
  it('sets accessed and dirty flags', () => {
    const m = setUp();
    assert.equal(read(m, 0x5123), 0x105123);
    assert.deepEqual([m.get(0x1000) & 0x60n, m.get(PTE) & 0x60n], [0x20n, 0x20n]);
    m.mmu.translate(0x5123, WRITE, false);
    assert.deepEqual([m.get(0x3000) & 0x60n, m.get(PTE) & 0x60n], [0x20n, 0x60n]);
  });
  it('tells who holds code that a page table lies on', () => {
    const m = setUp();
    m.mmu.protectCode(4);
    read(m, LINEAR);
    assert.deepEqual(m.codeWrites, [[PTE, 4]]);
  });
  it('throws page faults with address, error code and reason', () => {
    const m = setUp();
    m.put(PTE, 0n);
    const e = thrown(() => m.mmu.translate(0x5678, WRITE, true));
    assert.ok(e instanceof Exception);
    assert.deepEqual([e.vector, e.errorCode, e.cr2], [14, 0b110, 0x5678]);
    assert.match(e.why, /PTE at 0x4028/);
  });
  it('throws EPT violations with both addresses', () => {
    const m = setUp();
    m.ept((page) => BigInt(page) << 12n | 0x37n);
    m.world(true);
    const e = thrown(() => m.mmu.translate(-0x1000, READ, false));
    assert.ok(e instanceof Exception, 'the guest’s own fault comes first');
    m.put(0x4000, 0x400000n | P | W);
    const v = thrown(() => read(m, 0x123));
    assert.ok(v instanceof EptFault);
    assert.deepEqual([v.kind, v.guestPhysical, v.linear, v.qualification], ['EPT violation', 0x400123, 0x123, 0x181]);
  });

  describe('stale translations', () => {
    it('are used until they are invalidated', () => {
      const m = setUp();
      isOld(m);
      changeTables(m);
      assert.deepEqual(isOld(m), [true, true]);
      assert.equal(m.mmu.peek(LINEAR + 1), OLD + 1);
      assert.match(listTlb(m.mmu).find((e) => e.linear === LINEAR)!.stale!, /now leads to physical address 0x205000/);
      m.mmu.invlpg(LINEAR + 0xfff);
      assert.deepEqual(isOld(m), [false, true]);
    });
    it('of pages that are gone are used as well', () => {
      const m = setUp();
      read(m, LINEAR);
      m.put(0x1000, 0n);
      assert.equal(read(m, LINEAR), OLD);
      assert.match(listTlb(m.mmu)[0]!.stale!, /page fault: PML4E at 0x1000/);
      m.mmu.loadCr3(true);
      assert.ok(thrown(() => read(m, LINEAR)) instanceof Exception);
    });
    it('end with a write to a clean entry, which walks again', () => {
      const m = setUp();
      isOld(m);
      changeTables(m);
      assert.equal(m.mmu.translate(LINEAR, WRITE, false), NEW);
      assert.deepEqual(isOld(m), [false, true]);
    });
    it('do not end with a write to a dirty entry', () => {
      const m = setUp();
      m.mmu.translate(LINEAR, WRITE, false);
      changeTables(m);
      assert.equal(m.mmu.translate(LINEAR, WRITE, false), OLD);
      assert.equal(m.get(PTE) & D, 0n);
    });
    it('never cause a fault: a denial walks again', () => {
      const m = setUp();
      m.put(PTE, BigInt(OLD) | P);
      read(m, LINEAR);
      changeTables(m);
      assert.equal(m.mmu.translate(LINEAR, WRITE, true), NEW);
    });
    it('end with a fault', () => {
      const m = setUp();
      m.put(PTE, BigInt(OLD) | P);
      read(m, LINEAR);
      m.put(PTE, BigInt(NEW) | P);
      assert.ok(thrown(() => m.mmu.translate(LINEAR, WRITE, false)) instanceof Exception);
      assert.equal(read(m, LINEAR), NEW);
    });
    it('of a whole large page end with INVLPG of any address in it', () => {
      const m = setUp();
      m.put(0x3008, 0x400000n | P | W | U | PS);
      read(m, 0x200000);
      m.put(0x3008, 0x600000n | P | W | U | PS);
      assert.equal(read(m, 0x3fffff), 0x5fffff);
      m.mmu.invlpg(0x345678);
      assert.equal(read(m, 0x200000), 0x600000);
      assert.deepEqual(fastHit(m, MAP.tlbRead, 0x3ff000), undefined);
    });
    it('are not known for entries that were not present', () => {
      const m = setUp();
      m.put(PTE, 0n);
      thrown(() => read(m, LINEAR));
      changeTables(m);
      assert.equal(read(m, LINEAR), NEW);
    });
  });

  describe('invalidation', () => {
    /** Which of the entries (page 5, global page 6) survive. */
    const matrix: [says: string, act: (m: TestMachine) => void, survives: [boolean, boolean], cr4?: number][] = [
      ['nothing', () => undefined, [true, true]],
      ['INVLPG of page 5', (m) => { m.mmu.invlpg(0x5fff); }, [false, true]],
      ['INVLPG of global page 6', (m) => { m.mmu.invlpg(0x6000); }, [true, false]],
      ['MOV to CR3', (m) => { m.mmu.loadCr3(true); }, [false, true]],
      ['MOV to CR3 with bit 63', (m) => { m.mmu.loadCr3(false); }, [true, true], CR4.PCIDE],
      ['all entries', (m) => { m.mmu.flushAll(); }, [false, false]],
      ['RESET', (m) => { m.mmu.reset(); }, [false, false]],
      ['CR0.PG cleared and set', (m) => { m.set({ cr0: 1 }); m.mmu.cr0Changed(PG); m.set({ cr0: PG }); m.mmu.cr0Changed(1); }, [false, false]],
      ['CR0.WP changed', (m) => { m.set({ cr0: PG }); m.mmu.cr0Changed(PG | WP); }, [true, true]],
      ['CR4.PGE toggled', (m) => { toggle(m, CR4.PGE); toggle(m, CR4.PGE); }, [false, false]],
      ['CR4.PSE toggled', (m) => { toggle(m, CR4.PSE); }, [false, false]],
      ['CR4.SMEP set', (m) => { toggle(m, CR4.SMEP); }, [false, false]],
      ['CR4.SMEP cleared', (m) => { toggle(m, CR4.SMEP); }, [true, true], CR4.SMEP],
      ['CR4.SMAP set', (m) => { toggle(m, CR4.SMAP); m.set({ ac: true }); }, [true, true]],
      ['CR4.PCIDE set', (m) => { toggle(m, CR4.PCIDE); }, [true, true]],
      ['CR4.PCIDE cleared', (m) => { toggle(m, CR4.PCIDE); }, [false, false], CR4.PCIDE],
      ['INVPCID 0 of page 5', (m) => { m.mmu.invpcid(0, 0, LINEAR); }, [false, true]],
      ['INVPCID 0 of global page 6', (m) => { m.mmu.invpcid(0, 0, 0x6000); }, [true, true]],
      ['INVPCID 0 in another PCID', (m) => { m.mmu.invpcid(0, 7, LINEAR); }, [true, true]],
      ['INVPCID 1', (m) => { m.mmu.invpcid(1, 0, 0); }, [false, true]],
      ['INVPCID 1 of another PCID', (m) => { m.mmu.invpcid(1, 7, 0); }, [true, true]],
      ['INVPCID 2', (m) => { m.mmu.invpcid(2, 0, 0); }, [false, false]],
      ['INVPCID 3', (m) => { m.mmu.invpcid(3, 0, 0); }, [false, true]],
      ['INVVPID 1 of VPID 1', (m) => { m.mmu.invvpid(1, 1, 0); }, [true, true]],
      ['INVVPID 2', (m) => { m.mmu.invvpid(2, 0, 0); }, [true, true]],
      ['INVEPT 2', (m) => { m.mmu.invept(2, 0); }, [true, true]],
      ['VM entry and exit with VPID', (m) => { m.vpid = 9; m.world(true); m.world(false); }, [true, true]],
      ['VM entry without VPID', (m) => { m.world(true); }, [false, false]],
      ['VM exit without VPID', (m) => { m.vpid = 9; m.world(true); m.vpid = 0; m.world(false); }, [false, false]],
    ];
    for (const [says, act, survives, cr4] of matrix) {
      it(says, () => {
        const m = setUp(cr4);
        isOld(m);
        changeTables(m);
        act(m);
        assert.deepEqual(isOld(m), survives);
      });
    }

    const guestMatrix: [says: string, act: (m: TestMachine) => void, survives: [boolean, boolean]][] = [
      ['VM exit and entry', () => undefined, [true, true]],
      ['INVVPID 0 of page 5', (m) => { m.mmu.invvpid(0, 9, LINEAR); }, [false, true]],
      ['INVVPID 0 of global page 6', (m) => { m.mmu.invvpid(0, 9, 0x6000); }, [true, false]],
      ['INVVPID 1', (m) => { m.mmu.invvpid(1, 9, 0); }, [false, false]],
      ['INVVPID 1 of another VPID', (m) => { m.mmu.invvpid(1, 8, 0); }, [true, true]],
      ['INVVPID 2', (m) => { m.mmu.invvpid(2, 0, 0); }, [false, false]],
      ['INVVPID 3', (m) => { m.mmu.invvpid(3, 9, 0); }, [false, true]],
      ['the hypervisor’s MOV to CR3', (m) => { m.mmu.loadCr3(true); }, [true, true]],
      ['the hypervisor’s INVLPG', (m) => { m.mmu.invlpg(LINEAR); }, [true, true]],
      ['the hypervisor’s INVPCID 2', (m) => { m.mmu.invpcid(2, 0, 0); }, [true, true]],
    ];
    for (const ept of [false, true]) {
      for (const [says, act, survives] of [
        ...guestMatrix,
        ['INVEPT 1', (m: TestMachine) => { m.mmu.invept(1, 0x1001e); }, [!ept, !ept]],
        ['INVEPT 1 of other tables', (m: TestMachine) => { m.mmu.invept(1, 0x2001e); }, [true, true]],
        ['INVEPT 2', (m: TestMachine) => { m.mmu.invept(2, 0); }, [!ept, !ept]],
      ] as typeof guestMatrix) {
        it(`a guest with VPID ${ept ? 'and EPT' : 'only'}: ${says}`, () => {
          const m = setUp();
          m.vpid = 9;
          if (ept) m.ept(() => 0n);
          if (ept) m.put(0x11000, 0x1b7n);
          m.world(true);
          isOld(m);
          changeTables(m);
          m.world(false);
          act(m);
          m.world(true);
          assert.deepEqual(isOld(m), survives);
        });
      }
    }
    it('by a guest that uses EPT concerns all EP4TAs of its VPID', () => {
      const m = setUp();
      m.vpid = 9;
      m.ept(() => 0n);
      m.put(0x11000, 0x1b7n);
      m.world(true);
      isOld(m);
      changeTables(m);
      m.put(0x10800, 0n);
      m.put(0x20000, 0x11007n);
      m.eptp = 0x2001e;
      m.world(true);
      m.mmu.invlpg(LINEAR);
      m.mmu.loadCr3(true);
      m.eptp = 0x1001e;
      m.world(true);
      assert.deepEqual(isOld(m), [false, true]);
    });
    it('leaves a hypervisor that forgets INVEPT with the old page', () => {
      const m = setUp();
      m.vpid = 9;
      m.ept((page) => BigInt(page) << 12n | 0x37n);
      m.world(true);
      assert.equal(read(m, LINEAR), OLD);
      m.world(false);
      m.put(0x13000 + 8 * 0x105, 0x1aa037n);
      m.world(true);
      assert.equal(read(m, LINEAR), OLD);
      m.world(false);
      m.mmu.invept(1, 0x1001e);
      m.world(true);
      assert.equal(read(m, LINEAR), 0x1aa000);
    });
    it('spares guest-physical mappings unless it is INVEPT', () => {
      const m = setUp();
      m.ept((page) => BigInt(page) << 12n | 0x37n);
      m.world(true);
      m.set({ cr0: 0x21 });
      assert.equal(read(m, LINEAR), LINEAR);
      m.put(0x13028, 0x1aa037n);
      m.mmu.flushAll();
      m.mmu.invvpid(2, 0, 0);
      m.world(true);
      assert.equal(read(m, LINEAR), LINEAR);
      assert.deepEqual(listTlb(m.mmu).map((e) => [e.kind, e.guestPhysical, e.stale !== undefined]), [['guest-physical', LINEAR, true]]);
      m.mmu.invept(2, 0);
      assert.equal(read(m, LINEAR), 0x1aa000);
    });
    it('keeps PCIDs apart, and shares global pages', () => {
      const m = setUp(CR4.PCIDE);
      isOld(m);
      changeTables(m);
      m.set({ cr3: 0x1007 });
      assert.deepEqual(isOld(m), [false, true]);
      m.set({ cr3: 0x1000 });
      assert.deepEqual(isOld(m), [true, true]);
      m.mmu.loadCr3(true);
      assert.deepEqual(isOld(m), [false, true]);
    });
  });

  describe('the fast TLB', () => {
    it('gets what needs nothing further', () => {
      const m = setUp();
      read(m, LINEAR);
      assert.equal(fastHit(m, MAP.tlbRead, LINEAR), OLD);
      assert.equal(fastHit(m, MAP.tlbWrite, LINEAR), undefined);
      m.mmu.translate(LINEAR, WRITE, false);
      assert.equal(fastHit(m, MAP.tlbWrite, LINEAR), OLD);
      assert.equal(m.mmu.translate(LINEAR, EXECUTE, false), OLD);
      assert.equal(fastHit(m, MAP.tlbExecute, LINEAR), OLD);
      m.put(0x1ff8, 0x2000n | P | W | U);
      read(m, -0x8000000000 + LINEAR);
      assert.equal(fastHit(m, MAP.tlbRead, -0x8000000000 + LINEAR), OLD);
    });
    it('tells privileges apart', () => {
      const m = setUp();
      read(m, LINEAR);
      m.set({ cpl: 3 });
      assert.equal(fastHit(m, MAP.tlbRead, LINEAR), undefined);
      m.set({ cpl: 0 });
      assert.equal(fastHit(m, MAP.tlbRead, LINEAR), OLD);
      m.set({ cr4: CR4.PAE | CR4.PGE | CR4.SMAP });
      assert.equal(fastHit(m, MAP.tlbRead, LINEAR), undefined);
      m.set({ ac: true });
      assert.equal(fastHit(m, MAP.tlbRead, LINEAR), OLD);
    });
    it('survives a switch to another space and back', () => {
      const m = setUp(CR4.PCIDE);
      read(m, LINEAR);
      const tag = m.cpu.low(S.spaceTag);
      m.set({ cr3: 0x1001 });
      m.mmu.loadCr3(false);
      assert.equal(fastHit(m, MAP.tlbRead, LINEAR), undefined);
      m.vpid = 3;
      m.world(true);
      m.world(false);
      m.set({ cr3: 0x1000 });
      m.mmu.loadCr3(false);
      assert.equal(m.cpu.low(S.spaceTag), tag);
      assert.equal(fastHit(m, MAP.tlbRead, LINEAR), OLD);
    });
    it('has no write entries for pages with translated code, nor entries for devices', () => {
      const m = setUp();
      m.mmu.translate(LINEAR, WRITE, false);
      m.mmu.protectCode(OLD >>> 12);
      assert.equal(fastHit(m, MAP.tlbWrite, LINEAR), undefined);
      assert.equal(m.mmu.translate(LINEAR, WRITE, false), OLD);
      assert.equal(fastHit(m, MAP.tlbWrite, LINEAR), undefined);
      m.put(PTE, 0xfee00000n | P | W);
      m.mmu.invlpg(LINEAR);
      assert.equal(read(m, LINEAR + 0x30), 0xfee00030);
      assert.equal(fastHit(m, MAP.tlbRead, LINEAR), undefined);
    });
    it('never gives two spaces one tag, however many there are', () => {
      const m = setUp();
      for (let n = 0; n < 10000; n++) {
        read(m, LINEAR);
        m.mmu.loadCr3(true);
        assert.equal(fastHit(m, MAP.tlbRead, LINEAR), undefined);
        const tag = m.cpu.low(S.spaceTag);
        assert.ok(tag < 0xfff);
      }
    });
    it('forgets with the A20 mask', () => {
      const m = setUp();
      assert.equal(read(m, LINEAR), OLD);
      m.cpu.i32[S.a20Mask >> 2] = ~0x100000;
      m.mmu.spaceChanged();
      assert.equal(fastHit(m, MAP.tlbRead, LINEAR), undefined);
      assert.equal(read(m, LINEAR), 0x5000);
    });
    it('holds only what the architectural TLB holds, when places run out', () => {
      const m = setUp();
      m.put(0x2000, 0x3000n | P | W | U);
      for (let n = 0; n < 512; n++) m.put(0x3000 + 8 * n, 0x4000n | P | W | U);
      let seed = 1;
      for (let n = 0; n < 20000; n++) {
        seed = Math.imul(seed, 1103515245) + 12345 >>> 0;
        const linear = (seed >>> 4 & 0x3ffff) * 4096;
        const fast = fastHit(m, MAP.tlbRead, linear);
        if (fast !== undefined) assert.notEqual(m.mmu.tlb.lookup(linear), -1);
        assert.equal(read(m, linear), 0x100000 + linear % 0x200000);
      }
      assert.ok(listTlb(m.mmu).length > 4000);
      assert.ok(listTlb(m.mmu).every((e) => e.stale === undefined));
    });
  });

  it('forgets spaces that nothing names, and no more', () => {
    const m = setUp();
    m.vpid = 1;
    m.world(true);
    isOld(m);
    changeTables(m);
    for (let n = 0; n < 20000; n++) {
      m.vpid = 2 + n;
      m.world(true);
      read(m, 0x7000);
      m.mmu.invvpid(1, m.vpid, 0);
    }
    m.vpid = 1;
    m.world(true);
    assert.deepEqual(isOld(m), [true, true]);
  });

  describe('watching for stale translations', () => {
    const watched = (): { m: TestMachine; told: string[] } => {
      const m = setUp(), told: string[] = [];
      m.cpu.observer = { raise: (kind, { 0: linear = 0, 1: physical = 0 }, says) => { if (kind === TRAP['stale translation']) told.push(`${linear} ${physical} ${says({ rip: 0, fields: { linear, physical } })}`); return false; } };
      return { m, told };
    };
    /** The tables are mapped too: linear 1FC000 is physical 4000, the page table. */
    const mapTables = (m: TestMachine): void => { m.put(0x4000 + 8 * 0x1fc, 0x4000n | P | W); };

    it('tells of a use after the page table was written through the TLB', () => {
      const { m, told } = watched();
      mapTables(m);
      m.mmu.watchStale(true);
      write32(m.cpu, 0x1fc000 + 8 * 7, 0x107007);
      read(m, LINEAR);
      read(m, 0x6000);
      write32(m.cpu, 0x1fc028, NEW | 7);
      assert.equal(fastHit(m, MAP.tlbRead, LINEAR), undefined);
      assert.equal(read(m, 0x6000), 0x106000);
      assert.deepEqual(told, []);
      assert.equal(read(m, LINEAR + 8), OLD + 8);
      assert.equal(told.length, 1);
      assert.match(told[0]!, /^20488 1069064 an access reads linear address 0x5008 at physical address 0x105008, as cached, but a walk now leads to physical address 0x205000$/);
      read(m, LINEAR);
      assert.equal(told.length, 1);
      m.mmu.invlpg(LINEAR);
      assert.equal(read(m, LINEAR), NEW);
      assert.equal(told.length, 1);
    });
    it('tells of what was cached before it began', () => {
      const { m, told } = watched();
      read(m, LINEAR);
      changeTables(m);
      m.mmu.watchStale(true);
      read(m, LINEAR);
      assert.equal(told.length, 1);
      m.mmu.watchStale(false);
      read(m, LINEAR);
      assert.equal(told.length, 1);
    });
  });

  it('saves and restores what is cached, stale entries included', () => {
    const m = setUp(CR4.PCIDE);
    isOld(m);
    m.set({ cr3: 0x1002 });
    read(m, 0x8000);
    changeTables(m);
    const saved = JSON.parse(JSON.stringify(m.mmu.save())) as ReturnType<typeof m.mmu.save>;
    const before = listTlb(m.mmu);
    m.mmu.reset();
    read(m, 0x9000);
    m.mmu.restore(saved);
    assert.deepEqual(m.mmu.save(), saved);
    assert.deepEqual(listTlb(m.mmu), before);
    m.set({ cr3: 0x1000 });
    assert.deepEqual(isOld(m), [true, true]);
  });

  it('saves the same whether the fast TLB was warm or cold', () => {
    const warm = setUp(), cold = setUp();
    for (const m of [warm, cold]) {
      for (let n = 0; n < 3000; n++) {
        read(m, n * 7 % 512 * 4096);
        if (m === cold) m.mmu.fast.clear();
        if (n % 500 === 499) m.mmu.loadCr3(true);
      }
    }
    assert.deepEqual(warm.mmu.save(), cold.mmu.save());
  });
});

function toggle(m: TestMachine, bit: number): void {
  const old = m.cpu.cr4;
  m.cpu.cr4 = old ^ bit;
  m.mmu.cr4Changed(old);
}

/** What generated code would do: the physical address, or undefined for a miss. */
function fastHit(m: TestMachine, table: number, linear: number): number | undefined {
  const { cpu } = m, low = linear | 0;
  const at = table + cpu.low(S.tlbPart) + 16 * ((low >>> 12 ^ low >>> 22) & FAST_TLB_ENTRIES - 1);
  const tag = BigInt(linear) & ~0xfffn | cpu.big(S.spaceTag);
  return cpu.i64[at >> 3] === tag ? (low + cpu.u32[(at + 8) >> 2]! >>> 0) - MAP.guestMemory : undefined;
}
