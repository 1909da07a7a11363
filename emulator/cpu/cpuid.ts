/** What the processor says it is. SDM Vol. 2, "CPUID—CPU Identification". */
import { MAXPHYADDR } from '../paging/capabilities.js';
import { S } from './layout.js';
import { ENABLE_MONITOR, MONITOR_LINE } from './monitor.js';
import { CR4 } from './modes.js';
import type { Processor } from './processor.js';
import { stateLeaf } from './xsave-components.js';

export interface CpuidResult { readonly eax: number; readonly ebx: number; readonly ecx: number; readonly edx: number }
type Register = keyof CpuidResult;

/** Where CPUID shows each feature: leaf, register, bit, and the subleaf where that is not 0. The names are the manual's. */
const FEATURE_BITS: Readonly<Record<string, readonly [leaf: number, register: Register, bit: number, subleaf?: number]>> = {
  FPU: [1, 'edx', 0], VME: [1, 'edx', 1], DE: [1, 'edx', 2], PSE: [1, 'edx', 3], TSC: [1, 'edx', 4], MSR: [1, 'edx', 5], PAE: [1, 'edx', 6],
  MCE: [1, 'edx', 7], CX8: [1, 'edx', 8], APIC: [1, 'edx', 9], SEP: [1, 'edx', 11], MTRR: [1, 'edx', 12], PGE: [1, 'edx', 13],
  MCA: [1, 'edx', 14], CMOV: [1, 'edx', 15], PAT: [1, 'edx', 16], 'PSE-36': [1, 'edx', 17], CLFSH: [1, 'edx', 19], MMX: [1, 'edx', 23],
  FXSR: [1, 'edx', 24], SSE: [1, 'edx', 25], SSE2: [1, 'edx', 26],
  SSE3: [1, 'ecx', 0], PCLMULQDQ: [1, 'ecx', 1], MONITOR: [1, 'ecx', 3], VMX: [1, 'ecx', 5], SMX: [1, 'ecx', 6], SSSE3: [1, 'ecx', 9], FMA: [1, 'ecx', 12],
  CX16: [1, 'ecx', 13], PCID: [1, 'ecx', 17], 'SSE4.1': [1, 'ecx', 19], 'SSE4.2': [1, 'ecx', 20], x2APIC: [1, 'ecx', 21], MOVBE: [1, 'ecx', 22],
  POPCNT: [1, 'ecx', 23], 'TSC-Deadline': [1, 'ecx', 24], AES: [1, 'ecx', 25], XSAVE: [1, 'ecx', 26], AVX: [1, 'ecx', 28], F16C: [1, 'ecx', 29], RDRAND: [1, 'ecx', 30],
  FSGSBASE: [7, 'ebx', 0], TSC_ADJUST: [7, 'ebx', 1], BMI1: [7, 'ebx', 3], AVX2: [7, 'ebx', 5], SMEP: [7, 'ebx', 7], BMI2: [7, 'ebx', 8], ERMS: [7, 'ebx', 9],
  INVPCID: [7, 'ebx', 10], RDSEED: [7, 'ebx', 18], ADX: [7, 'ebx', 19], SMAP: [7, 'ebx', 20], CLFLUSHOPT: [7, 'ebx', 23], CLWB: [7, 'ebx', 24], SHA: [7, 'ebx', 29],
  UMIP: [7, 'ecx', 2], PKU: [7, 'ecx', 3], LA57: [7, 'ecx', 16], RDPID: [7, 'ecx', 22], IBRS: [7, 'edx', 26], ARCH_CAPABILITIES: [7, 'edx', 29],
  XSAVEOPT: [0xd, 'eax', 0, 1], XSAVEC: [0xd, 'eax', 1, 1], XGETBV1: [0xd, 'eax', 2, 1], XSAVES: [0xd, 'eax', 3, 1],
  LAHF: [0x80000001, 'ecx', 0], LZCNT: [0x80000001, 'ecx', 5], PREFETCHW: [0x80000001, 'ecx', 8], SYSCALL: [0x80000001, 'edx', 11],
  NX: [0x80000001, 'edx', 20], PDPE1GB: [0x80000001, 'edx', 26], RDTSCP: [0x80000001, 'edx', 27], LM: [0x80000001, 'edx', 29],
  InvariantTSC: [0x80000007, 'edx', 8],
};
export type FeatureName = keyof typeof FEATURE_BITS;
export const ALL_FEATURES: readonly string[] = Object.keys(FEATURE_BITS);

