/**
 * The controls of VMX by the manual's names, and which of them this processor offers.
 * SDM Vol. 3C, "VM-Execution Control Fields", "VM-Exit Controls", "VM-Entry Controls"; Vol. 3D, "VMX Capability Reporting Facility".
 */
export interface Control {
  readonly bit: number;
  /** Whether it may be 1. */
  readonly offered?: boolean;
  /** One of the default1 class that may nevertheless be 0, which the TRUE capability MSR reports. */
  readonly mayBeZero?: boolean;
}
type Group = Readonly<Record<string, Control>>;

const PIN_BASED = {
  'external-interrupt exiting': { bit: 0, offered: true },
  'NMI exiting': { bit: 3, offered: true },
  'virtual NMIs': { bit: 5, offered: true },
  'activate VMX-preemption timer': { bit: 6, offered: true },
  'process posted interrupts': { bit: 7, offered: true },
} as const satisfies Group;

const PRIMARY = {
  'interrupt-window exiting': { bit: 2, offered: true },
  'use TSC offsetting': { bit: 3, offered: true },
  'HLT exiting': { bit: 7, offered: true },
  'INVLPG exiting': { bit: 9, offered: true },
  'MWAIT exiting': { bit: 10, offered: true },
  'RDPMC exiting': { bit: 11, offered: true },
  'RDTSC exiting': { bit: 12, offered: true },
  'CR3-load exiting': { bit: 15, offered: true, mayBeZero: true },
  'CR3-store exiting': { bit: 16, offered: true, mayBeZero: true },
  'activate tertiary controls': { bit: 17 },
  'CR8-load exiting': { bit: 19, offered: true },
  'CR8-store exiting': { bit: 20, offered: true },
  'use TPR shadow': { bit: 21, offered: true },
  'NMI-window exiting': { bit: 22, offered: true },
  'MOV-DR exiting': { bit: 23, offered: true },
  'unconditional I/O exiting': { bit: 24, offered: true },
  'use I/O bitmaps': { bit: 25, offered: true },
  'monitor trap flag': { bit: 27, offered: true },
  'use MSR bitmaps': { bit: 28, offered: true },
  'MONITOR exiting': { bit: 29, offered: true },
  'PAUSE exiting': { bit: 30, offered: true },
  'activate secondary controls': { bit: 31, offered: true },
} as const satisfies Group;

const SECONDARY = {
  'virtualize APIC accesses': { bit: 0, offered: true },
  'enable EPT': { bit: 1, offered: true },
  'descriptor-table exiting': { bit: 2, offered: true },
  'enable RDTSCP': { bit: 3, offered: true },
  'virtualize x2APIC mode': { bit: 4, offered: true },
  'enable VPID': { bit: 5, offered: true },
  'WBINVD exiting': { bit: 6, offered: true },
  'unrestricted guest': { bit: 7, offered: true },
  'APIC-register virtualization': { bit: 8, offered: true },
  'virtual-interrupt delivery': { bit: 9, offered: true },
  'PAUSE-loop exiting': { bit: 10, offered: true },
  'RDRAND exiting': { bit: 11, offered: true },
  'enable INVPCID': { bit: 12, offered: true },
  'enable VM functions': { bit: 13, offered: true },
  'VMCS shadowing': { bit: 14, offered: true },
  'enable ENCLS exiting': { bit: 15 },
  'RDSEED exiting': { bit: 16, offered: true },
  'enable PML': { bit: 17, offered: true },
  'EPT-violation #VE': { bit: 18, offered: true },
  'conceal VMX from PT': { bit: 19 },
  'enable XSAVES/XRSTORS': { bit: 20, offered: true },
  'PASID translation': { bit: 21 },
  'mode-based execute control for EPT': { bit: 22, offered: true },
  'sub-page write permissions for EPT': { bit: 23 },
  'Intel PT uses guest physical addresses': { bit: 24 },
  'use TSC scaling': { bit: 25, offered: true },
  'enable user wait and pause': { bit: 26 },
  'enable PCONFIG': { bit: 27 },
  'enable ENCLV exiting': { bit: 28 },
  'VMM bus-lock detection': { bit: 30 },
  'instruction timeout': { bit: 31 },
} as const satisfies Group;

const EXIT = {
  'save debug controls': { bit: 2, offered: true, mayBeZero: true },
  'host address-space size': { bit: 9, offered: true },
  'load IA32_PERF_GLOBAL_CTRL': { bit: 12 },
  'acknowledge interrupt on exit': { bit: 15, offered: true },
  'save IA32_PAT': { bit: 18, offered: true },
  'load IA32_PAT': { bit: 19, offered: true },
  'save IA32_EFER': { bit: 20, offered: true },
  'load IA32_EFER': { bit: 21, offered: true },
  'save VMX-preemption timer value': { bit: 22, offered: true },
  'clear IA32_BNDCFGS': { bit: 23 },
  'conceal VMX from PT': { bit: 24 },
  'clear IA32_RTIT_CTL': { bit: 25 },
  'clear IA32_LBR_CTL': { bit: 26 },
  'clear UINV': { bit: 27 },
  'load CET state': { bit: 28 },
  'load PKRS': { bit: 29 },
  'save IA32_PERF_GLOBAL_CTL': { bit: 30 },
  'activate secondary controls (VM exit)': { bit: 31 },
} as const satisfies Group;

