/** Model-specific registers as one table. SDM Vol. 4, "Model-Specific Registers (MSRs)". */
import { MAXPHYADDR } from '../paging/capabilities.js';
import { writeEfer } from './control-registers.js';
import { BTF } from './debug-registers.js';
import { Exception, VECTORS } from './events.js';
import { FS, GS, S, SEGMENT, segment } from './layout.js';
import type { Processor } from './processor.js';

export interface Msr {
  readonly index: number;
  readonly name: string;
  /** CPUID feature without which it does not exist. */
  readonly feature?: string;
  /** Where the state holds it, and its value after reset (0 when absent). */
  readonly field?: number;
  readonly reset?: bigint;
  read(cpu: Processor): bigint;
  /** Throws #GP(0) when the value is not allowed. Absent: read-only. */
  readonly write?: (cpu: Processor, value: bigint) => void;
}

const U32 = 0xffffffffn;
const fault = (why: string): Exception => new Exception(VECTORS['#GP'], 0, 0, why);
const canonical64 = (value: bigint): boolean => BigInt.asIntN(48, value) === BigInt.asIntN(64, value);
const PHYSICAL = (1n << BigInt(MAXPHYADDR)) - 1n;

type Allowed = (value: bigint, cpu: Processor) => boolean;
const bits = (mask: bigint): Allowed => (value) => (value & ~mask) === 0n;
const any: Allowed = () => true;

/** A register kept in a field of the state. */
const kept = (index: number, name: string, field: number, allowed: Allowed = any, more: { reset?: bigint; feature?: string } = {}): Msr => ({
  index, name, field, ...more,
  read: (cpu) => cpu.big(field),
  write(cpu, value) {
    if (!allowed(value, cpu)) throw fault(`${name}: 0x${value.toString(16)} is not allowed`);
    cpu.setBig(field, value);
  },
});
const constant = (index: number, name: string, value: bigint, feature?: string): Msr =>
  ({ index, name, ...(feature ? { feature } : {}), read: () => value });
/** Commands: written, they do nothing that can be seen here. */
const command = (index: number, name: string, mask: bigint, feature: string): Msr => ({
  index, name, feature,
  read() { throw fault(`${name} is write-only`); },
  write(_cpu, value) { if (value & ~mask) throw fault(`${name}: 0x${value.toString(16)} is not allowed`); },
});

/** SDM Vol. 3, "Memory Types": 2, 3 are not defined for MTRRs; 7 (UC-) only in the PAT. */
const memoryType = (type: bigint): boolean => type === 0n || type === 1n || (type >= 4n && type <= 6n);
const eachByte = (value: bigint, test: (byte: bigint) => boolean): boolean => {
  for (let i = 0n; i < 64n; i += 8n) if (!test((value >> i) & 0xffn)) return false;
  return true;
};
const VARIABLE_RANGES = 8;
const FIXED_RANGES: readonly (readonly [number, string])[] = [
  [0x250, '64K_00000'], [0x258, '16K_80000'], [0x259, '16K_A0000'],
  ...['C0000', 'C8000', 'D0000', 'D8000', 'E0000', 'E8000', 'F0000', 'F8000'].map((at, i) => [0x268 + i, `4K_${at}`] as const),
];
const MTRR_MSRS: readonly Msr[] = [
  constant(0xfe, 'IA32_MTRRCAP', 0x500n + BigInt(VARIABLE_RANGES), 'MTRR'),
  ...Array.from({ length: VARIABLE_RANGES }, (_, n) => [
    kept(0x200 + 2 * n, `IA32_MTRR_PHYSBASE${n}`, S.mtrrVariable + 16 * n, (v) => (v & ~PHYSICAL) === 0n && (v & 0xf00n) === 0n && memoryType(v & 0xffn), { feature: 'MTRR' }),
    kept(0x201 + 2 * n, `IA32_MTRR_PHYSMASK${n}`, S.mtrrVariable + 16 * n + 8, bits(PHYSICAL & ~0x7ffn), { feature: 'MTRR' }),
  ]).flat(),
  ...FIXED_RANGES.map(([index, at], n) => kept(index, `IA32_MTRR_FIX${at}`, S.mtrrFixed + 8 * n, (v) => eachByte(v, memoryType), { feature: 'MTRR' })),
  kept(0x2ff, 'IA32_MTRR_DEF_TYPE', S.mtrrDefType, (v) => (v & ~0xcffn) === 0n && memoryType(v & 0xffn), { feature: 'MTRR' }),
];

/** The microcode revision that IA32_BIOS_SIGN_ID shows: one of this model without known errors, by which kernels judge it. */
const MICROCODE_REVISION = 0x200_7006n;
/** The time-stamp counter with IA32_TSC_ADJUST, without a hypervisor's offset. */
export const adjustedTsc = (cpu: Processor): bigint => cpu.readTsc() + cpu.big(S.tscAdjust);
/** The time-stamp counter as the program sees it. */
export const timeStampCounter = (cpu: Processor): bigint => BigInt.asUintN(64, cpu.intercepts.readTsc(cpu, adjustedTsc(cpu)));

function adjustTsc(cpu: Processor, adjustment: bigint): void {
  cpu.setBig(S.tscAdjust, adjustment);
  cpu.localApic.timer.tscChanged();
}

const FEATURE_CONTROL_LOCK = 1n;

const base = (index: number, name: string, at: number): Msr => kept(index, name, at, canonical64, { feature: 'LM' });