/** What this emulator implements: it decides what CPUID says and which instructions are #UD. */
export const FEATURES: ReadonlySet<string> = new Set([
  'FPU', 'VME', 'DE', 'PSE', 'TSC', 'MSR', 'PAE', 'MCE', 'CX8', 'APIC', 'SEP', 'MTRR', 'PGE', 'MCA', 'CMOV', 'PAT', 'PSE-36', 'CLFSH', 'MMX', 'FXSR', 'SSE', 'SSE2',
  'SSE3', 'SSSE3', 'SSE4.1', 'SSE4.2', 'AES', 'PCLMULQDQ', 'SHA', 'XSAVE', 'XSAVEOPT', 'XSAVEC', 'XGETBV1', 'XSAVES',
  'AVX', 'AVX2', 'FMA', 'F16C',
  'VMX', 'CX16', 'PCID', 'x2APIC', 'POPCNT', 'TSC-Deadline', 'FSGSBASE', 'TSC_ADJUST', 'SMEP', 'SMAP', 'INVPCID', 'UMIP', 'IBRS', 'ARCH_CAPABILITIES',
  'LZCNT', 'BMI1', 'BMI2', 'MOVBE', 'ADX', 'RDRAND', 'RDSEED', 'RDPID', 'CLFLUSHOPT', 'CLWB', 'MONITOR', 'PREFETCHW', 'PKU', 'LAHF', 'SYSCALL', 'NX', 'PDPE1GB', 'RDTSCP', 'LM', 'InvariantTSC',
]);

/** Family 6, model 55H, stepping 4: a server of the Skylake generation, whose VT-x is the model here. */
const SIGNATURE = 0x50654;
const VENDOR = 'GenuineIntel';
const BRAND = 'Ringside x86-64 Processor';
const MAX_BASIC = 0x16, MAX_EXTENDED = 0x80000008;
const LINEAR_ADDRESS_BITS = 48, CLFLUSH_BYTES = 64;
const NONE: CpuidResult = { eax: 0, ebx: 0, ecx: 0, edx: 0 };

const word = (text: string, at: number): number => [0, 1, 2, 3].reduce((w, i) => w | ((text.charCodeAt(at + i) || 0) << (8 * i)), 0) >>> 0;

/** Leaf 4: type (1 data, 2 instruction, 3 unified), level, ways, sets; lines of 64 bytes. */
const CACHES: readonly (readonly [number, number, number, number])[] = [[1, 1, 8, 64], [2, 1, 4, 128], [3, 2, 8, 512], [3, 3, 16, 8192]];
function cache(subleaf: number): CpuidResult {
  const it = CACHES[subleaf];
  if (!it) return NONE;
  const [type, level, ways, sets] = it;
  return { eax: type | (level << 5) | (1 << 8), ebx: (((ways - 1) << 22) | (CLFLUSH_BYTES - 1)) >>> 0, ecx: sets - 1, edx: 0 };
}

const HTT = 1 << 28;
/** Bits of an APIC ID that tell processors of a package apart. */
const packageBits = (cpu: Processor): number => Math.ceil(Math.log2(cpu.packageProcessors));

/** Leaf 0BH: the levels are threads, of which a core has one, and cores. */
function topology(cpu: Processor, level: number): CpuidResult {
  const levels = [{ shift: 0, processors: 1, type: 1 }, { shift: packageBits(cpu), processors: cpu.packageProcessors, type: 2 }], it = levels[level];
  return { eax: it?.shift ?? 0, ebx: it?.processors ?? 0, ecx: (level & 0xff) | ((it?.type ?? 0) << 8), edx: cpu.id };
}

