import assert from 'node:assert/strict';
import { cpuid } from './cpuid.js';
import { Exception, VECTORS } from './events.js';
import { S, segment, xmm } from './layout.js';
import { CR0, CR4 } from './modes.js';
import { longMode, protectedMode, type TestProcessor } from './test-processor.js';

const DS = 3, AREA = 0x40000, XSTATE_BV = 512, XCOMP_BV = 520, YMM_HIGH = 576;
const RAX = 0, RCX = 1, RDX = 2;

/** The vector of the exception, or undefined. */
function vectorOf(act: () => void): number | undefined {
  try { act(); return undefined; } catch (e) {
    if (e instanceof Exception) return e.vector;
    throw e;
  }
}
function processor(cpl = 0, xcr0 = 7, mode = longMode): TestProcessor {
  const cpu = mode(cpl);
  cpu.features = new Set([...cpu.features, 'AVX']);
  cpu.cr4 |= CR4.OSXSAVE | CR4.OSFXSR;
  cpu.set(S.xcr0, xcr0, 0);
  cpu.u32[S.fcw >> 2] = 0x37f;
  cpu.u32[S.ftw >> 2] = 0;
  cpu.setReg(RAX, 0xffffffffn);
  cpu.setReg(RDX, 0xffffffffn);
  return cpu;
}
const perform = (cpu: TestProcessor, name: string, at = AREA): number | undefined => vectorOf(() => { cpu.perform(name, at, segment(DS), 1); });
function xsetbv(cpu: TestProcessor, low: number, high = 0, index = 0): number | undefined {
  cpu.setReg32(RAX, low);
  cpu.setReg32(RDX, high);
  cpu.setReg32(RCX, index);
  return vectorOf(() => { cpu.perform('XSETBV'); });
}
const GP = VECTORS['#GP'], UD = VECTORS['#UD'], NM = VECTORS['#NM'];

describe('XCR0', () => {
  it('takes x87, with SSE, with AVX', () => {
    const cpu = processor();
    for (const value of [1, 3, 7]) {
      assert.equal(xsetbv(cpu, value), undefined);
      cpu.setReg32(RCX, 0);
      cpu.perform('XGETBV');
      assert.deepEqual([cpu.reg32(RAX), cpu.reg32(RDX)], [value, 0]);
    }
  });
  it('refuses to be without x87, AVX without SSE, what does not exist, and other registers', () => {
    const cpu = processor();
    for (const value of [0, 2, 5, 6, 0xf, 0x80000007]) assert.equal(xsetbv(cpu, value), GP, `0x${value.toString(16)}`);
    assert.equal(xsetbv(cpu, 7, 1), GP);
    assert.equal(xsetbv(cpu, 7, 0, 1), GP);
    cpu.features = new Set([...cpu.features].filter((f) => f !== 'AVX'));
    assert.equal(xsetbv(cpu, 7), GP);
  });
  it('is written at CPL 0 only, and not there without CR4.OSXSAVE', () => {
    assert.equal(xsetbv(processor(3), 7), GP);
    const cpu = processor(3);
    cpu.cr4 &= ~CR4.OSXSAVE;
    assert.equal(xsetbv(cpu, 7), UD);
    assert.equal(vectorOf(() => { cpu.perform('XGETBV'); }), UD);
  });
  it('with ECX 1 shows what is in use', () => {
    const cpu = processor(), read = () => { cpu.setReg32(RCX, 1); cpu.perform('XGETBV'); return cpu.reg32(RAX); };
    assert.equal(read(), 0);
    cpu.u32[(xmm(15) + 16) >> 2] = 1;
    cpu.u32[S.mxcsr >> 2] = 0x1fa0;
    assert.equal(read(), 6);
    cpu.setReg32(RCX, 2);
    assert.equal(vectorOf(() => { cpu.perform('XGETBV'); }), GP);
  });
});

describe('CPUID leaf 0DH', () => {
  it('gives sizes by XCR0, and where AVX state lies', () => {
    const cpu = processor(0, 3);
    assert.deepEqual(cpuid(cpu, 0xd, 0), { eax: 0x207, ebx: 576, ecx: 2696, edx: 0 });
    assert.deepEqual(cpuid(cpu, 0xd, 1), { eax: 0xf, ebx: 576, ecx: 0, edx: 0 });
    assert.deepEqual(cpuid(cpu, 0xd, 2), { eax: 256, ebx: 576, ecx: 0, edx: 0 });
    assert.deepEqual(cpuid(cpu, 0xd, 9), { eax: 8, ebx: 2688, ecx: 0, edx: 0 });
    assert.deepEqual(cpuid(cpu, 0xd, 3), { eax: 0, ebx: 0, ecx: 0, edx: 0 });
    cpu.set(S.xcr0, 7, 0);
    assert.deepEqual([cpuid(cpu, 0xd, 0).ebx, cpuid(cpu, 0xd, 1).ebx], [832, 832]);
    cpu.set(S.xcr0, 0x207, 0);
    assert.deepEqual([cpuid(cpu, 0xd, 0).ebx, cpuid(cpu, 0xd, 1).ebx], [2696, 840]);
  });
  it('has its features in subleaf 1, and CPUID.OSXSAVE follows CR4', () => {
    const cpu = processor();
    cpu.features = new Set([...cpu.features].filter((f) => f !== 'XSAVES' && f !== 'AVX' && f !== 'PKU'));
    assert.equal(cpuid(cpu, 0xd, 1).eax, 7);
    assert.equal(cpuid(cpu, 0xd, 0).eax, 3);
    assert.equal(cpuid(cpu, 1, 0).ecx >>> 27 & 1, 1);
    cpu.cr4 &= ~CR4.OSXSAVE;
    assert.equal(cpuid(cpu, 1, 0).ecx >>> 27 & 1, 0);
  });
});

