import type { Bits, Condition, FlagName, Meaning, ReferenceOptions, Value } from '../meaning/meaning.js';
import type { ExceptionName } from '../cpu/events.js';

/** An operand of one form. Reads and writes record steps; a memory operand is found and checked once, at its first use. */
export interface Operand {
  readonly kind: 'register' | 'memory' | 'immediate' | 'xmm' | 'mm' | 'segment' | 'control' | 'debug' | 'relative' | 'far';
  /** Width of the operand in bits. For an immediate: of the form's operand size, to which it is sign-extended. */
  readonly bits: Bits;
  /** An immediate is sign-extended to `bits`; anything else must be read in its own width or narrower (low part). */
  read(bits?: Bits): Value;
  /** Tells that the operand will be written too, before it is read: memory is then checked for writing first. */
  readForUpdate(): Value;
  /** 128 bits of a vector operand: the low or, of 256, the high ones. */
  half(n: 0 | 1): Value;
  /** Writes to a 32-bit register clear the upper half, with VEX those to an XMM register bits 255:128 (or they become `upper`); others leave the rest. */
  write(value: Value, upper?: Value): void;
  /** Memory only: the effective address, as an offset in its segment, of the form's address size (zero-extended to 64 bits). */
  readonly offset: Value;
  /** Memory only: the segment's state offset, and whether nothing has to be added or checked for it. */
  readonly segment: Value;
  readonly flat: boolean;
  /** Register-like operands: the number (known only through the record: a value). Segment, control and debug registers use it. */
  readonly number: Value;
  /** Memory only: a reference of another width or at a displacement from the operand (m16:32, m128 parts, bit strings). */
  at(displacement: Value | number, bits: Bits, access?: 'read' | 'write' | 'read and write'): Operand;
}

/** What an Operation may do to the processor: everything it says here is recorded, not done. */
export interface Cpu {
  readonly meaning: Meaning;
  /** Operand size of the form; 0 where it has none. */
  readonly size: 16 | 32 | 64;
  readonly addressSize: 16 | 32 | 64;
  /** Size of code: 16, 32 (protected or compatibility) or 64. */
  readonly mode: 16 | 32 | 64;
  /** Whether paging, CPL and the like … the processor is in real-address mode (CR0.PE = 0), virtual-8086 mode or protected mode. */
  readonly protection: 'real' | 'virtual-8086' | 'protected';
  readonly stackSize: 16 | 32 | 64;
  readonly prefixes: { readonly rep: 'none' | 'F3' | 'F2'; readonly lock: boolean };
  /** Of a VEX prefix (128 where it does not matter); undefined: the legacy form. */
  readonly vectorLength: 128 | 256 | undefined;
  /** VSIB: state offset of the index register, and the shift of its elements. */
  readonly vectorIndex: { readonly at: Value; readonly scale: Value };

  constant(value: bigint | number, bits: Bits): Value;
  /** A general register by number (0 RAX … 15 R15); 8 bits are the low byte. */
  register(number: number, bits: Bits): Value;
  setRegister(number: number, value: Value): void;
  /** A field of the processor's state (cpu/layout.ts). */
  state(at: number, bits: Bits): Value;
  setState(at: number, value: Value): void;

  flag(name: FlagName): Value;
  condition(condition: Condition): Value;
  /** The six status flags at their places in RFLAGS, 32 bits. */
  status(): Value;
  /** Sets some status flags, leaves the others. */
  setFlags(flags: Partial<Record<FlagName, Value>>): void;
  /** DF as a step: +bytes or -bytes, 64 bits. */
  stringStep(bytes: number): Value;

  /** Memory at an offset of a segment register (0 ES … 5 GS), with the override prefix of the instruction if `overridable`. */
  memory(offset: Value, bits: Bits, segment: number, options?: ReferenceOptions & { overridable?: boolean; access?: 'read' | 'write' | 'read and write' }): Operand;
  push(value: Value): void;
  pop(bits: Bits): Value;
  /** The stack pointer masked to the stack size, 64 bits. */
  readonly stackPointer: Value;
  setStackPointer(value: Value): void;

  /** Offset of this instruction and of the next in the code segment, 64 bits. */
  readonly ip: Value;
  readonly nextIp: Value;
  /** #GP(0) unless `target` may be jumped to: canonical, or within the limit of CS. `jump` asks too; ask earlier when something is written first. */
  checkTarget(target: Value): void;
  /** Near transfer: truncates to the operand size, checks limit or canonicality, ends the block. */
  jump(target: Value): void;
  /** The same to the relative operand when `condition` holds (always when absent), else falls through; both ends can be linked. */
  jumpRelative(target: Operand, condition?: Value): void;

  when(condition: Value, then: () => void, otherwise?: () => void): void;
  raise(name: ExceptionName, errorCode?: number): void;
  /** A TypeScript operation inside the instruction (cpu/operations.ts); it may fault. Arguments and results are at most 64 bits (128 for vectors). */
  compute(name: string, args: readonly Value[], results?: readonly Bits[]): Value[];
  /** A TypeScript operation that completes the instruction and ends the block (mode changes, system instructions). */
  perform(name: string, ...args: readonly Value[]): void;
  /** REP: the instruction runs again from its start without having retired. */
  again(): void;
}

export interface Instruction {
  readonly name: string;
  readonly summary: string;
  /** The rows of the manual's opcode table; see isa/encoding.ts for the notation. */
  readonly encodings: string;
  /** LOCK is accepted when the destination is memory. */
  readonly lock?: boolean;
  /** REP/REPE/REPNE prefixes mean repetition. */
  readonly repeats?: boolean;
  /** Status flags that the manual leaves undefined after it, for oracles and hovers: a name list such as 'AF' or 'OF AF'. */
  readonly undefinedFlags?: string;
  /** For hovers: status flags read and written, in the manual's words where they are not all. */
  readonly flags?: string;
  readonly exceptions?: string;
  /** What makes it exit in VMX non-root operation, in the manual's words. */
  readonly vmExit?: string;
  /** Not for programs at CPL 3, or asking the machine rather than the processor: left out where programs are compared with hardware. */
  readonly privileged?: boolean;
  /** CPUID feature that must be present ('SSE2', 'POPCNT', 'VMX' …): absent from the processor model, it is #UD. */
  readonly feature?: string;
  operation(cpu: Cpu, ...operands: Operand[]): void;
}

export const instruction = (name: string, summary: string, rest: Omit<Instruction, 'name' | 'summary'>): Instruction =>
  ({ name, summary, ...rest });