function fixed(cpu: Processor, leaf: number, subleaf: number): CpuidResult {
  switch (leaf) {
    case 0: return { eax: MAX_BASIC, ebx: word(VENDOR, 0), edx: word(VENDOR, 4), ecx: word(VENDOR, 8) };
    case 1: return { ...NONE, eax: SIGNATURE, ebx: ((CLFLUSH_BYTES / 8) << 8) | (2 ** packageBits(cpu) << 16) | (cpu.id << 24), edx: cpu.packageProcessors > 1 ? HTT : 0 };
    case 2: return { ...NONE, eax: 0x00feff01, edx: 0 };
    case 4: {
      const it = cache(subleaf);
      return it === NONE ? it : { ...it, eax: it.eax | ((2 ** packageBits(cpu) - 1) << 26) };
    }
    case 5: return cpu.features.has('MONITOR') ? { eax: MONITOR_LINE, ebx: MONITOR_LINE, ecx: 3, edx: 0 } : NONE;
    case 0xb: return topology(cpu, subleaf);
    case 0xd: return stateLeaf(cpu, subleaf);
    case 0x15: return { eax: 1, ebx: 1, ecx: cpu.tscHz, edx: 0 };
    case 0x16: return { eax: cpu.tscHz / 1e6, ebx: cpu.tscHz / 1e6, ecx: 100, edx: 0 };
    case 0x80000000: return { ...NONE, eax: MAX_EXTENDED };
    case 0x80000002: case 0x80000003: case 0x80000004: {
      const at = (leaf - 0x80000002) * 16;
      return { eax: word(BRAND, at), ebx: word(BRAND, at + 4), ecx: word(BRAND, at + 8), edx: word(BRAND, at + 12) };
    }
    case 0x80000006: return { ...NONE, ecx: (256 << 16) | (6 << 12) | CLFLUSH_BYTES };
    case 0x80000008: return { ...NONE, eax: MAXPHYADDR | (LINEAR_ADDRESS_BITS << 8) };
    default: return NONE;
  }
}

const BY_LEAF = new Map<number, { name: string; register: Register; bit: number; subleaf: number }[]>();
for (const [name, [leaf, register, bit, subleaf = 0]] of Object.entries(FEATURE_BITS)) BY_LEAF.set(leaf, [...(BY_LEAF.get(leaf) ?? []), { name, register, bit, subleaf }]);
/** Leaves that look at ECX: others show their features whatever it is. */
const HAS_SUBLEAVES = new Set([7, 0xd]);

/** Features that CPUID shows only at times. */
const SOMETIMES: Readonly<Record<string, (cpu: Processor) => boolean>> = {
  SYSCALL: (cpu) => cpu.code64,
  MONITOR: (cpu) => (cpu.low(S.miscEnable) & ENABLE_MONITOR) !== 0,
  APIC: (cpu) => (cpu.low(S.apicBase) & 0x800) !== 0,
};
interface Shown { readonly always: CpuidResult; readonly sometimes: readonly { readonly register: Register; readonly mask: number; readonly when: (cpu: Processor) => boolean }[] }

/** What features show in a leaf: found once for each set of features, since hypervisors ask for it at every CPUID of their guests. */
const SHOWN = new WeakMap<ReadonlySet<string>, Map<number, Shown>>();
function shown(features: ReadonlySet<string>, leaf: number, subleaf: number): Shown {
  let leaves = SHOWN.get(features);
  if (!leaves) SHOWN.set(features, (leaves = new Map<number, Shown>()));
  const key = HAS_SUBLEAVES.has(leaf) ? leaf + (subleaf + 1) * 2 ** 32 : leaf;
  let found = leaves.get(key);
  if (!found) {
    const always = { ...NONE }, sometimes: Shown['sometimes'][number][] = [];
    for (const { name, register, bit, subleaf: at } of BY_LEAF.get(leaf) ?? []) {
      if ((at !== subleaf && HAS_SUBLEAVES.has(leaf)) || !features.has(name)) continue;
      const when = SOMETIMES[name];
      if (when) sometimes.push({ register, mask: 1 << bit, when });
      else always[register] = (always[register] | (1 << bit)) >>> 0;
    }
    leaves.set(key, (found = { always, sometimes }));
  }
  return found;
}

export function cpuid(cpu: Processor, leaf: number, subleaf: number): CpuidResult {
  const limit = leaf >= 0x80000000 ? MAX_EXTENDED : MAX_BASIC, asked = leaf > limit ? MAX_BASIC : leaf;
  const { eax, ebx, ecx, edx } = fixed(cpu, asked, subleaf), { always, sometimes } = shown(cpu.features, asked, subleaf);
  const result = { eax: (eax | always.eax) >>> 0, ebx: (ebx | always.ebx) >>> 0, ecx: (ecx | always.ecx) >>> 0, edx: (edx | always.edx) >>> 0 };
  for (const { register, mask, when } of sometimes) if (when(cpu)) result[register] = (result[register] | mask) >>> 0;
  if (asked === 7 && subleaf === 0 && cpu.cr4 & CR4.PKE) result.ecx = (result.ecx | (1 << 4)) >>> 0;
  if (asked === 1 && cpu.cr4 & CR4.OSXSAVE) result.ecx = (result.ecx | (1 << 27)) >>> 0;
  return result;
}