describe('XSAVE and its kin', () => {
  it('check CR4.OSXSAVE, CR0.TS, CPL and alignment, in this order', () => {
    const cpu = processor(3);
    assert.equal(perform(cpu, 'XSAVE', AREA + 32), GP);
    assert.equal(perform(cpu, 'XSAVES'), GP);
    cpu.cr0 |= CR0.TS;
    assert.deepEqual(['XSAVE', 'XRSTOR', 'XSAVES', 'XRSTORS'].map((name) => perform(cpu, name, AREA + 32)), [NM, NM, NM, NM]);
    cpu.cr4 &= ~CR4.OSXSAVE;
    assert.deepEqual(['XSAVEOPT', 'XRSTOR', 'XSAVES', 'XRSTORS'].map((name) => perform(cpu, name)), [UD, UD, UD, UD]);
  });
  it('XSAVE keeps the header’s bits of what is not asked for; XSAVEOPT does not write what is initial', () => {
    const cpu = processor();
    cpu.u32[(xmm(0) + 16) >> 2] = 0x1234;
    cpu.poke(AREA + XSTATE_BV, 0xf8, 0);
    cpu.poke(AREA + 160, 0x55);
    assert.equal(perform(cpu, 'XSAVEOPT'), undefined);
    assert.deepEqual([cpu.peek(AREA + XSTATE_BV), cpu.peek(AREA + 160), cpu.peek(AREA + YMM_HIGH), cpu.peek(AREA + 24)], [0xfc, 0x55, 0x1234, 0x1f80]);
    cpu.setReg32(RAX, 2);
    perform(cpu, 'XSAVE');
    assert.deepEqual([cpu.peek(AREA + XSTATE_BV), cpu.peek(AREA + 160)], [0xfc, 0]);
  });
  it('XSAVES compacts, and XRSTORS brings all back', () => {
    const cpu = processor();
    cpu.u32[xmm(3) >> 2] = 3;
    cpu.u32[(xmm(15) + 16) >> 2] = 15;
    cpu.u32[S.mxcsr >> 2] = 0x3f80;
    assert.equal(perform(cpu, 'XSAVES'), undefined);
    assert.deepEqual([cpu.peek(AREA + XSTATE_BV), cpu.peek(AREA + XCOMP_BV), cpu.peek(AREA + XCOMP_BV + 4)], [6, 7, 0x80000000]);
    cpu.u32[S.mxcsr >> 2] = 0x1f80;
    cpu.u32[S.fsw >> 2] = 0x3800;
    cpu.u8.fill(0xff, S.ymm, S.end - 8);
    assert.equal(perform(cpu, 'XRSTORS'), undefined);
    assert.deepEqual([cpu.low(xmm(3)), cpu.low(xmm(3) + 4), cpu.low(xmm(15) + 16), cpu.low(xmm(14) + 16), cpu.low(S.mxcsr), cpu.low(S.fsw)], [3, 0, 15, 0, 0x3f80, 0]);
  });
  it('the compacted format initializes MXCSR with SSE state, the standard one loads it', () => {
    const cpu = processor();
    cpu.u32[S.mxcsr >> 2] = 0x3f80;
    cpu.poke(AREA + 24, 0x5f80);
    assert.equal(perform(cpu, 'XRSTOR'), undefined);
    assert.equal(cpu.low(S.mxcsr), 0x5f80);
    cpu.poke(AREA + XCOMP_BV, 3, 0x80000000);
    assert.equal(perform(cpu, 'XRSTOR'), undefined);
    assert.equal(cpu.low(S.mxcsr), 0x1f80);
  });
  it('XRSTOR refuses headers and MXCSRs with what is reserved or not enabled, and changes nothing', () => {
    const bad: readonly (readonly [why: string, at: number, low: number, high: number])[] = [
      ['XSTATE_BV', XSTATE_BV, 8, 0], ['XSTATE_BV above', XSTATE_BV, 0, 1], ['standard, XCOMP_BV', XCOMP_BV, 1, 0], ['reserved', XCOMP_BV + 8, 1, 0], ['MXCSR', 24, 0x10000, 0],
      ['XCOMP_BV', XCOMP_BV, 15, 0x80000000], ['XCOMP_BV above', XCOMP_BV, 7, 0x80000001],
    ];
    for (const [why, at, low, high] of bad) {
      const cpu = processor();
      cpu.u32[xmm(1) >> 2] = 1;
      cpu.poke(AREA + at, low, high);
      assert.equal(perform(cpu, 'XRSTOR'), GP, why);
      assert.equal(cpu.low(xmm(1)), 1, why);
    }
    const cpu = processor();
    assert.equal(perform(cpu, 'XRSTORS'), GP, 'the standard format');
    cpu.poke(AREA + XSTATE_BV, 4, 0);
    cpu.poke(AREA + XCOMP_BV, 3, 0x80000000);
    assert.equal(perform(cpu, 'XRSTOR'), GP, 'a component that the format has not');
  });
  it('outside 64-bit mode there are eight vectors, and the rest stays', () => {
    const cpu = processor(0, 7, protectedMode);
    cpu.u32[xmm(7) >> 2] = 7;
    cpu.u32[xmm(8) >> 2] = 8;
    assert.equal(perform(cpu, 'XRSTOR'), undefined);
    assert.deepEqual([cpu.low(xmm(7)), cpu.low(xmm(8))], [0, 8]);
  });
});
