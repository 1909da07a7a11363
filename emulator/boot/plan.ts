/** What it takes to start an image: bytes to put into guest memory and the processor's state at the first instruction. Plain data. */

export interface BootPlan {
  /** In words, for people: "multiboot 1", "boot sector" … */
  readonly kind: string;
  /** They do not overlap; memory is zero elsewhere. */
  readonly writes: readonly GuestWrite[];
  readonly entry: EntryState;
  /** What the image asked for and will not get. */
  readonly notes: readonly string[];
}

export interface GuestWrite {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export const GENERAL_REGISTERS = [
  'rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
] as const;
export type GeneralRegister = (typeof GENERAL_REGISTERS)[number];
export type GeneralRegisters = Readonly<Record<GeneralRegister, bigint>>;

export const ENTRY_SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr'] as const;
export type EntrySegment = (typeof ENTRY_SEGMENTS)[number];

export interface SegmentState {
  readonly selector: number;
  readonly base: bigint;
  readonly limit: number;
  /** In the format of SDM Vol. 3, "Guest Register State", access rights. */
  readonly attributes: number;
}

export interface DescriptorTableState {
  readonly base: bigint;
  readonly limit: number;
}

export type EntryMode = 'real' | 'protected32' | 'long64';

export interface EntryState {
  readonly mode: EntryMode;
  readonly registers: GeneralRegisters;
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly segments: Readonly<Record<EntrySegment, SegmentState>>;
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
  readonly gdtr: DescriptorTableState;
  readonly idtr: DescriptorTableState;
}

export interface BootModule {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly args: string;
}

/** Ways to start an image, for those that can be started in several. */
export const BOOT_PROTOCOLS = ['multiboot1', 'multiboot2', 'pvh', 'bzimage', 'bzimage32'] as const;
export type BootProtocol = (typeof BOOT_PROTOCOLS)[number];

export interface ImageRequest {
  /** As people know it: every message begins with it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly memoryBytes: number;
  readonly args: string;
  /** The first is the initrd of a Linux kernel. */
  readonly modules: readonly BootModule[];
  /** Otherwise the first that the image has, in their order. */
  readonly protocol?: BootProtocol;
  /** Takes the file as raw code for this address and mode, whatever it looks like. */
  readonly flat?: { readonly address: number; readonly mode: EntryMode };
}
