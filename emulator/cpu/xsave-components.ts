/** State components, and XCR0, which says which of them are enabled. SDM Vol. 1, "XSAVE-Supported Features and State-Component Bitmaps", "The XSAVE-Managed Features and State Components"; Vol. 2, "CPUID—CPU Identification". */
import { clearVectors, IMAGE, restoreVectors, restoreX87, saveVectors, saveX87, vectorsInUse } from './float-state.js';
import { read32, write32 } from '../paging/access.js';
import { S } from './layout.js';
import { setPkru } from './protection-keys.js';
import type { Processor } from './processor.js';
import { INITIAL_FCW, initializeX87 } from './x87-control.js';

export interface Component {
  readonly name: string;
  /** Its number in bitmaps. */
  readonly bit: number;
  /** CPUID feature without which it does not exist. */
  readonly feature: string;
  /** Where it lies in the standard format. */
  readonly offset: number;
  readonly bytes: number;
  /** XINUSE: whether it is in another than its initial configuration. */
  inUse(cpu: Processor): boolean;
  /** Linear addresses. `wide`: with REX.W, which concerns x87 state alone. */
  save(cpu: Processor, at: number, wide: boolean): void;
  restore(cpu: Processor, at: number, wide: boolean): void;
  initialize(cpu: Processor): void;
}

export const LEGACY_BYTES = 512, HEADER_BYTES = 64, EXTENDED = LEGACY_BYTES + HEADER_BYTES;
export const X87 = 1, SSE = 2, AVX = 4;

function x87InUse(cpu: Processor): boolean {
  if (cpu.low(S.fcw) !== INITIAL_FCW || [S.fsw, S.ftw, S.fop, S.fcs, S.fds, S.fip, S.fip + 4, S.fdp, S.fdp + 4].some((at) => cpu.low(at) !== 0)) return true;
  return cpu.u32.subarray(S.x87 >> 2, S.ymm >> 2).some((word) => word !== 0);
}

/** Those below number 2 share the legacy region, and MXCSR belongs to both SSE and AVX: cpu/xsave.ts sees to it. */
export const COMPONENTS: readonly Component[] = [
  { name: 'x87', bit: 0, feature: 'FPU', offset: 0, bytes: 0, inUse: x87InUse, save: saveX87, restore: restoreX87,
    initialize(cpu) { initializeX87(cpu); cpu.u8.fill(0, S.x87, S.ymm); } },
  { name: 'SSE', bit: 1, feature: 'SSE', offset: IMAGE.xmm, bytes: 0, inUse: (cpu) => vectorsInUse(cpu, 0), save: (cpu, at) => saveVectors(cpu, at, 0),
    restore: (cpu, at) => restoreVectors(cpu, at, 0), initialize: (cpu) => clearVectors(cpu, 0) },
  { name: 'AVX', bit: 2, feature: 'AVX', offset: EXTENDED, bytes: 256, inUse: (cpu) => vectorsInUse(cpu, 1), save: (cpu, at) => saveVectors(cpu, at, 1),
    restore: (cpu, at) => restoreVectors(cpu, at, 1), initialize: (cpu) => clearVectors(cpu, 1) },
  { name: 'PKRU', bit: 9, feature: 'PKU', offset: 2688, bytes: 8, inUse: (cpu) => cpu.low(S.pkru) !== 0,
    save(cpu, at) { write32(cpu, at, cpu.low(S.pkru)); write32(cpu, at + 4, 0); },
    restore(cpu, at) { setPkru(cpu, read32(cpu, at)); }, initialize(cpu) { setPkru(cpu, 0); } },
];

export const isIn = (mask: number, { bit }: Component): boolean => (mask >>> bit & 1) !== 0;
/** Bits that XCR0 may have. IA32_XSS may have none. */
export const supported = (cpu: Processor): number => COMPONENTS.reduce((mask, { bit, feature }) => (cpu.features.has(feature) ? mask | 1 << bit : mask), 0);
/** XINUSE. */
export const inUse = (cpu: Processor): number => COMPONENTS.reduce((mask, c) => (c.inUse(cpu) ? mask | 1 << c.bit : mask), 0);

/** Where each extended component lies, and where the area ends. The compacted format has those of the bitmap, one behind the other. */
export function layout(mask: number, compacted: boolean): { readonly at: ReadonlyMap<Component, number>; readonly bytes: number } {
  const at = new Map<Component, number>();
  let bytes = EXTENDED;
  for (const c of COMPONENTS) {
    if (c.bytes === 0) at.set(c, c.offset);
    else if (isIn(mask, c)) {
      const offset = compacted ? bytes : c.offset;
      at.set(c, offset);
      bytes = offset + c.bytes;
    }
  }
  return { at, bytes };
}

/** Leaf 0DH. */
export function stateLeaf(cpu: Processor, subleaf: number): { readonly eax: number; readonly ebx: number; readonly ecx: number; readonly edx: number } {
  const mask = supported(cpu), component = COMPONENTS.find(({ bit, bytes }) => bit === subleaf && bytes > 0), none = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  if (!cpu.features.has('XSAVE')) return none;
  if (subleaf === 0) return { eax: mask, ebx: layout(cpu.low(S.xcr0), false).bytes, ecx: layout(mask, false).bytes, edx: 0 };
  if (subleaf === 1) return { ...none, ebx: cpu.features.has('XSAVEC') || cpu.features.has('XSAVES') ? layout(cpu.low(S.xcr0), true).bytes : 0 };
  return component && isIn(mask, component) ? { ...none, eax: component.bytes, ebx: component.offset } : none;
}
