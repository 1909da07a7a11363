/** Which features a processor has: by levels of the x86-64 psABI, or all; and single ones more or less. System V Application Binary Interface, "Architecture Levels". */
import { FEATURES } from './cpuid.js';

const LEVEL_2 = ['CX16', 'LAHF', 'POPCNT', 'SSE3', 'SSSE3', 'SSE4.1', 'SSE4.2'];
const LEVEL_3 = ['AVX', 'AVX2', 'BMI1', 'BMI2', 'F16C', 'FMA', 'LZCNT', 'MOVBE', 'XSAVE'];
/** Extensions for programs that are of no level. What only systems use is in all of them. */
const BEYOND = ['AES', 'PCLMULQDQ', 'SHA', 'ADX', 'RDRAND', 'RDSEED', 'RDPID', 'CLFLUSHOPT', 'CLWB', 'PREFETCHW', 'MONITOR', 'FSGSBASE', 'RDTSCP', 'PKU'];

/** What a feature cannot be without. SDM Vol. 1, "Checking for …". */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  SSE: ['FXSR'], SSE2: ['SSE'], SSE3: ['SSE2'], SSSE3: ['SSE3'], 'SSE4.1': ['SSSE3'], 'SSE4.2': ['SSE4.1', 'POPCNT'], AES: ['SSE2'], PCLMULQDQ: ['SSE2'], SHA: ['SSE2'],
  XSAVE: ['FXSR'], XSAVEOPT: ['XSAVE'], XSAVEC: ['XSAVE'], XGETBV1: ['XSAVE'], XSAVES: ['XSAVEC'], AVX: ['XSAVE', 'SSE4.2'], AVX2: ['AVX'], FMA: ['AVX'], F16C: ['AVX'], PKU: ['XSAVE', 'LM'],
  MMX: ['FPU'], FXSR: ['MMX'], CMOV: ['FPU'], LM: ['PAE', 'SSE2', 'SYSCALL', 'NX', 'CX8', 'MSR'], NX: ['PAE'], SYSCALL: ['MSR'], PDPE1GB: ['LM'], PCID: ['LM'], FSGSBASE: ['LM'], CX16: ['LM'],
  x2APIC: ['APIC', 'MSR'], 'TSC-Deadline': ['APIC', 'TSC', 'MSR'], TSC_ADJUST: ['TSC', 'MSR'], RDTSCP: ['TSC', 'MSR'], InvariantTSC: ['TSC'], SEP: ['MSR'], MTRR: ['MSR'], PAT: ['MSR'],
  'PSE-36': ['PSE'], VMX: ['LM', 'MTRR'], INVPCID: ['PCID'], RDPID: ['MSR'], IBRS: ['MSR'], ARCH_CAPABILITIES: ['MSR'], MCA: ['MCE', 'MSR'],
};

/** With the feature, and with all that it needs. */
export function withFeature(features: ReadonlySet<string>, name: string): ReadonlySet<string> {
  return (NEEDS[name] ?? []).reduce(withFeature, new Set([...features, name]));
}
/** Without the feature, and without all that need it. */
export function withoutFeature(features: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const left = new Set([...features].filter((each) => each !== name));
  return [...left].filter((each) => NEEDS[each]?.includes(name)).reduce(withoutFeature, left as ReadonlySet<string>);
}

const without = (...groups: readonly (readonly string[])[]): ReadonlySet<string> => groups.flat().reduce(withoutFeature, FEATURES);
export const MODELS: Readonly<Record<string, ReadonlySet<string>>> = {
  max: FEATURES, 'x86-64-v3': without(BEYOND), 'x86-64-v2': without(BEYOND, LEVEL_3), 'x86-64-v1': without(BEYOND, LEVEL_3, LEVEL_2),
};