const ENTRY = {
  'load debug controls': { bit: 2, offered: true, mayBeZero: true },
  'IA-32e mode guest': { bit: 9, offered: true },
  'entry to SMM': { bit: 10 },
  'deactivate dual-monitor treatment': { bit: 11 },
  'load IA32_PERF_GLOBAL_CTRL': { bit: 13 },
  'load IA32_PAT': { bit: 14, offered: true },
  'load IA32_EFER': { bit: 15, offered: true },
  'load IA32_BNDCFGS': { bit: 16 },
  'conceal VMX from PT': { bit: 17 },
  'load IA32_RTIT_CTL': { bit: 18 },
  'load UINV': { bit: 19 },
  'load CET state': { bit: 20 },
  'load guest IA32_LBR_CTL': { bit: 21 },
  'load PKRS': { bit: 22 },
} as const satisfies Group;

/** By their numbers in EAX. */
const VM_FUNCTIONS = {
  'EPTP switching': { bit: 0, offered: true },
} as const satisfies Group;

/** Of the tertiary controls none is offered; named because fields depend on them. */
type Tertiary = 'LOADIWKEY exiting' | 'enable HLAT' | 'EPT paging-write control' | 'guest-paging verification' | 'IPI virtualization' | 'virtualize IA32_SPEC_CTRL';

/** Bits of a field that must be 1 unless the TRUE capability MSR says otherwise. */
const bits = (...numbers: number[]): number => numbers.reduce((mask, bit) => (mask | (1 << bit)) >>> 0, 0);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

export const CONTROL_FIELDS = {
  pin: { field: 'pin-based VM-execution controls', controls: PIN_BASED as Group, default1: bits(1, 2, 4) },
  primary: { field: 'primary processor-based VM-execution controls', controls: PRIMARY as Group, default1: bits(1, 4, 5, 6, 8, 13, 14, 15, 16, 26) },
  secondary: { field: 'secondary processor-based VM-execution controls', controls: SECONDARY as Group, default1: 0 },
  exit: { field: 'primary VM-exit controls', controls: EXIT as Group, default1: bits(...range(0, 8), 10, 11, 13, 14, 16, 17) },
  entry: { field: 'VM-entry controls', controls: ENTRY as Group, default1: bits(...range(0, 8), 12) },
} as const;
export type ControlFieldName = keyof typeof CONTROL_FIELDS;

export type ControlName =
  | keyof typeof PIN_BASED | keyof typeof PRIMARY | keyof typeof SECONDARY | keyof typeof EXIT | keyof typeof ENTRY
  | keyof typeof VM_FUNCTIONS | Tertiary;

const masks = <G extends Group>(group: G): { readonly [N in keyof G]: number } =>
  Object.fromEntries(Object.entries(group).map(([name, control]) => [name, bits(control.bit)])) as { [N in keyof G]: number };

/** Masks by name, unsigned. */
export const PIN = masks(PIN_BASED);
export const PROCESSOR = masks(PRIMARY);
export const PROCESSOR_2 = masks(SECONDARY);
export const VM_EXIT = masks(EXIT);
export const VM_ENTRY = masks(ENTRY);
export const VM_FUNCTION = masks(VM_FUNCTIONS);
/** Functions that the VM-function controls may enable. */
export const VM_FUNCTIONS_OFFERED = Object.values(VM_FUNCTIONS as Group).reduce((all, { bit, offered }) => (offered ? all | (1 << bit) : all), 0);

/** Whether a control of that name may be 1 in any of the fields. */
export const offered = (name: ControlName): boolean =>
  [...Object.values(CONTROL_FIELDS).map(({ controls }) => controls), VM_FUNCTIONS as Group].some((controls) => controls[name]?.offered === true);

/** What a field of controls may hold: `allowed0` has the bits that must be 1, `allowed1` those that may be 1. */
export interface Capability { readonly allowed0: number; readonly allowed1: number }

export function capability(name: ControlFieldName, which: 'default' | 'TRUE' = 'TRUE'): Capability {
  const { controls, default1 } = CONTROL_FIELDS[name];
  let allowed0 = default1, allowed1 = default1;
  for (const control of Object.values(controls)) {
    if (control.offered) allowed1 |= 1 << control.bit;
    if (control.mayBeZero && which === 'TRUE') allowed0 &= ~(1 << control.bit);
  }
  return { allowed0: allowed0 >>> 0, allowed1: allowed1 >>> 0 };
}
