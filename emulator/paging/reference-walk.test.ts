/** The walk against a second opinion: a naive one over BigInt, written from the manual's text alone, on random tables. */
import assert from 'node:assert/strict';
import { READ, SMAP_ENFORCED, SMEP_ENFORCED, USER_ACCESS, WalkOutcome, WRITE_PROTECT, type AccessKind } from './outcome.js';
import { CR4, LMA, NXE, PG, TestMachine } from './test-machine.js';
import { walk } from './walk.js';

type Verdict = { mapped: bigint } | { pageFault: number } | { violation: number; at: bigint } | { misconfiguration: bigint };
interface Setting { cr3: bigint; cr4: number; efer: number; pdptes: bigint[]; eptp: bigint; modeBased: boolean; kind: 'read' | 'write' | 'execute'; user: boolean; wp: boolean; smap: boolean; smep: boolean; pkru: number }

const field = (value: bigint, high: number, low: number): bigint => value >> BigInt(low) & (1n << BigInt(high - low + 1)) - 1n;
const bit = (value: bigint, n: number): boolean => field(value, n, n) === 1n;

class Reference {
  constructor(private readonly m: TestMachine, private readonly s: Setting) {}

  private load(at: bigint, bytes: number): bigint {
    if (at + BigInt(bytes) > BigInt(this.m.guestBytes)) return (1n << BigInt(8 * bytes)) - 1n;
    return bytes === 8 ? this.m.get(Number(at)) : BigInt(this.m.get32(Number(at)));
  }

  /** `needs`: as in the entry, its bit 10 as bit 3. */
  private ept(guestPhysical: bigint, needs: number, qualification: number): bigint | Verdict {
    if (this.s.eptp === 0n) return guestPhysical;
    let table = field(this.s.eptp, 51, 12) << 12n, all = 15;
    const violation = (): Verdict => ({ violation: (needs === 8 ? 4 : needs) | (this.s.modeBased ? all : all & 7) << 3 | qualification, at: guestPhysical });
    for (const low of [39, 30, 21, 12]) {
      const entry = this.load(table + 8n * field(guestPhysical, low + 8, low), 8);
      const rwx = Number(field(entry, 2, 0)), user = this.s.modeBased ? bit(entry, 10) : bit(entry, 2);
      all &= rwx | Number(user) << 3;
      if (rwx === 0 && !user) return violation();
      const maps = low === 12 || (low < 39 && bit(entry, 7));
      const bad = rwx === 2 || rwx === 6 || field(entry, 51, 40) !== 0n
        || (maps ? [2n, 3n, 7n].includes(field(entry, 5, 3)) || (low > 12 && field(entry, low - 1, 12) !== 0n)
          : field(entry, 6, 3) !== 0n || (low === 39 && bit(entry, 7)));
      if (bad) return { misconfiguration: guestPhysical };
      table = field(entry, 39, 12) << 12n;
      if (!maps) continue;
      return (needs & ~all) !== 0 ? violation() : (field(entry, 39, low) << BigInt(low)) + field(guestPhysical, low - 1, 0);
    }
    throw new Error('unreachable');
  }

