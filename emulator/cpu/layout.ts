/** Where the processor's state lives in the shared WebAssembly memory, in bytes. Declared here and nowhere else. */

let next = 0;
function field(bytes: number, align = Math.min(bytes, 8)): number {
  next = Math.ceil(next / align) * align;
  const at = next;
  next += bytes;
  return at;
}

/** Order of the segment registers: the encoding of Sreg, then LDTR and TR (the order of the VMCS fields). */
export const ES = 0, CS = 1, SS = 2, DS = 3, FS = 4, GS = 5, LDTR = 6, TR = 7;
export const GENERAL_NAMES = ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI', 'R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15'] as const;
export const SEGMENT_NAMES = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'] as const;

/**
 * Offsets inside one segment register. Attributes have the format of the VMCS access rights (bit 16: unusable).
 * `readLimit` and `writeLimit` (i64) are the last offset that may be read or written without asking anybody: the limit
 * of an ordinary segment, -1 when TypeScript must judge (null, expand-down, read-only, execute-only).
 */
export const SEGMENT = { base: 0, selector: 8, attributes: 12, limit: 16, readLimit: 24, writeLimit: 32, bytes: 48 } as const;

/** Inside S.supervisorSpace and S.userSpace: values of S.spaceTag and S.tlbPart, and the rules for accesses (paging/outcome.ts). */
export const SPACE = { tag: 0, part: 8, privilege: 12 } as const;
/** Nothing; or RAM behind 4-level paging, without EPT, protection keys, data breakpoints and alignment checks, and walked before with the same registers. */
export const PLAIN_PAGING = { none: 0, fourLevel: 1 } as const;
/** Inside S.exitDestination and S.entryDestination: values of S.spaceTag, S.tlbPart, S.codeMode and S.fpuTraps, and the tags of S.supervisorSpace and S.userSpace. */
export const DESTINATION = { tag: 0, supervisorTag: 4, userTag: 8, part: 12, mode: 16, traps: 20 } as const;

