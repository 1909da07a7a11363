import assert from 'node:assert/strict';
import { Exception } from '../cpu/events.js';
import { MAP } from '../cpu/layout.js';
import type { Device } from '../memory/bus.js';
import * as access from './access.js';
import { CR4, P, PG, TestMachine, thrown, U, W, WP } from './test-machine.js';

const SCRATCH = MAP.blockTable;

/** Linear page n is physical page 1FFh - n, so that neighbours are apart; page 8 is absent, page 9 read-only, page 10 a supervisor page. */
function setUp(): TestMachine {
  const m = new TestMachine();
  m.fourLevel((page) => (page === 8 ? 0n : (0x1ffn - BigInt(page) << 12n) | P | (page === 9 ? 0n : W) | (page === 10 ? 0n : U)));
  m.put(0x1ff8, 0x2000n | P | W | U);
  m.put(0x2ff8, 0x3000n | P | W | U);
  m.put(0x3ff8, 0x4000n | P | W | U);
  m.set({ cr0: PG | WP });
  return m;
}

describe('accesses to memory', () => {
  for (const [says, linear] of [['low', 0x3010], ['high', -0x1fcff0], ['across two pages', 0x3ffd]] as const) {
    it(`write and read back: ${says}`, () => {
      const { cpu } = setUp();
      for (let times = 0; times < 2; times++) {
        access.write64(cpu, linear, 0x55667788, 0x91223344 + times);
        assert.equal(access.read32(cpu, linear), 0x55667788);
        assert.equal(access.read32(cpu, linear + 4), 0x91223344 + times);
        assert.equal(access.read16(cpu, linear + 2), 0x5566);
        assert.equal(access.read8(cpu, linear + 7), 0x91);
        assert.equal(access.readNumber(cpu, linear), Number(BigInt.asIntN(64, 0x9122334455667788n + (BigInt(times) << 32n))));
        access.write8(cpu, linear, 0x1aa);
        access.write16(cpu, linear + 2, 0x1bbcc);
        access.write32(cpu, linear + 3, 0xdeadbeef);
        access.readTo(cpu, linear, 8, SCRATCH);
        assert.deepEqual([...cpu.u8.subarray(SCRATCH, SCRATCH + 8)], [0xaa, 0x77, 0xcc, 0xef, 0xbe, 0xad, 0xde, 0x91]);
      }
    });
  }
  it('move blocks of any size across pages', () => {
    const { cpu } = setUp();
    for (const bytes of [1, 3, 10, 16, 28, 64, 512]) {
      for (const linear of [0x3100, 0x4000 - 1, 0x4000 - (bytes >> 1), 0x4000 - bytes]) {
        for (let n = 0; n < bytes; n++) cpu.u8[SCRATCH + n] = n * 7 + bytes;
        access.writeFrom(cpu, linear, bytes, SCRATCH);
        access.readTo(cpu, linear, bytes, SCRATCH + 1024);
        assert.deepEqual(cpu.u8.slice(SCRATCH + 1024, SCRATCH + 1024 + bytes), cpu.u8.slice(SCRATCH, SCRATCH + bytes));
      }
    }
  });
  it('put the bytes where the pages are', () => {
    const m = setUp();
    access.write32(m.cpu, 0x3ffe, 0x44332211);
    assert.equal(m.get32(0x1fcffc) >>> 16, 0x2211);
    assert.equal(m.get32(0x1fb000) & 0xffff, 0x4433);
  });
  it('change nothing when the second page faults', () => {
    const m = setUp();
    for (const [linear, bytes] of [[0x7ffe, 4], [0x7fff, 2], [0x7ffc, 8], [0x8ffe, 4]] as const) {
      const e = thrown(() => {
        if (bytes === 8) access.write64(m.cpu, linear, 1, 1);
        else if (bytes === 4) access.write32(m.cpu, linear, 1);
        else access.write16(m.cpu, linear, 1);
      });
      assert.ok(e instanceof Exception);
      assert.equal(e.cr2, linear < 0x8000 ? 0x8000 : 0x8ffe);
      assert.equal(m.get(0x1f8ff8), 0n);
    }
    assert.ok(thrown(() => { access.writeFrom(m.cpu, 0x7ff0, 64, SCRATCH); }) instanceof Exception);
    assert.ok(thrown(() => { access.readTo(m.cpu, 0x7ff0, 64, SCRATCH); }) instanceof Exception);
  });
  it('wrap at 4 GBytes outside IA-32e mode', () => {
    const m = new TestMachine();
    m.put32(0, 0x0403);
    assert.equal(access.read32(m.cpu, 0xfffffffe), 0x0403ffff);
  });

  it('ask for the right privilege', () => {
    const m = setUp();
    access.write8(m.cpu, 0xa000, 1);
    m.set({ cpl: 3 });
    assert.equal((thrown(() => access.read8(m.cpu, 0xa000)) as Exception).errorCode, 0b101);
    assert.equal(access.read8(m.cpu, 0xa000, true), 1);
    assert.equal(access.read8(m.cpu, 0xa000, true), 1);
    assert.ok(thrown(() => access.read8(m.cpu, 0xa000)) instanceof Exception);
  });
  it('keep the processor’s own accesses from user pages with SMAP, whatever EFLAGS.AC', () => {
    const m = setUp();
    m.set({ cr4: CR4.PAE | CR4.SMAP, ac: true });
    access.write32(m.cpu, 0x3000, 5);
    assert.equal(access.read32(m.cpu, 0x3000), 5);
    assert.ok(thrown(() => access.read32(m.cpu, 0x3000, true)) instanceof Exception);
    assert.equal(access.read32(m.cpu, 0x3000), 5);
    m.set({ ac: false });
    assert.ok(thrown(() => access.read32(m.cpu, 0x3000)) instanceof Exception);
    m.set({ cpl: 3 });
    assert.equal(access.read32(m.cpu, 0x3000), 5);
    assert.ok(thrown(() => access.read32(m.cpu, 0x3000, true)) instanceof Exception);
  });
  it('probe as the access would fault', () => {
    const m = setUp();
    access.probe(m.cpu, 0x3ffe, 4, access.WRITE);
    assert.notEqual(m.get(0x4018) & 0x40n, 0n);
    assert.ok(thrown(() => { access.probe(m.cpu, 0x7ffe, 4, access.READ); }) instanceof Exception);
    assert.ok(thrown(() => { access.probe(m.cpu, 0x9000, 1, access.WRITE); }) instanceof Exception);
    access.probe(m.cpu, 0x9000, 1, access.EXECUTE);
  });

  it('tell when bytes of translated code are written', () => {
    const m = setUp();
    access.write32(m.cpu, 0x3000, 1);
    m.mmu.protectCode(0x1fc);
    access.write32(m.cpu, 0x3ffe, 1);
    access.write64(m.cpu, 0x3000, 1, 2);
    access.writeFrom(m.cpu, 0x3100, 16, SCRATCH);
    access.writePhysical16(m.cpu, 0x1fc200, 3);
    assert.deepEqual(m.codeWrites, [[0x1fcffe, 1], [0x1fcfff, 1], [0x1fc000, 4], [0x1fc004, 4], [0x1fc100, 16], [0x1fc200, 2]]);
  });

  it('reach devices in aligned pieces', () => {
    const m = setUp(), log: string[] = [];
    const device: Device = {
      name: 'test device',
      read: (offset, bytes) => { log.push(`read ${offset} ${bytes}`); return offset; },
      write: (offset, bytes, value) => { log.push(`write ${offset} ${bytes} ${value.toString(16)}`); },
      reset: () => undefined, save: () => undefined, restore: () => undefined,
    };
    m.bus.attach(0xfee00000, 0x1000, device);
    m.put(0x4018, 0xfee00000n | P | W | U);
    assert.equal(access.read32(m.cpu, 0x3030), 0x30);
    access.write32(m.cpu, 0x3080, 0xfffffff0);
    access.write64(m.cpu, 0x3010, 0x11223344, 0x55667788);
    assert.equal(access.readPhysical8(m.cpu, 0xfee00003), 3);
    access.readTo(m.cpu, 0x3021, 7, SCRATCH);
    assert.deepEqual(log, ['read 48 4', 'write 128 4 fffffff0', 'write 16 4 11223344', 'write 20 4 55667788', 'read 3 1', 'read 33 1', 'read 34 2', 'read 36 4']);
    assert.deepEqual([...cpu8(m, SCRATCH, 7)], [33, 34, 0, 36, 0, 0, 0]);
  });
  it('read and write physical memory', () => {
    const m = setUp();
    access.writePhysical64(m.cpu, 0x6001, 0x8877665544332211n);
    assert.equal(access.readPhysical64(m.cpu, 0x6001), 0x8877665544332211n);
    assert.equal(access.readPhysical32(m.cpu, 0x6005), 0x88776655);
    assert.equal(access.readPhysical16(m.cpu, 0x6005), 0x6655);
    access.writePhysical32(m.cpu, 0x6005, 0x12);
    assert.equal(access.readPhysicalNumber(m.cpu, 0x6001), 0x12_4433_2211);
    assert.equal(access.readPhysical32(m.cpu, 0x8000000), 0xffffffff);
  });
});

const cpu8 = (m: TestMachine, at: number, bytes: number): Uint8Array => m.cpu.u8.slice(at, at + bytes);