  translate(linear: bigint): Verdict {
    const { s } = this, pae = (s.cr4 & CR4.PAE) !== 0, long = (s.efer & 0x400) !== 0, nxe = pae && (s.efer & NXE) !== 0;
    const levels = !pae ? [[31, 22], [21, 12]] : long ? [[47, 39], [38, 30], [29, 21], [20, 12]] : [[29, 21], [20, 12]];
    const fault = (code: number): Verdict => ({
      pageFault: code | (s.kind === 'write' ? 2 : 0) | (s.user ? 4 : 0) | (s.kind === 'execute' && (nxe || (s.cr4 & CR4.SMEP) !== 0) ? 16 : 0) });
    let table = !pae ? field(s.cr3, 31, 12) << 12n : long ? field(s.cr3, 39, 12) << 12n : 0n;
    if (pae && !long) {
      const pdpte = s.pdptes[Number(field(linear, 31, 30))]!;
      if (!bit(pdpte, 0)) return fault(0);
      table = field(pdpte, 39, 12) << 12n;
    }
    const walkNeeds = bit(s.eptp, 6) ? 3 : 1, used: { at: bigint; entry: bigint; dirty: boolean }[] = [];
    for (const [high, low] of levels as [number, number][]) {
      const bytes = pae ? 8 : 4, guestAddress = table + BigInt(bytes) * field(linear, high, low);
      const address = this.ept(guestAddress, walkNeeds, 0x80);
      if (typeof address !== 'bigint') return address;
      const entry = this.load(address, bytes);
      used.push({ at: guestAddress, entry, dirty: false });
      if (!bit(entry, 0)) return fault(0);
      const maps = low === 12 || (low < 39 && bit(entry, 7) && (pae || (s.cr4 & CR4.PSE) !== 0));
      const reserved = pae
        ? field(entry, 51, 40) !== 0n || (!long && field(entry, 62, 52) !== 0n) || (bit(entry, 63) && !nxe)
          || (low === 39 && bit(entry, 7)) || (maps && low > 12 && field(entry, low - 1, 13) !== 0n)
        : maps && low === 22 && bit(entry, 21);
      if (reserved) return fault(9);
      table = pae ? field(entry, 39, 12) << 12n : field(entry, 31, 12) << 12n;
      if (!maps) continue;
      let page = pae ? field(entry, 39, low) << BigInt(low) : field(entry, 31, low) << BigInt(low);
      if (!pae && low === 22) page += field(entry, 20, 13) << 32n;
      const every = (n: number): boolean => used.every((u) => bit(u.entry, n)), some = (n: number): boolean => used.some((u) => bit(u.entry, n));
      const userPage = every(2), writable = every(1), noExecute = nxe && some(63);
      const allowed = s.user
        ? userPage && (s.kind === 'read' || (s.kind === 'write' ? writable : !noExecute))
        : s.kind === 'execute' ? !noExecute && !(s.smep && userPage) : !(s.smap && userPage) && (s.kind === 'read' || writable || !s.wp);
      const keyBits = long && (s.cr4 & CR4.PKE) !== 0 ? s.pkru >>> (2 * Number(field(entry, 62, 59))) & 3 : 0;
      const forbidden = userPage && s.kind !== 'execute' && ((keyBits & 1) !== 0 || (s.kind === 'write' && (keyBits & 2) !== 0 && (s.user || s.wp)));
      if (!allowed || forbidden) return fault(forbidden ? 33 : 1);
      used.at(-1)!.dirty = s.kind === 'write';
      for (const u of used) {
        if (bit(u.entry, 5) && (!u.dirty || bit(u.entry, 6))) continue;
        const set = this.ept(u.at, 2, 0x80);
        if (typeof set !== 'bigint') return set;
      }
      const final = this.ept(page + field(linear, low - 1, 0), { read: 1, write: 2, execute: userPage ? 8 : 4 }[s.kind], 0x180);
      return typeof final === 'bigint' ? { mapped: final } : final;
    }
    throw new Error('unreachable');
  }
}

function verdictOf(o: WalkOutcome): Verdict {
  switch (o.is) {
    case 'mapped': return { mapped: BigInt(o.physical) };
    case 'page fault': return { pageFault: o.errorCode };
    case 'EPT violation': return { violation: o.qualification, at: BigInt(o.guestPhysical) };
    case 'EPT misconfiguration': return { misconfiguration: BigInt(o.guestPhysical) };
    case 'APIC access': throw new Error('there is no APIC-access page');
  }
}

