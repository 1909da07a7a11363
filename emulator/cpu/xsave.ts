/** The XSAVE feature set: XCR0, and state components in memory. SDM Vol. 1, "Managing State Using the XSAVE Feature Set"; Vol. 2, by the instructions' names. */
import { forgetDestinations } from './known-worlds.js';
import { read32, probe, write32 } from '../paging/access.js';
import { READ, WRITE, type AccessKind } from '../paging/mmu.js';
import { exception, leaveIf } from './events.js';
import { saveMxcsr, savedMxcsr, setMxcsr } from './float-state.js';
import { S } from './layout.js';
import { CR0, CR4 } from './modes.js';
import type { Operation, Operations } from './operations.js';
import type { Processor } from './processor.js';
import { linearAddress, segmentNumber } from './references.js';
import { demandLevel0 } from './system-registers.js';
import { AVX, COMPONENTS, type Component, EXTENDED, inUse, isIn, layout, LEGACY_BYTES, SSE, supported, X87 } from './xsave-components.js';

const RAX = 0, RCX = 1, RDX = 2;
const ALIGNMENT = 64, MXCSR_INITIAL = 0x1f80;
/** In the header, behind the legacy region. */
const XSTATE_BV = LEGACY_BYTES, XCOMP_BV = LEGACY_BYTES + 8, RESERVED = LEGACY_BYTES + 16;
/** Bit 63 of XCOMP_BV: the compacted format. */
const COMPACTED = 0x80000000;

const fault = (why: string) => exception('#GP', 0, why);

function demandXsave(cpu: Processor): void { if (!(cpu.cr4 & CR4.OSXSAVE)) throw exception('#UD', 0, 'CR4.OSXSAVE is clear'); }
function demandAvailable(cpu: Processor): void {
  demandXsave(cpu);
  if (cpu.cr0 & CR0.TS) throw exception('#NM', 0, 'CR0.TS is set');
}

/** ECX 1: XINUSE too, with the exception of MXCSR that XSAVEC makes. */
function xgetbv(cpu: Processor): void {
  demandXsave(cpu);
  const index = cpu.reg32(RCX);
  if (index !== 0 && !(index === 1 && cpu.features.has('XGETBV1'))) throw fault(`there is no extended control register ${index}`);
  cpu.setReg32(RAX, index === 0 ? cpu.low(S.xcr0) : cpu.low(S.xcr0) & inUseWithMxcsr(cpu));
  cpu.setReg32(RDX, cpu.high(S.xcr0));
}

/** What XCR0 must not be. */
function wrong(cpu: Processor, low: number, high: number): string | undefined {
  if (high !== 0 || (low & ~supported(cpu)) !== 0) return 'a reserved bit is set';
  if ((low & X87) === 0) return 'bit 0 is clear';
  return (low & AVX) !== 0 && (low & SSE) === 0 ? 'AVX state is enabled without SSE state' : undefined;
}
/** Checks as XSETBV does (#GP(0)), and performs all effects. */
export function writeXcr0(cpu: Processor, low: number, high = 0): void {
  const why = wrong(cpu, low, high);
  if (why !== undefined) throw fault(`XCR0: ${why}`);
  cpu.set(S.xcr0, low, high);
  forgetDestinations(cpu);
  cpu.modeChanged();
}
function xsetbv(cpu: Processor): void {
  demandXsave(cpu);
  demandLevel0(cpu, 'XSETBV');
  leaveIf(cpu.intercepts.instruction(cpu, 'XSETBV'));
  if (cpu.reg32(RCX) !== 0) throw fault(`there is no extended control register ${cpu.reg32(RCX)} to be written`);
  writeXcr0(cpu, cpu.reg32(RAX), cpu.reg32(RDX));
}

/** Arguments: offset, place of the segment register in the state, whether the operand size is 64 bits. */
const wide = (cpu: Processor): boolean => cpu.argumentLow(2) !== 0;
/** RFBM, the requested-feature bitmap. */
const requested = (cpu: Processor): number => cpu.low(S.xcr0) & cpu.reg32(RAX);

/** The area's linear address; its legacy region and header may be accessed. */
function areaAt(cpu: Processor, kind: AccessKind): number {
  const linear = linearAddress(cpu, segmentNumber(cpu.argumentLow(1)), cpu.argument(0), EXTENDED, kind === WRITE);
  if (linear % ALIGNMENT !== 0) throw fault(`the XSAVE area is not aligned on ${ALIGNMENT} bytes`);
  probe(cpu, linear, EXTENDED, kind);
  return linear;
}
/** So may these components. */
function probeAll(cpu: Processor, area: number, mask: number, places: ReadonlyMap<Component, number>, kind: AccessKind): void {
  for (const [c, offset] of places) {
    if (c.bytes === 0 || !isIn(mask, c)) continue;
    linearAddress(cpu, segmentNumber(cpu.argumentLow(1)), cpu.argument(0) + offset, c.bytes, kind === WRITE);
    probe(cpu, area + offset, c.bytes, kind);
  }
}
function saveAll(cpu: Processor, area: number, mask: number, places: ReadonlyMap<Component, number>): void {
  for (const [c, offset] of places) if (isIn(mask, c)) c.save(cpu, area + offset, wide(cpu));
}

