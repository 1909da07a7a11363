/** Basic exit reasons. SDM Vol. 3D, "VMX Basic Exit Reasons"; qualifications: Vol. 3C, "Basic VM-Exit Information". */
export interface ExitReason {
  readonly number: number;
  /** The manual's name. */
  readonly name: string;
  /** What the exit qualification holds; absent where it is cleared. */
  readonly qualification?: string;
}

const DISPLACEMENT = 'displacement of the memory operand';
const APIC_PAGE_OFFSET = 'offset of the access within the APIC page';

export const EXIT_REASONS = {
  EXCEPTION_OR_NMI: { number: 0, name: 'Exception or non-maskable interrupt (NMI)', qualification: 'page fault: the linear address; debug exception: its conditions; otherwise 0' },
  EXTERNAL_INTERRUPT: { number: 1, name: 'External interrupt' },
  TRIPLE_FAULT: { number: 2, name: 'Triple fault' },
  INIT_SIGNAL: { number: 3, name: 'INIT signal' },
  STARTUP_IPI: { number: 4, name: 'Start-up IPI (SIPI)', qualification: 'SIPI vector' },
  IO_SMI: { number: 5, name: 'I/O system-management interrupt (SMI)' },
  OTHER_SMI: { number: 6, name: 'Other SMI' },
  INTERRUPT_WINDOW: { number: 7, name: 'Interrupt window' },
  NMI_WINDOW: { number: 8, name: 'NMI window' },
  TASK_SWITCH: { number: 9, name: 'Task switch', qualification: 'selector of the new TSS and source of the switch' },
  CPUID: { number: 10, name: 'CPUID' },
  GETSEC: { number: 11, name: 'GETSEC' },
  HLT: { number: 12, name: 'HLT' },
  INVD: { number: 13, name: 'INVD' },
  INVLPG: { number: 14, name: 'INVLPG', qualification: 'linear address of the operand' },
  RDPMC: { number: 15, name: 'RDPMC' },
  RDTSC: { number: 16, name: 'RDTSC' },
  RSM: { number: 17, name: 'RSM' },
  VMCALL: { number: 18, name: 'VMCALL' },
  VMCLEAR: { number: 19, name: 'VMCLEAR', qualification: DISPLACEMENT },
  VMLAUNCH: { number: 20, name: 'VMLAUNCH' },
  VMPTRLD: { number: 21, name: 'VMPTRLD', qualification: DISPLACEMENT },
  VMPTRST: { number: 22, name: 'VMPTRST', qualification: DISPLACEMENT },
  VMREAD: { number: 23, name: 'VMREAD', qualification: DISPLACEMENT },
  VMRESUME: { number: 24, name: 'VMRESUME' },
  VMWRITE: { number: 25, name: 'VMWRITE', qualification: DISPLACEMENT },
  VMXOFF: { number: 26, name: 'VMXOFF' },
  VMXON: { number: 27, name: 'VMXON', qualification: DISPLACEMENT },
  CONTROL_REGISTER_ACCESSES: { number: 28, name: 'Control-register accesses', qualification: 'register, type of access, operand' },
  MOV_DR: { number: 29, name: 'MOV DR', qualification: 'debug register, direction, general-purpose register' },
  IO_INSTRUCTION: { number: 30, name: 'I/O instruction', qualification: 'port, size, direction, string, REP, operand encoding' },
  RDMSR: { number: 31, name: 'RDMSR' },
  WRMSR: { number: 32, name: 'WRMSR' },
  ENTRY_FAILURE_GUEST_STATE: { number: 33, name: 'VM-entry failure due to invalid guest state', qualification: '2: PDPTE loading; 3: NMI injection; 4: VMCS link pointer; otherwise 0' },
  ENTRY_FAILURE_MSR_LOADING: { number: 34, name: 'VM-entry failure due to MSR loading', qualification: 'number of the entry in the MSR-load area, from 1' },
  MWAIT: { number: 36, name: 'MWAIT', qualification: '1: address-range monitoring hardware is armed' },
  MONITOR_TRAP_FLAG: { number: 37, name: 'Monitor trap flag' },
  MONITOR: { number: 39, name: 'MONITOR' },
  PAUSE: { number: 40, name: 'PAUSE' },
  ENTRY_FAILURE_MACHINE_CHECK: { number: 41, name: 'VM-entry failure due to machine-check event' },
  TPR_BELOW_THRESHOLD: { number: 43, name: 'TPR below threshold' },
  APIC_ACCESS: { number: 44, name: 'APIC access', qualification: `${APIC_PAGE_OFFSET}, and type of access` },
  VIRTUALIZED_EOI: { number: 45, name: 'Virtualized EOI', qualification: 'vector' },
  ACCESS_TO_GDTR_OR_IDTR: { number: 46, name: 'Access to GDTR or IDTR', qualification: DISPLACEMENT },
  ACCESS_TO_LDTR_OR_TR: { number: 47, name: 'Access to LDTR or TR', qualification: DISPLACEMENT },
  EPT_VIOLATION: { number: 48, name: 'EPT violation', qualification: 'access, rights of the guest-physical address, validity of the linear address' },
  EPT_MISCONFIGURATION: { number: 49, name: 'EPT misconfiguration' },
  INVEPT: { number: 50, name: 'INVEPT', qualification: DISPLACEMENT },
  RDTSCP: { number: 51, name: 'RDTSCP' },
  VMX_PREEMPTION_TIMER_EXPIRED: { number: 52, name: 'VMX-preemption timer expired' },
  INVVPID: { number: 53, name: 'INVVPID', qualification: DISPLACEMENT },
  WBINVD: { number: 54, name: 'WBINVD or WBNOINVD' },
  XSETBV: { number: 55, name: 'XSETBV' },
  APIC_WRITE: { number: 56, name: 'APIC write', qualification: APIC_PAGE_OFFSET },
  RDRAND: { number: 57, name: 'RDRAND' },
  INVPCID: { number: 58, name: 'INVPCID', qualification: DISPLACEMENT },
  VMFUNC: { number: 59, name: 'VMFUNC' },
  ENCLS: { number: 60, name: 'ENCLS' },
  RDSEED: { number: 61, name: 'RDSEED' },
  PAGE_MODIFICATION_LOG_FULL: { number: 62, name: 'Page-modification log full', qualification: 'bit 12: NMI unblocking due to IRET' },
  XSAVES: { number: 63, name: 'XSAVES', qualification: DISPLACEMENT },
  XRSTORS: { number: 64, name: 'XRSTORS', qualification: DISPLACEMENT },
  PCONFIG: { number: 65, name: 'PCONFIG' },
  SPP_RELATED_EVENT: { number: 66, name: 'SPP-related event', qualification: 'bit 11: SPP miss rather than misconfiguration; bit 12: NMI unblocking due to IRET' },
  UMWAIT: { number: 67, name: 'UMWAIT' },
  TPAUSE: { number: 68, name: 'TPAUSE' },
  LOADIWKEY: { number: 69, name: 'LOADIWKEY' },
  ENCLV: { number: 70, name: 'ENCLV' },
  ENQCMD_PASID_TRANSLATION_FAILURE: { number: 72, name: 'ENQCMD PASID translation failure' },
  ENQCMDS_PASID_TRANSLATION_FAILURE: { number: 73, name: 'ENQCMDS PASID translation failure' },
  BUS_LOCK: { number: 74, name: 'Bus lock' },
  INSTRUCTION_TIMEOUT: { number: 75, name: 'Instruction timeout' },
} as const satisfies Readonly<Record<string, ExitReason>>;

export type ExitReasonName = keyof typeof EXIT_REASONS;

/** Numbers by constant name: what conditions of breakpoints use. */
export const EXIT_REASON_NUMBERS: Readonly<Record<ExitReasonName, number>> =
  Object.fromEntries(Object.entries(EXIT_REASONS).map(([constant, row]) => [constant, row.number])) as Record<ExitReasonName, number>;

const BY_NUMBER = new Map<number, readonly [ExitReasonName, ExitReason]>(
  (Object.entries(EXIT_REASONS) as [ExitReasonName, ExitReason][]).map((entry) => [entry[1].number, entry]),
);

/** By basic exit reason (the low 16 bits of the exit-reason field). */
export const exitReason = (basic: number): ExitReason | undefined => BY_NUMBER.get(basic & 0xffff)?.[1];
export const exitReasonName = (basic: number): string => BY_NUMBER.get(basic & 0xffff)?.[0] ?? `reason ${basic & 0xffff}`;

/** Bit 31 of the exit-reason field. */
export const VM_ENTRY_FAILURE = 0x8000_0000;