describe('the walk agrees with a naive reference on random tables', () => {
  let seed = 20260101;
  const random = (below: number): number => {
    seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5;
    return (seed >>> 0) % below;
  };
  const rarely = (odds: number): boolean => random(odds) === 0;

  /** Entries that mostly work: tables at 1000 … F000, with a stray bit now and then. */
  const randomEntry = (long: boolean, keys = false): bigint => {
    let entry = BigInt(1 + random(15)) << 12n | 0x27n;
    if (rarely(6)) entry ^= 1n << BigInt(random(long ? 64 : 32));
    if (rarely(6)) entry ^= 1n << BigInt(random(9));
    if (keys && rarely(3)) entry |= BigInt(random(16)) << 59n;
    if (rarely(8)) entry |= 0x80n;
    if (rarely(10)) entry = entry & 0xfffn | BigInt(random(2048)) << 21n;
    return entry;
  };
  const randomEpt = (): bigint => {
    let entry = BigInt(0x20 + random(16)) << 12n | 0x407n;
    if (rarely(20)) entry ^= 1n << BigInt(random(52));
    if (rarely(20)) entry ^= 1n << BigInt(random(8));
    return entry;
  };

  for (const mode of ['32-bit', 'PAE', '4-level'] as const) {
    for (const ept of ['no EPT', 'EPT', 'EPT with accessed and dirty flags', 'EPT with mode-based execute control'] as const) {
      it(`${mode}, ${ept}`, () => {
        const m = new TestMachine(0x400000), seen = new Map<string, number>(), long = mode !== '32-bit';
        for (let round = 0; round < 150; round++) {
          for (let at = 0x1000; at < 0x10000; at += 8) {
            m.put(at, long ? randomEntry(true, mode === '4-level') : randomEntry(false) | randomEntry(false) << 32n);
          }
          for (let at = 0x20000; at < 0x23000; at += 8) m.put(at, randomEpt());
          for (let n = 0; n < 512; n++) m.put(0x20000 + 8 * n, 0x21407n);
          for (let at = 0x21000; at < 0x23000; at += 8) if (!rarely(30)) m.put(at, BigInt(at & ~0xfff) + 0x1407n);
          for (let n = 0; n < 512; n++) m.put(0x23000 + 8 * n, BigInt(n) << 12n | (rarely(12) ? BigInt(random(64)) : 0x37n) | (rarely(4) ? 0n : 0x400n));
          const cr4 = (mode === '32-bit' ? 0 : CR4.PAE) | (rarely(2) ? CR4.PSE : 0) | (rarely(2) ? CR4.SMEP : 0) | (rarely(2) ? CR4.SMAP : 0) | (rarely(2) ? CR4.PKE : 0);
          m.set({ cr0: PG, cr3: 0x1000, cr4, efer: (mode === '4-level' ? LMA : 0) | (rarely(4) ? 0 : NXE) });
          const state = m.mmu.currentState();
          state.pkru = rarely(2) ? random(2 ** 32) : 0;
          state.eptp = ept === 'no EPT' ? 0 : ept === 'EPT with accessed and dirty flags' ? 0x2005e : 0x2001e;
          state.modeBased = ept === 'EPT with mode-based execute control';
          state.pdptes.set([0x1001, 0, 0x2001, 0, 0, 0, 0x3001, 0]);
          for (let n = 0; n < 300; n++) {
            const linear = mode === '4-level' ? (random(0x10000) - 0x8000) * 2 ** 32 + random(2 ** 32) : random(2 ** 32);
            const kind = random(3) as AccessKind, user = rarely(2), wp = rarely(2), smap = (cr4 & CR4.SMAP) !== 0, smep = (cr4 & CR4.SMEP) !== 0;
            const privilege = user ? USER_ACCESS : (wp ? WRITE_PROTECT : 0) | (smap ? SMAP_ENFORCED : 0) | (smep ? SMEP_ENFORCED : 0);
            const outcome = new WalkOutcome();
            walk(m.cpu, state, linear, kind, privilege, outcome);
            const expected = new Reference(m, {
              cr3: 0x1000n, cr4, efer: state.efer, eptp: BigInt(state.eptp), modeBased: state.modeBased, user, wp, smap, smep, pkru: state.pkru, pdptes: [0x1001n, 0x2001n, 0n, 0x3001n],
              kind: kind === READ ? 'read' : kind === 1 ? 'write' : 'execute',
            }).translate(BigInt(linear));
            const actual = verdictOf(outcome);
            assert.deepEqual(actual, expected, `${mode}, ${ept}: linear 0x${BigInt.asUintN(64, BigInt(linear)).toString(16)}, kind ${kind}: ${outcome.why}`);
            const class_ = 'pageFault' in actual ? `page fault ${actual.pageFault & 41}` : Object.keys(actual)[0]!;
            seen.set(class_, (seen.get(class_) ?? 0) + 1);
          }
        }
        const expected = ['mapped', 'page fault 0', 'page fault 1', ...(mode === '4-level' ? ['page fault 33'] : []), ...(mode === '32-bit' ? [] : ['page fault 9']), ...(ept === 'no EPT' ? [] : ['violation', 'misconfiguration'])];
        for (const verdict of expected) assert.ok((seen.get(verdict) ?? 0) > 100, `${verdict} was met ${seen.get(verdict) ?? 0} times`);
      });
    }
  }
});
