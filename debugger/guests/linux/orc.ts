/**
 * Finds callers by ORC, the unwind tables that objtool makes for x86-64 Linux kernels. Linux documentation, "ORC unwinder".
 * An entry says, from its address on, how the stack pointer of the caller is computed, and where RBP was saved.
 */
import type { FrameContext } from '../../symbols/location-expression.js';
import { littleEndian } from '../../symbols/location-expression.js';
import type { CallerFrame } from '../../symbols/unwind.js';

const ENTRY_BYTES = 6;
const WORD = 8;

/** Registers that the stack pointer is computed from; 8 and 9 mean what lies at RBP + offset and at RSP. */
const SP_FROM: Readonly<Record<number, string>> = { 2: 'rdx', 3: 'rdi', 4: 'rbp', 5: 'rsp', 6: 'r10', 7: 'r13', 8: 'rbp', 9: 'rsp' };
const PREVIOUS_SP = 1, BP = 4, BP_INDIRECT = 8, SP_INDIRECT = 9;

type Kind = 'undefined' | 'end of stack' | 'call' | 'registers' | 'interrupt frame';
/** Linux 6.4 made "undefined" and "end of stack" kinds of their own. */
const OLD_KINDS: readonly Kind[] = ['call', 'registers', 'interrupt frame', 'undefined'];
const KINDS: readonly Kind[] = ['undefined', 'end of stack', 'call', 'registers', 'interrupt frame'];

/** struct pt_regs, in words: what entry code pushes. The last five are what the processor pushed. */
const PT_REGS = ['r15', 'r14', 'r13', 'r12', 'rbp', 'rbx', 'r11', 'r10', 'r9', 'r8', 'rax', 'rcx', 'rdx', 'rsi', 'rdi', 'orig_rax', 'rip', 'cs', 'rflags', 'rsp', 'ss'];
const INTERRUPT_FRAME = PT_REGS.indexOf('rip');
/** In a selector. */
const PRIVILEGE_LEVEL = 3n, USER = 3n;

export interface OrcSections {
  /** Of each entry: its address as a signed offset from where the offset stands; ascending. */
  readonly addresses: Uint8Array;
  /** Linear address of `addresses`. */
  readonly at: bigint;
  readonly entries: Uint8Array;
}

interface Entry {
  readonly kind: Kind;
  readonly stack: number;
  readonly stackOffset: bigint;
  readonly frame: number;
  readonly frameOffset: bigint;
}

export class OrcTable {
  private readonly addresses: DataView;
  private readonly entries: DataView;
  private readonly count: number;

  constructor(private readonly sections: OrcSections, private readonly hasEndKind: boolean) {
    const { addresses, entries } = sections;
    this.addresses = new DataView(addresses.buffer, addresses.byteOffset, addresses.byteLength);
    this.entries = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
    this.count = Math.min(addresses.byteLength >> 2, Math.floor(entries.byteLength / ENTRY_BYTES));
  }

  /** Whether the tables say anything about the address. */
  covers(address: bigint): boolean {
    return this.at(address) !== undefined;
  }

  callerOf(frame: FrameContext): CallerFrame | undefined {
    const entry = this.at(frame.address);
    if (!entry || entry.kind === 'undefined') return undefined;
    const load = (address: bigint): bigint | undefined => {
      const bytes = frame.read(BigInt.asUintN(64, address), WORD);
      return bytes?.length === WORD ? littleEndian(bytes) : undefined;
    };
    if (entry.kind === 'end of stack') return program(frame, load);
    const stack = frame.cfa ?? stackPointer(entry, frame, load);
    if (stack === undefined) return undefined;
    return entry.kind === 'call' ? afterCall(entry, frame, stack, load) : interrupted(entry, frame, stack, load);
  }

  private addressOf(index: number): bigint {
    return BigInt.asUintN(64, this.sections.at + BigInt(4 * index + this.addresses.getInt32(4 * index, true)));
  }

  private at(address: bigint): Entry | undefined {
    let low = 0, high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.addressOf(middle) <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.entry(low - 1);
  }

  private entry(index: number): Entry {
    const { entries } = this, at = ENTRY_BYTES * index, bits = entries.getUint16(at + 4, true), rest = bits >> 8;
    const kind = this.hasEndKind ? KINDS[rest & 7] ?? 'undefined' : OLD_KINDS[rest & 3]!;
    const ends = !this.hasEndKind && (rest & 4) !== 0;
    return { kind: ends ? 'end of stack' : kind, stack: bits & 15, frame: (bits >> 4) & 15, stackOffset: BigInt(entries.getInt16(at, true)), frameOffset: BigInt(entries.getInt16(at + 2, true)) };
  }
}

type Load = (address: bigint) => bigint | undefined;

function stackPointer({ stack, stackOffset }: Entry, frame: FrameContext, load: Load): bigint | undefined {
  const from = SP_FROM[stack], base = from === undefined ? undefined : frame.register(from);
  if (base === undefined) return undefined;
  if (stack === SP_INDIRECT) {
    const pointer = load(base);
    return pointer === undefined ? undefined : pointer + stackOffset;
  }
  return stack === BP_INDIRECT ? load(base + stackOffset) : base + stackOffset;
}

/** Registers that functions save for their callers and that ORC does not follow are not known in the caller. */
function afterCall(entry: Entry, frame: FrameContext, stack: bigint, load: Load): CallerFrame | undefined {
  const returnAddress = load(stack - BigInt(WORD));
  if (returnAddress === undefined) return undefined;
  const own = frame.register('rbp');
  const rbp = entry.frame === PREVIOUS_SP ? load(stack + entry.frameOffset) : entry.frame === BP && own !== undefined ? load(own + entry.frameOffset) : own;
  const known = new Map<string, bigint | undefined>([['rsp', stack], ['rbp', rbp], ['rip', returnAddress]]);
  return { returnAddress, address: returnAddress - 1n, register: (name) => known.get(name), read: (address, bytes) => frame.read(address, bytes) };
}

/** A kernel's stack ends where SYSCALL entered it: there the stack pointer stands at the saved registers of a program. */
function program(frame: FrameContext, load: Load): CallerFrame | undefined {
  const stack = frame.register('rsp'), selector = stack === undefined ? undefined : load(stack + BigInt(WORD * PT_REGS.indexOf('cs')));
  if (stack === undefined || selector === undefined || (selector & PRIVILEGE_LEVEL) !== USER) return undefined;
  return interrupted({ kind: 'registers' }, frame, stack, load);
}

/** What was interrupted stands behind saved registers, all of them or only those that the processor pushed. */
function interrupted(entry: Pick<Entry, 'kind'>, frame: FrameContext, stack: bigint, load: Load): CallerFrame | undefined {
  const first = entry.kind === 'registers' ? 0 : INTERRUPT_FRAME;
  const saved = (name: string): bigint | undefined => {
    const index = PT_REGS.indexOf(name);
    if (index < 0) return undefined;
    return index < first ? (name === 'rbp' ? frame.register('rbp') : undefined) : load(stack + BigInt(WORD * (index - first)));
  };
  const returnAddress = saved('rip');
  return returnAddress === undefined ? undefined : { returnAddress, address: returnAddress, register: saved, read: (address, bytes) => frame.read(address, bytes) };
}