/** A slot that always reads as zero comes first: an absent base or index register points there. */
export const S = {
  zero: field(64),
  /** RAX RCX RDX RBX RSP RBP RSI RDI R8–R15. */
  gpr: field(16 * 8),
  /** The offset in the code segment of the current instruction; exact whenever TypeScript runs. */
  rip: field(8),
  /** Linear address of the page that holds the code being run, sign-extended. */
  codePage: field(8),
  /** Lazy status flags: which rule, first operand and result (both sign-extended). See meaning/flags.ts. */
  flagRule: field(8),
  flagA: field(8),
  flagResult: field(8),
  /** RFLAGS without the six status flags (bit 1 is always set). */
  rflags: field(8),

  /** Instructions that may still retire before the run loop must look around. */
  budget: field(4),
  /** The count of instructions of all processors at which the present grant ends, a 64-bit float: whoever wants the count subtracts what is left. */
  grantEnd: field(8),
  /** Decided once a mode change: what a block's translation depends on (see translate/mode.ts). */
  codeMode: field(4),
  /** Low twelve bits of fast-TLB tags: address space and privilege. */
  spaceTag: field(8),
  /** Offset of the part of the fast TLB's tables that serves now. */
  tlbPart: field(4),
  /** Both for the supervisor and for the user of the present address space: what a change of CPL puts there. */
  supervisorSpace: field(16), userSpace: field(16),
  /** Where this processor's architectural TLB is, the number of the present address space in it, and the moment (f64): see TLB. */
  tlb: field(4), space: field(4), tlbNow: field(8),
  /** What plain walks may take for granted in the present state: a value of PLAIN_PAGING. */
  plainPaging: field(4),
  /** What a plain walk met that was not present: the level, its entry's physical address, and the entry. */
  absentLevel: field(4), absentAddress: field(8), absentEntry: field(8),
  /** Record at which the interpreter left, and why (cpu/exits.ts). */
  exitRecord: field(4),
  exitReason: field(4),
  /** Grows whenever compiled code is given up: a region that runs meanwhile leaves when it sees that. */
  regionStamp: field(4),
  /** Whether WebAssembly goes on after TypeScript has ended an instruction, at the linear address S.onward; 0: the interpreter leaves. */
  resume: field(4),
  /** Whether SSE arithmetic may take the fast path: all exceptions masked, round to nearest, no DAZ/FTZ, PE sticky. */
  sseFast: field(4),
  /** What x87, MMX and SSE instructions have to look at before anything else: bits of cpu/float-mode.ts. */
  fpuTraps: field(4),
  /** Number of the processor whose state this is. */
  processor: field(4),
  /** Kinds of events (cpu/trap-events.ts), a bit each, that nobody waits for: generated code may record them and go on. */
  unasked: field(4),
  /** Physical addresses of the VMCS whose VM exits, and of that whose VM entries, lead to a known place (vmx/destinations.ts); all ones: not known. */
  exitsOf: field(4), entriesOf: field(4), exitDestination: field(24), entryDestination: field(24),
  /** General registers as the guest left them at the last VM exit, and the VMCS that was current then: a hypervisor saves them where it likes. */
  guestRegisters: field(16 * 8), guestVmcs: field(8),

  onward: field(8),

  /** Arguments and results of calls from handlers to TypeScript: eight slots of 16 bytes. */
  args: field(8 * 16, 16),
  /** Where an access that the fast TLB cannot serve (MMIO, page crossing, watched) puts its bytes. */
  bounce: field(64, 16),

  /** What a masked load has so far. */
  elements: field(32, 16),
  /** A stack frame being put together (cpu/event-delivery.ts). */
  frame: field(64, 16),

  segments: field(8 * SEGMENT.bytes, 16),
  gdtrBase: field(8), idtrBase: field(8), gdtrLimit: field(4), idtrLimit: field(4),
  cpl: field(4),

  cr0: field(8), cr2: field(8), cr3: field(8), cr4: field(8), xcr0: field(8),
  dr: field(8 * 8),
  /** PDPTEs of PAE paging, loaded by MOV CR3 and VM entry. */
  pdpte: field(4 * 8),

  efer: field(8), star: field(8), lstar: field(8), cstar: field(8), sfmask: field(8), kernelGsBase: field(8), tscAux: field(8),
  sysenterCs: field(8), sysenterEsp: field(8), sysenterEip: field(8),
  pat: field(8), apicBase: field(8), miscEnable: field(8), featureControl: field(8), debugControl: field(8), tscAdjust: field(8),
  mtrrDefType: field(8), mtrrFixed: field(11 * 8), mtrrVariable: field(32 * 8), spareMsrs: field(64 * 8), pkru: field(8), xss: field(8),
  /** State of the generator behind RDRAND and RDSEED. */
  random: field(8),
  /** The monitored line: whether it is watched (cpu/monitor.ts), its physical address, and what it held. */
  monitor: field(4), monitorAddress: field(8), monitorLine: field(64),

  /** Interruptibility: bit 0 blocking by STI, 1 by MOV SS, 2 by SMI, 3 by NMI (the VMCS format). */
  interruptibility: field(4),
  /** Activity state: 0 active, 1 HLT, 2 shutdown, 3 wait-for-SIPI (the VMCS format). */
  activity: field(4),
  /** Debug exceptions pending for the next boundary (the VMCS "pending debug exceptions" format). */
  pendingDebug: field(8),
  pendingNmi: field(4),
  /** An INIT signal waits; a start-up message waits: 100H + vector. */
  pendingInit: field(4), pendingStartUp: field(4),
  /** An external interrupt that has been acknowledged but not delivered, because the machine was stopped before it: 100H + vector. */
  acknowledged: field(4),
  a20Mask: field(4),

  /** VMX: 1 after VMXON; 1 in non-root operation; physical addresses (all ones when none). */
  vmxOn: field(4), nonRoot: field(4),
  vmxonPointer: field(8), currentVmcs: field(8),
  /** Copies of hot VMCS controls, set at VM entry. */
  vmx: field(64 * 8),

  mxcsr: field(4), mxcsrMask: field(4),
  /** x87: control, status, tag (FXSAVE's abridged form), opcode, then instruction and data pointers. */
  fcw: field(4), fsw: field(4), ftw: field(4), fop: field(4), fip: field(8), fdp: field(8), fcs: field(4), fds: field(4),
  /** ST registers by physical number R0–R7, 80 bits in 16 bytes. */
  x87: field(8 * 16, 16),
  /** YMM0–15, 32 bytes each; XMM is the low half. */
  ymm: field(16 * 32, 16),
  end: field(8),
} as const;

