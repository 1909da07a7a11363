import assert from 'node:assert/strict';
import { FAST_TLB_ENTRIES, MAP, S } from '../cpu/layout.js';
import { CONDITIONS } from '../meaning/emit-condition.js';
import { FLAG_BITS, statusOf } from '../meaning/flags.js';
import { blockSlot, type CoreExports, coreModule } from './core.js';

const memory = new WebAssembly.Memory({ initial: MAP.codeCache / 65536 + 1 });
const u32 = new Uint32Array(memory.buffer), i64 = new BigInt64Array(memory.buffer);
const table = new WebAssembly.Table({ initial: 8, element: 'anyfunc' });
let slowTransfers = 0;
const core = new WebAssembly.Instance(new WebAssembly.Module(coreModule(0x100000)), {
  e: { m: memory, t: table, leave: () => undefined, slowTransfer: () => { slowTransfers++; return 0; }, slowOnward: () => 0, slowPerform: () => undefined, changed: () => undefined, slowReference: () => 0, outOfBudget: () => 0, attention: () => 0 },
}).exports as unknown as CoreExports;

/** Edges of each operand size, sign-extended as they are kept. */
const VALUES = [0n, 1n, 2n, 0xfn, 0x10n, 0x7fn, -0x80n, -1n, 0x7fffn, -0x8000n, 0x7fffffffn, -0x80000000n, 2n ** 63n - 1n, -(2n ** 63n), 0x1234n, -0x1235n];

function eachCase(visit: (rule: number, a: bigint, result: bigint) => void): void {
  for (const a of VALUES) for (const b of VALUES) {
    visit(0, a & 0x8d5n, 0n);
    visit(1, a & 0x811n, b);
    for (let size = 0; size < 4; size++) for (let kind = 1; kind <= 4; kind++) {
      const bits = 8 << size, carry = kind === 2 || kind === 4 ? 1n : 0n, x = BigInt.asIntN(bits, a), y = BigInt.asIntN(bits, b);
      visit(kind * 4 + size, x, BigInt.asIntN(bits, kind <= 2 ? x + y + carry : x - y - carry));
    }
  }
}
function put(rule: number, a: bigint, result: bigint): void {
  u32[S.flagRule >> 2] = rule;
  i64[S.flagA >> 3] = a;
  i64[S.flagResult >> 3] = result;
}

describe('core module', () => {
  it('computes the status flags as the reference does', () => {
    eachCase((rule, a, result) => {
      put(rule, a, result);
      assert.equal(core.status(), statusOf(rule, BigInt.asUintN(64, a), BigInt.asUintN(64, result)), `rule ${rule}, a ${a}, result ${result}`);
    });
  });

  it('judges conditions by the flags', () => {
    const { CF, PF, ZF, SF, OF } = FLAG_BITS;
    const holds: Record<string, (f: number) => boolean> = {
      O: (f) => (f & OF) !== 0, B: (f) => (f & CF) !== 0, E: (f) => (f & ZF) !== 0, BE: (f) => (f & (CF | ZF)) !== 0, S: (f) => (f & SF) !== 0, P: (f) => (f & PF) !== 0,
      L: (f) => ((f & SF) !== 0) !== ((f & OF) !== 0), LE: (f) => (f & ZF) !== 0 || ((f & SF) !== 0) !== ((f & OF) !== 0),
    };
    eachCase((rule, a, result) => {
      put(rule, a, result);
      const flags = core.status();
      for (const [name, test] of Object.entries(holds)) assert.equal(core.condition(CONDITIONS.indexOf(name as 'O')), test(flags) ? 1 : 0, name);
    });
  });

  it('finds blocks where TypeScript puts them', () => {
    const spaceTag = 5, mode = 3;
    u32[S.spaceTag >> 2] = spaceTag;
    u32[S.codeMode >> 2] = mode;
    for (const linear of [0x1000n, 0x40123fn, 0x7fff_ffff_f010n, -0x7fff_ff00n]) {
      const low = Number(BigInt.asUintN(32, linear)), host = 0x2345000 + (low & 0xfff);
      // Every entry of the fast TLB has this page, so that only the tag decides.
      for (let entry = 0; entry < FAST_TLB_ENTRIES; entry++) {
        const at = MAP.tlbExecute + 16 * entry;
        i64[at >> 3] = (linear & ~0xfffn) | BigInt(spaceTag);
        u32[(at + 8) >> 2] = host - low;
      }
      const slot = (MAP.blockTable + blockSlot(host, mode)) >> 2;
      u32[slot] = host;
      u32[slot + 1] = mode;
      u32[slot + 2] = 0x123440;
      slowTransfers = 0;
      assert.equal(core.transfer(0, linear), 0x123440);
      assert.equal(slowTransfers, 0);
      assert.equal(i64[S.codePage >> 3], linear & ~0xfffn);
      u32[S.spaceTag >> 2] = spaceTag + 1;
      core.transfer(0, linear);
      assert.equal(slowTransfers, 1, 'another address space');
      u32[S.spaceTag >> 2] = spaceTag;
    }
  });
});
