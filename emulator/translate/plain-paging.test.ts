import assert from 'node:assert/strict';
import { Exception } from '../cpu/events.js';
import { architecturalTlb, FAST_TLB_SET_BYTES, MAP, S } from '../cpu/layout.js';
import type { AccessKind } from '../paging/outcome.js';
import { EXECUTE, READ, WRITE } from '../paging/outcome.js';
import { A, CR4, D, G, LMA, NXE, P, PG, PS, TestMachine, U, W, WP, XD } from '../paging/test-machine.js';
import { coreModule } from './core.js';
import { notPresent } from '../paging/walk.js';
import { NOT_PLAIN, NOT_PRESENT } from './plain-paging.js';

const PML4 = 0x1000, PDPT = 0x2000, PD = 0x3000, TABLE = 0x4000, SECOND_PML4 = 0x5000, TABLES_END = 0x6000;
/** Pages of one set of the TLB, more than it has ways, and one in the upper half. */
const PAGES = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => ((k << 10) | (k ^ 5)) * 4096).concat(-0x7fffff000);

class Chance {
  constructor(private seed: number) {}
  below(n: number): number {
    this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.seed / 2 ** 32) * n);
  }
  of<T>(...choices: readonly T[]): T { return choices[this.below(choices.length)]!; }
  /** Most of these bits. */
  bits(...bits: readonly bigint[]): bigint { return bits.reduce((all, bit) => (this.below(8) === 0 ? all : all | bit), 0n); }
}

function change(m: TestMachine, chance: Chance): void {
  const { cpu, mmu } = m, linear = chance.of(...PAGES), seldom = (bit: bigint): bigint => (chance.below(12) === 0 ? bit : 0n);
  switch (chance.below(9)) {
    case 0: case 1: m.put(TABLE + 8 * chance.below(8), BigInt(chance.below(64) << 12) | chance.bits(P, W, U, A, D) | seldom(G) | seldom(XD) | seldom(1n << 51n)); break;
    case 2: m.put(PD + 8 * chance.of(0, 2, 4, 6, 8, 14), BigInt(chance.of(TABLE, TABLE, TABLE, 0x200000)) | chance.bits(P, W, U, A) | seldom(D) | seldom(G)); break;
    case 3: m.put(PD + 8 * chance.of(0, 2, 4), 0x200000n | PS | chance.bits(P, W, U, A, D) | seldom(0x2000n)); break;
    case 4: m.put(PDPT, BigInt(PD) | chance.bits(P, W, U, A)); break;
    case 5: mmu.invlpg(linear); break;
    case 6:
      cpu.cr3 = chance.of(PML4, SECOND_PML4 + ((cpu.cr4 & CR4.PCIDE) !== 0 ? 1 : 0));
      mmu.loadCr3(chance.below(2) === 0);
      break;
    case 7: m.set({ cpl: chance.of(0, 3) }); break;
    default: m.set({ cr0: PG | chance.of(0, WP), cr4: CR4.PAE | chance.of(0, CR4.PGE) | chance.of(0, CR4.PCIDE) | chance.of(0, 0, CR4.SMAP, CR4.SMEP), efer: LMA | chance.of(NXE, NXE, 0) });
  }
}

describe('plain translations', function () {
  this.timeout(60_000);
  it('do what TypeScript does, or nothing', () => {
    const m = new TestMachine(), { cpu, mmu } = m, chance = new Chance(1), nothing = () => 0;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(coreModule(m.guestBytes)), { e: {
      m: cpu.memory, t: new WebAssembly.Table({ initial: 8, element: 'anyfunc' }), leave: nothing, slowTransfer: nothing, slowOnward: nothing, changed: nothing, slowPerform: nothing, slowReference: nothing,
      outOfBudget: nothing, attention: nothing,
    } });
    const ranges = ([[0, MAP.tlbRead + FAST_TLB_SET_BYTES], [architecturalTlb(0), architecturalTlb(1)], [MAP.guestMemory, MAP.guestMemory + TABLES_END]] as const).map(([from, to]) => cpu.u8.subarray(from, to));
    const copy = (): Buffer[] => ranges.map((bytes) => Buffer.from(bytes));
    for (const root of [PML4, SECOND_PML4]) for (const index of [0, 511]) m.put(root + 8 * index, BigInt(PDPT) | P | W | U);
    for (let n = 0; n < 512; n++) {
      m.put(PDPT + 8 * n, BigInt(PD) | P | W | U | A);
      m.put(PD + 8 * n, BigInt(TABLE) | P | W | U | A);
      m.put(TABLE + 8 * n, BigInt(n << 12) | P | W | U);
    }
    m.set({ cr0: PG, cr3: PML4, cr4: CR4.PAE | CR4.PGE, efer: LMA | NXE });
    let plain = 0, absences = 0;
    for (let n = 0; n < 1200; n++) {
      if (chance.below(3) === 0) change(m, chance);
      const linear = chance.of(...PAGES) + chance.below(4096), kind = chance.of<AccessKind>(READ, WRITE, EXECUTE), before = copy();
      const host = (exports[`plain translation ${kind}`] as (linear: bigint) => number)(BigInt(linear)), after = copy(), what = `case ${n}: ${['read', 'write', 'fetch'][kind]!} of ${linear.toString(16)}`;
      const absent = notPresent(cpu.low(S.absentLevel), cpu.number(S.absentAddress), cpu.low(S.absentEntry), cpu.low(S.absentEntry + 4), 8);
      if (host === NOT_PLAIN) assert.ok(after.every((bytes, i) => bytes.equals(before[i]!)), `${what} changed something`);
      else ranges.forEach((bytes, i) => { bytes.set(before[i]!); });
      let expected: number = NOT_PLAIN, why = '';
      try { expected = MAP.guestMemory + mmu.translate(linear, kind, cpu.cpl === 3); }
      catch (thrown) {
        assert.ok(thrown instanceof Exception);
        ({ why } = thrown);
      }
      if (host === NOT_PRESENT) { assert.equal(absent, why, what); absences++; }
      if (host === NOT_PLAIN || host === NOT_PRESENT) continue;
      plain++;
      assert.equal(host, expected, what);
      copy().forEach((bytes, i) => { assert.ok(bytes.equals(after[i]!), `${what}: range ${i} differs at ${bytes.findIndex((byte, at) => byte !== after[i]![at])}`); });
    }
    assert.ok(plain > 200 && absences > 20, `${plain} of 1200 are plain, ${absences} find an entry that is not present`);
  });
});
