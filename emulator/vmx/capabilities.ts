/** VMX capability MSRs. SDM Vol. 3D, "VMX Capability Reporting Facility". */
import { cr4Bits } from '../cpu/control-registers.js';
import type { Processor } from '../cpu/processor.js';
import type { Msr } from '../cpu/msrs.js';
import { capability, offered, type ControlFieldName, VM_FUNCTIONS_OFFERED } from './controls.js';
import { describe } from './vmcs-fields.js';
import { EXISTING_FIELDS, VMCS_REGION_BYTES, VMCS_REVISION } from './vmcs.js';

/** The timer counts down once every time this bit of the time-stamp counter changes. */
export const PREEMPTION_TIMER_SHIFT = 5;
export const MAX_CR3_TARGETS = 4;
/** Entries in an MSR area beyond which behaviour is undefined: 512 × (MISC[27:25] + 1). */
export const MAX_MSR_AREA_ENTRIES = 512;
/** Activity states that VM entry may load, besides active: HLT, shutdown, wait-for-SIPI. */
export const ACTIVITY_STATES_OFFERED = 0b111;
export const WRITE_BACK = 6;

/** Bits of CR0 that must be 1 in VMX operation: PE, NE, PG. None must be 0. */
export const CR0_FIXED0 = 0x8000_0021;
export const CR0_FIXED1 = 0xffff_ffff;
export const CR4_FIXED0 = 0x2000;
export const cr4Fixed1 = (cpu: Processor): number => (cr4Bits(cpu) | CR4_FIXED0) >>> 0;

/** IA32_VMX_EPT_VPID_CAP: what the walk of ept.ts, INVEPT and INVVPID can do. SDM Vol. 3D, "VPID and EPT Capabilities". */
export const EPT_VPID = {
  'execute-only translations': 0,
  'page-walk length 4': 6,
  'uncacheable EPT structures': 8,
  'write-back EPT structures': 14,
  '2-MByte pages': 16,
  '1-GByte pages': 17,
  INVEPT: 20,
  'accessed and dirty flags': 21,
  'single-context INVEPT': 25,
  'all-context INVEPT': 26,
  INVVPID: 32,
  'individual-address INVVPID': 40,
  'single-context INVVPID': 41,
  'all-context INVVPID': 42,
  'single-context-retaining-globals INVVPID': 43,
} as const;

const bit = (n: number): bigint => 1n << BigInt(n);
const controls = (name: ControlFieldName, which: 'default' | 'TRUE'): bigint => {
  const { allowed0, allowed1 } = capability(name, which);
  return BigInt(allowed0) | (BigInt(allowed1) << 32n);
};

const basic = (): bigint =>
  BigInt(VMCS_REVISION) | (BigInt(VMCS_REGION_BYTES) << 32n) | (BigInt(WRITE_BACK) << 50n)
  | bit(54) // INS and OUTS report in the instruction information
  | bit(55); // the TRUE capability MSRs exist

const misc = (): bigint =>
  BigInt(PREEMPTION_TIMER_SHIFT)
  | (offered('unrestricted guest') ? bit(5) : 0n)
  | (BigInt(ACTIVITY_STATES_OFFERED) << 6n) | (BigInt(MAX_CR3_TARGETS) << 16n)
  | bit(29) // VMWRITE may write any field
  | bit(30); // an instruction length of 0 may be injected

const highestIndex = (): number => Math.max(...EXISTING_FIELDS.map((field) => describe(field.encoding).index));
const eptVpid = (): bigint => Object.values(EPT_VPID).reduce((mask, n) => mask | bit(n), 0n);

const row = (index: number, name: string, read: (cpu: Processor) => bigint): Msr => ({ index, name, feature: 'VMX', read });

export const VMX_MSRS: readonly Msr[] = [
  row(0x480, 'IA32_VMX_BASIC', basic),
  row(0x481, 'IA32_VMX_PINBASED_CTLS', () => controls('pin', 'default')),
  row(0x482, 'IA32_VMX_PROCBASED_CTLS', () => controls('primary', 'default')),
  row(0x483, 'IA32_VMX_EXIT_CTLS', () => controls('exit', 'default')),
  row(0x484, 'IA32_VMX_ENTRY_CTLS', () => controls('entry', 'default')),
  row(0x485, 'IA32_VMX_MISC', misc),
  row(0x486, 'IA32_VMX_CR0_FIXED0', () => BigInt(CR0_FIXED0)),
  row(0x487, 'IA32_VMX_CR0_FIXED1', () => BigInt(CR0_FIXED1)),
  row(0x488, 'IA32_VMX_CR4_FIXED0', () => BigInt(CR4_FIXED0)),
  row(0x489, 'IA32_VMX_CR4_FIXED1', (cpu) => BigInt(cr4Fixed1(cpu))),
  row(0x48a, 'IA32_VMX_VMCS_ENUM', () => BigInt(highestIndex() << 1)),
  row(0x48b, 'IA32_VMX_PROCBASED_CTLS2', () => controls('secondary', 'default')),
  row(0x48c, 'IA32_VMX_EPT_VPID_CAP', eptVpid),
  row(0x48d, 'IA32_VMX_TRUE_PINBASED_CTLS', () => controls('pin', 'TRUE')),
  row(0x48e, 'IA32_VMX_TRUE_PROCBASED_CTLS', () => controls('primary', 'TRUE')),
  row(0x48f, 'IA32_VMX_TRUE_EXIT_CTLS', () => controls('exit', 'TRUE')),
  row(0x490, 'IA32_VMX_TRUE_ENTRY_CTLS', () => controls('entry', 'TRUE')),
  row(0x491, 'IA32_VMX_VMFUNC', () => BigInt(VM_FUNCTIONS_OFFERED)),
];