/** XSAVE writes what is in its initial configuration too; XSAVEOPT does not. That nothing has changed since XRSTOR it need not notice. */
const saveStandard = (optimized: boolean): Operation => (cpu) => {
  demandAvailable(cpu);
  const mask = requested(cpu), area = areaAt(cpu, WRITE), { at } = layout(mask, false), used = inUse(cpu), saved = optimized ? mask & used : mask;
  probeAll(cpu, area, mask, at, WRITE);
  saveAll(cpu, area, saved, at);
  if (mask & (SSE | AVX)) saveMxcsr(cpu, area);
  write32(cpu, area + XSTATE_BV, (read32(cpu, area + XSTATE_BV) & ~mask) | (used & mask));
};

/** "XINUSE[1] pertains only to the state of the XMM registers and not to MXCSR": SSE state counts as used when either is. */
const inUseWithMxcsr = (cpu: Processor): number => inUse(cpu) | (cpu.low(S.mxcsr) !== MXCSR_INITIAL ? SSE : 0);

function saveCompacted(cpu: Processor): void {
  const mask = requested(cpu), area = areaAt(cpu, WRITE), { at } = layout(mask, true), saved = mask & inUseWithMxcsr(cpu);
  probeAll(cpu, area, mask, at, WRITE);
  saveAll(cpu, area, saved, at);
  if (saved & SSE) saveMxcsr(cpu, area);
  write32(cpu, area + XSTATE_BV, saved);
  write32(cpu, area + XSTATE_BV + 4, 0);
  write32(cpu, area + XCOMP_BV, mask);
  write32(cpu, area + XCOMP_BV + 4, COMPACTED);
}

interface Header { readonly low: number; readonly high: number }
function demandZeros(cpu: Processor, area: number, from: number, to: number): void {
  for (let at = from; at < to; at += 4) if (read32(cpu, area + at) !== 0) throw fault('a reserved byte of the XSAVE header is not 0');
}
const outside = ({ low, high }: Header, mask: number): boolean => high !== 0 || (low & ~mask) !== 0;

/** `enabled`: XCR0, with IA32_XSS for XRSTORS. */
function restore(cpu: Processor, enabled: number, onlyCompacted: boolean): void {
  const mask = enabled & cpu.reg32(RAX), area = areaAt(cpu, READ), header = (at: number): Header => ({ low: read32(cpu, area + at), high: read32(cpu, area + at + 4) });
  const state = header(XSTATE_BV), { low, high } = header(XCOMP_BV), compacted = (high & COMPACTED) !== 0, format = { low, high: high & ~COMPACTED };
  if (compacted) {
    if (!cpu.features.has('XSAVEC') && !onlyCompacted) throw fault('the compacted format needs XSAVEC');
    if (outside(format, enabled)) throw fault('XCOMP_BV has a component that is not enabled');
    if (outside(state, low)) throw fault('XSTATE_BV has a component that XCOMP_BV has not');
    demandZeros(cpu, area, RESERVED, EXTENDED);
  } else {
    if (onlyCompacted) throw fault('XRSTORS restores the compacted format only');
    if (outside(state, enabled)) throw fault('XSTATE_BV has a component that is not enabled');
    demandZeros(cpu, area, XCOMP_BV, RESERVED + 8);
  }
  const loaded = mask & state.low, { at } = compacted ? layout(low, true) : layout(mask, false);
  probeAll(cpu, area, compacted ? low & mask : mask, at, READ);
  // The standard form loads MXCSR with either, whatever XSTATE_BV says; in the compacted format it is part of SSE state.
  const mxcsr = (compacted ? loaded & SSE : mask & (SSE | AVX)) !== 0 ? savedMxcsr(cpu, area) : (mask & SSE) !== 0 ? MXCSR_INITIAL : undefined;
  for (const c of COMPONENTS) if (isIn(loaded, c)) c.restore(cpu, area + at.get(c)!, wide(cpu)); else if (isIn(mask, c)) c.initialize(cpu);
  if (mxcsr !== undefined) setMxcsr(cpu, mxcsr);
}

/** XSAVES and XRSTORS: IA32_XSS has no bits, so that supervisor components add none to XCR0's. */
const supervisor = (name: string, act: (cpu: Processor) => void): Operation => (cpu) => {
  demandXsave(cpu);
  leaveIf(cpu.intercepts.instruction(cpu, name));
  demandAvailable(cpu);
  demandLevel0(cpu, name);
  act(cpu);
};
const available = (act: (cpu: Processor) => void): Operation => (cpu) => {
  demandAvailable(cpu);
  act(cpu);
};

export const XSAVE_OPERATIONS: Operations = {
  XGETBV: xgetbv, XSETBV: xsetbv,
  XSAVE: saveStandard(false), XSAVEOPT: saveStandard(true), XSAVEC: available(saveCompacted),
  XRSTOR: available((cpu) => restore(cpu, cpu.low(S.xcr0), false)),
  XSAVES: supervisor('XSAVES', saveCompacted), XRSTORS: supervisor('XRSTORS', (cpu) => restore(cpu, cpu.low(S.xcr0), true)),
};