/** Nothing here speculates: IBRS_ALL and all that says "not affected". SDM Vol. 4, "IA32_ARCH_CAPABILITIES". */
const ARCH_CAPABILITIES = [0, 1, 3, 4, 5, 6, 8, 13, 14, 15, 20, 24, 26, 27, 62].reduce((all, bit) => all | (1n << BigInt(bit)), 0n);

export const MSRS: readonly Msr[] = [
  { index: 0x10, name: 'IA32_TIME_STAMP_COUNTER', read: timeStampCounter,
    write: (cpu, value) => { adjustTsc(cpu, BigInt.asUintN(64, value - cpu.readTsc())); } },
  constant(0x17, 'IA32_PLATFORM_ID', 0n),
  kept(0x3a, 'IA32_FEATURE_CONTROL', S.featureControl,
    (v, cpu) => (cpu.big(S.featureControl) & FEATURE_CONTROL_LOCK) === 0n && (v & ~0x7n) === 0n, { feature: 'VMX' }),
  { index: 0x3b, name: 'IA32_TSC_ADJUST', field: S.tscAdjust, feature: 'TSC_ADJUST', read: (cpu) => cpu.big(S.tscAdjust), write: adjustTsc },
  kept(0x48, 'IA32_SPEC_CTRL', S.spareMsrs, bits(0x7n), { feature: 'IBRS' }),
  command(0x49, 'IA32_PRED_CMD', 1n, 'IBRS'),
  command(0x79, 'IA32_BIOS_UPDT_TRIG', (1n << 64n) - 1n, 'MSR'),
  { index: 0x8b, name: 'IA32_BIOS_SIGN_ID', read: () => MICROCODE_REVISION << 32n, write: () => undefined },
  constant(0x10a, 'IA32_ARCH_CAPABILITIES', ARCH_CAPABILITIES, 'ARCH_CAPABILITIES'),
  kept(0x174, 'IA32_SYSENTER_CS', S.sysenterCs, bits(U32)),
  kept(0x175, 'IA32_SYSENTER_ESP', S.sysenterEsp, canonical64),
  kept(0x176, 'IA32_SYSENTER_EIP', S.sysenterEip, canonical64),
  constant(0x179, 'IA32_MCG_CAP', 0n, 'MCA'),
  kept(0x17a, 'IA32_MCG_STATUS', S.spareMsrs + 8, (v) => v === 0n, { feature: 'MCA' }),
  kept(0x1a0, 'IA32_MISC_ENABLE', S.miscEnable, bits(0x1841889n | (1n << 34n)), { reset: 0x41801n }),
  kept(0x1d9, 'IA32_DEBUGCTL', S.debugControl, bits(BigInt(BTF))),
  ...MTRR_MSRS,
  kept(0xda0, 'IA32_XSS', S.xss, bits(0n), { feature: 'XSAVES' }),
  kept(0x277, 'IA32_PAT', S.pat, (v) => eachByte(v, (type) => memoryType(type) || type === 7n), { reset: 0x0007040600070406n, feature: 'PAT' }),
  { index: 0xc0000080, name: 'IA32_EFER', field: S.efer, feature: 'LM', read: (cpu) => cpu.big(S.efer),
    write: (cpu, value) => writeEfer(cpu, Number(value & U32), Number(value >> 32n)) },
  kept(0xc0000081, 'IA32_STAR', S.star, any, { feature: 'LM' }),
  base(0xc0000082, 'IA32_LSTAR', S.lstar),
  base(0xc0000083, 'IA32_CSTAR', S.cstar),
  kept(0xc0000084, 'IA32_FMASK', S.sfmask, bits(U32), { feature: 'LM' }),
  base(0xc0000100, 'IA32_FS_BASE', segment(FS) + SEGMENT.base),
  base(0xc0000101, 'IA32_GS_BASE', segment(GS) + SEGMENT.base),
  base(0xc0000102, 'IA32_KERNEL_GS_BASE', S.kernelGsBase),
  kept(0xc0000103, 'IA32_TSC_AUX', S.tscAux, bits(U32), { feature: 'RDTSCP' }),
];

const BY_INDEX = new Map(MSRS.map((msr) => [msr.index, msr]));

/** vmx/ and devices add theirs. */
export function registerMsrs(cpu: Processor, msrs: readonly Msr[]): void {
  for (const msr of msrs) {
    if (BY_INDEX.has(msr.index) || cpu.msrs.has(msr.index)) throw new Error(`MSR 0x${msr.index.toString(16)} (${msr.name}) is defined twice`);
    cpu.msrs.set(msr.index, msr);
  }
}
export function findMsr(cpu: Processor, index: number): Msr | undefined {
  const msr = BY_INDEX.get(index) ?? cpu.msrs.get(index);
  return msr?.feature === undefined || cpu.features.has(msr.feature) ? msr : undefined;
}
/** All that this processor has, by index. */
export const allMsrs = (cpu: Processor): Msr[] =>
  [...BY_INDEX.keys(), ...cpu.msrs.keys()].sort((a, b) => a - b).flatMap((index) => findMsr(cpu, index) ?? []);

function existing(cpu: Processor, index: number): Msr {
  const msr = findMsr(cpu, index);
  if (!msr) throw fault(`there is no MSR 0x${index.toString(16)}`);
  return msr;
}
/** RDMSR and WRMSR without intercepts; #GP(0) when there is no such MSR or the value is wrong. */
export const readMsr = (cpu: Processor, index: number): bigint => BigInt.asUintN(64, existing(cpu, index).read(cpu));
export function writeMsr(cpu: Processor, index: number, value: bigint): void {
  const msr = existing(cpu, index);
  if (!msr.write) throw fault(`${msr.name} is read-only`);
  msr.write(cpu, value);
}