/** The whole memory: state, fast TLB, block table, code cache, guest memory. */
export const FAST_TLB_ENTRIES = 1024;
export const FAST_TLB_ENTRY_BYTES = 16;
/**
 * The index is bits 12 and up of the linear address, xor its bits from here on. It must differ between any page and the next,
 * the first after 4 GBytes included: else an access that crosses the boundary would find the entry of the second page.
 */
export const FAST_TLB_FOLD = 23;
/**
 * Each table has four parts, in VMX non-root operation and outside it for supervisor and user: hypervisor and guest often use the same addresses, and
 * so do a small kernel and its programs.
 */
export const FAST_TLB_PART_BYTES = FAST_TLB_ENTRIES * FAST_TLB_ENTRY_BYTES, FAST_TLB_PARTS = 4;
const FAST_TLB_BYTES = FAST_TLB_PARTS * FAST_TLB_PART_BYTES;
/** A processor has a set of its own; those of the second and further ones lie behind the block table. */
export const FAST_TLB_SET_BYTES = 3 * FAST_TLB_BYTES;
export const MOST_PROCESSORS = 16;
export const BLOCK_TABLE_ENTRIES = 32768;
export const BLOCK_TABLE_ENTRY_BYTES = 16;

export const MAP = {
  state: 0,
  /** Three direct-mapped tables: tag (i64), then what to add to the linear address (i32). */
  tlbRead: 0x4000,
  tlbWrite: 0x4000 + FAST_TLB_BYTES,
  tlbExecute: 0x4000 + 2 * FAST_TLB_BYTES,
  /** What VMREAD and VMWRITE need to know of each encoding (vmx/field-access.ts). */
  vmcsFields: 0x38000,
  blockTable: 0x80000,
  furtherTlbs: 0x100000,
  architecturalTlbs: 0x400000,
  /** A byte for each physical page: whether translated code was read from it. */
  codePages: 0xa00000,
  codeCache: 0xb00000,
  codeCacheEnd: 0x2780000,
  /** The last architectural events (cpu/event-log.ts). */
  events: 0x2780000,
  /** Linear addresses at which execution is to be looked at (translate/watched-addresses.ts). */
  watched: 0x27ff000,
  guestMemory: 0x2800000,
} as const;

let column = 0;
function columnOf(entries: number, bytes: number): number {
  const at = column;
  column += entries * bytes;
  return at;
}
/** Columns of a processor's architectural TLB (paging/tlb.ts), and of the address spaces that its entries belong to (paging/spaces.ts). */
export const TLB_SETS = 1024, TLB_WAYS = 4, TLB_ENTRIES = TLB_SETS * TLB_WAYS, MOST_SPACES = 8192;
export const TLB = {
  page: columnOf(TLB_ENTRIES, 8), guestPhysical: columnOf(TLB_ENTRIES, 8), physical: columnOf(TLB_ENTRIES, 8), born: columnOf(TLB_ENTRIES, 8),
  since: columnOf(MOST_SPACES, 8), globalSince: columnOf(MOST_SPACES, 8),
  rights: columnOf(TLB_ENTRIES, 4), owner: columnOf(TLB_ENTRIES, 4), world: columnOf(MOST_SPACES, 4), shifts: columnOf(1, 4),
  shift: columnOf(TLB_ENTRIES, 1), guestShift: columnOf(TLB_ENTRIES, 1), victims: columnOf(TLB_SETS, 1),
} as const;
const ARCHITECTURAL_TLB_BYTES = Math.ceil(column / 4096) * 4096;
export const architecturalTlb = (processor: number): number => MAP.architecturalTlbs + processor * ARCHITECTURAL_TLB_BYTES;

/** What to add to the tables' addresses to find those of a processor. */
export const fastTlbSet = (processor: number): number => (processor === 0 ? 0 : MAP.furtherTlbs - MAP.tlbRead + (processor - 1) * FAST_TLB_SET_BYTES);
if (MAP.tlbRead + fastTlbSet(MOST_PROCESSORS) > MAP.architecturalTlbs || architecturalTlb(MOST_PROCESSORS) > MAP.codePages) throw new Error('TLBs overlap what comes next');

if (next > MAP.tlbRead) throw new Error('processor state overlaps the fast TLB');

export const gpr = (register: number): number => S.gpr + 8 * register;
export const segment = (register: number): number => S.segments + SEGMENT.bytes * register;
export const xmm = (register: number): number => S.ymm + 32 * register;
