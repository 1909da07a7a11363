/** The processor after power-up. SDM Vol. 3, "Processor State After Reset". */
import { cpuid, FEATURES } from './cpuid.js';
import { DR6_FIXED, DR7_FIXED, dr } from './debug-registers.js';
import { setRflags } from './flags.js';
import { CS, DS, ES, FS, GS, LDTR, S, SS, TR } from './layout.js';
import { ACTIVITY, CR0 } from './modes.js';
import { allMsrs } from './msrs.js';
import type { Processor } from './processor.js';
import { REAL_ATTRIBUTES, setSegment } from './segments.js';

const RESET_LDTR = 0x82, RESET_TR = 0x8b;
const MXCSR_RESET = 0x1f80, MXCSR_MASK = 0xffff;
const FCW_RESET = 0x40, FTW_ZEROS = 0xff;
const APIC_BASE_RESET = 0xfee00000, APIC_BASE_BSP = 0x100, APIC_BASE_ENABLE = 0x800;
const RDX = 2;

/** All state of the processor, and no translation is left. */
export function resetProcessor(cpu: Processor, features: ReadonlySet<string> = FEATURES): void {
  cpu.features = features;
  cpu.u8.fill(0, S.gpr, S.codePage);
  cpu.u8.fill(0, S.segments, S.end);
  setRflags(cpu, 2);
  cpu.rip = 0xfff0;
  cpu.nextRip = 0xfff0;
  cpu.cr0 = (CR0.CD | CR0.NW | CR0.ET) >>> 0;
  for (const index of [ES, SS, DS, FS, GS]) setSegment(cpu, index, 0, 0, 0xffff, REAL_ATTRIBUTES);
  setSegment(cpu, CS, 0xf000, 0xffff0000, 0xffff, REAL_ATTRIBUTES);
  setSegment(cpu, LDTR, 0, 0, 0xffff, RESET_LDTR);
  setSegment(cpu, TR, 0, 0, 0xffff, RESET_TR);
  cpu.u32[S.gdtrLimit >> 2] = 0xffff;
  cpu.u32[S.idtrLimit >> 2] = 0xffff;
  cpu.set(dr(6), DR6_FIXED, 0);
  cpu.set(dr(7), DR7_FIXED, 0);
  cpu.set(S.xcr0, 1, 0);
  cpu.set(S.apicBase, APIC_BASE_RESET | (cpu.id === 0 ? APIC_BASE_BSP : 0) | (features.has('APIC') ? APIC_BASE_ENABLE : 0), 0);
  cpu.u32[S.mxcsr >> 2] = MXCSR_RESET;
  cpu.u32[S.mxcsrMask >> 2] = MXCSR_MASK;
  cpu.u32[S.fcw >> 2] = FCW_RESET;
  cpu.u32[S.ftw >> 2] = FTW_ZEROS;
  cpu.i32[S.a20Mask >> 2] = -1;
  for (const msr of allMsrs(cpu)) if (msr.field !== undefined && msr.reset !== undefined) cpu.setBig(msr.field, msr.reset);
  cpu.setBig(S.vmxonPointer, -1n);
  cpu.setBig(S.currentVmcs, -1n);
  cpu.setReg32(RDX, cpuid(cpu, 1, 0).eax);
  cpu.activity = ACTIVITY.active;
  cpu.delivering = undefined;
  cpu.autopsy = [];
  cpu.mmu.reset();
  cpu.modeChanged();
}

/** What INIT leaves alone: model-specific registers, the state of x87 and SSE, and a start-up message that came after it. */
const KEPT: readonly (readonly [number, number])[] = [[S.xcr0, S.xcr0 + 8], [S.star, S.interruptibility], [S.pendingStartUp, S.pendingStartUp + 4], [S.a20Mask, S.vmxOn], [S.mxcsr, S.end]];

/** SDM Vol. 3, "Processor State After Reset": the column of INIT. Others than the bootstrap processor then wait for a start-up message. */
export function initializeProcessor(cpu: Processor): void {
  const kept = KEPT.map(([from, to]) => cpu.u8.slice(from, to)), caching = cpu.cr0 & (CR0.CD | CR0.NW);
  resetProcessor(cpu, cpu.features);
  KEPT.forEach(([from], n) => { cpu.u8.set(kept[n]!, from); });
  cpu.cr0 = (CR0.ET | caching) >>> 0;
  cpu.setBig(S.debugControl, 0n);
  cpu.localApic.initialize();
  cpu.modeChanged();
  if (cpu.low(S.apicBase) & APIC_BASE_BSP) cpu.restart();
  else cpu.activity = ACTIVITY.waitForSipi;
}

/** A start-up message: real-address mode at the page that its vector names. */
export function startProcessor(cpu: Processor, vector: number): void {
  setSegment(cpu, CS, vector << 8, vector << 12, 0xffff, REAL_ATTRIBUTES);
  cpu.rip = 0;
  cpu.nextRip = 0;
  cpu.activity = ACTIVITY.active;
  cpu.modeChanged();
}
