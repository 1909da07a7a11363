import type { Bus } from '../memory/bus.js';
import type { LocalApic } from '../devices/local-apic.js';
import type { Mmu } from '../paging/mmu.js';
import type { Observer } from './trap-events.js';
import type { StateMoves } from '../vmx/state-moves.js';
import type { Vmcs } from '../vmx/vmcs.js';
import { statusOf } from '../meaning/flags.js';
import { type EventInDelivery, type Intercepts, ROOT_INTERCEPTS } from './intercepts.js';
import type { Msr } from './msrs.js';
import { gpr, S, SEGMENT, segment } from './layout.js';

const HIGH = 2 ** 32;

/**
 * The processor as TypeScript sees it: its registers are bytes of the shared memory (cpu/layout.ts), reached by name.
 * Physical addresses are numbers; linear addresses are numbers too, sign-extended in 64-bit mode (canonical, so exact).
 * 64-bit values that may be anything are pairs of 32-bit halves, or bigint where speed does not matter.
 */
export class Processor {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
  readonly i64: BigInt64Array;
  readonly f64: Float64Array;
  readonly view: DataView;

  /** Put together by machine/. */
  mmu!: Mmu;
  ports!: Bus;
  rootIntercepts: Intercepts = ROOT_INTERCEPTS;
  nonRootIntercepts: Intercepts = ROOT_INTERCEPTS;
  stateMoves!: StateMoves;
  /** What vmx/vmcs.ts looks at the current VMCS through. */
  vmcs: Vmcs | undefined;
  observer!: Observer;
  localApic!: LocalApic;
  /** Recomputes everything that a mode change decides (code mode, privilege tags): after CR0, CR3, CR4, EFER, CS, SS, CPL, segment loads. `spaceChosen`: the MMU knows already. */
  modeChanged!: (spaceChosen?: boolean) => void;
  /** Bytes of the store that hold translated code were written: place and length. */
  codeWritten!: (place: number, bytes: number) => void;
  /** The status flags that the lazy ones stand for. */
  lazyStatus = (): number => statusOf(this.low(S.flagRule), this.big(S.flagA), this.big(S.flagResult));
  /** Instructions retired by this processor before the current one. */
  instructionCount!: () => number;
  /** The time-stamp counter without any offset. */
  readTsc!: () => bigint;
  /** Acknowledges the interrupt at INTR and returns its vector. */
  acknowledgeInterrupt = (): number => this.localApic.acknowledge();
  /** Whether the local APIC asserts INTR. */
  interruptRequested = (): boolean => this.localApic.interruptRequested;

  /** Offset in the code segment of the instruction after the current one: where execution goes on. Exact, as a bigint when it must be. */
  nextRip = 0;

  /** CPUID features of this processor by name (cpu/cpuid.ts); an instruction whose feature is missing is #UD. */
  features: ReadonlySet<string> = new Set();
  /** Model-specific registers besides those of cpu/msrs.ts, registered by vmx/ and devices. */
  readonly msrs = new Map<number, Msr>();
  /** Ticks of the time-stamp counter in a second, for CPUID. */
  tscHz = 1_000_000_000;
  /** The event whose delivery is under way, or was when something was thrown: IDT-vectoring information. Whoever takes the fault clears it. */
  delivering: EventInDelivery | undefined;
  /** Whether the instruction under way is run by itself: only then may it end in a debug trap for what it accessed. */
  alone = true;
  /** Whether the next one must be. */
  aloneNext = false;
  /** FERR#, asserted by an x87 error while CR0.NE is 0. */
  signalFloatError!: () => void;
  /** PAUSE says that it waits for another processor: its turn may end. */
  yields = false;
  /** Where INIT takes the bootstrap processor: to firmware. */
  restart!: () => void;
  /** Events delivered so far: whether one came between two boundaries. */
  deliveries = 0;
  /** After a triple fault: what happened, first to last, one sentence each. */
  autopsy: readonly string[] = [];

  constructor(readonly memory: WebAssembly.Memory, readonly id: number, readonly guestBytes: number, readonly packageProcessors = 1) {
    const buffer = memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.view = new DataView(buffer);
  }

  /** A 64-bit field read as a signed number; exact within ±2^53 (every canonical 48-bit address is). */
  number(at: number): number { return this.i32[(at >> 2) + 1]! * HIGH + this.u32[at >> 2]!; }
  setNumber(at: number, value: number): void {
    this.u32[at >> 2] = value >>> 0;
    this.i32[(at >> 2) + 1] = Math.floor(value / HIGH);
  }
  /** The same, unsigned: for physical addresses. */
  unsigned(at: number): number { return this.u32[(at >> 2) + 1]! * HIGH + this.u32[at >> 2]!; }
  low(at: number): number { return this.u32[at >> 2]!; }
  high(at: number): number { return this.u32[(at >> 2) + 1]!; }
  set(at: number, low: number, high: number): void { this.u32[at >> 2] = low; this.u32[(at >> 2) + 1] = high; }
  big(at: number): bigint { return this.u64[at >> 3]!; }
  setBig(at: number, value: bigint): void { this.u64[at >> 3] = value; }

  /** Arguments of an operation (S.args). */
  argument(n: number): number { return this.number(S.args + 16 * n); }
  argumentLow(n: number): number { return this.u32[(S.args + 16 * n) >> 2]!; }
  argumentHigh(n: number): number { return this.u32[((S.args + 16 * n) >> 2) + 1]!; }
  argumentBig(n: number): bigint { return this.big(S.args + 16 * n); }
  /** Results of `compute`, in S.args again. */
  result(n: number, low: number, high = 0): void { this.set(S.args + 16 * n, low, high); }
  resultBig(n: number, value: bigint): void { this.setBig(S.args + 16 * n, BigInt.asUintN(64, value)); }

  /** General registers: 0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP, 5 RBP, 6 RSI, 7 RDI, 8–15. */
  reg32(n: number): number { return this.u32[gpr(n) >> 2]!; }
  setReg32(n: number, value: number): void { this.set(gpr(n), value >>> 0, 0); }
  reg(n: number): bigint { return this.big(gpr(n)); }
  setReg(n: number, value: bigint): void { this.setBig(gpr(n), BigInt.asUintN(64, value)); }
  regNumber(n: number): number { return this.number(gpr(n)); }
  setRegNumber(n: number, value: number): void { this.setNumber(gpr(n), value); }

  get rip(): number { return this.number(S.rip); }
  set rip(value: number) { this.setNumber(S.rip, value); }
  get cpl(): number { return this.u32[S.cpl >> 2]!; }
  set cpl(value: number) { this.u32[S.cpl >> 2] = value; }

  get cr0(): number { return this.u32[S.cr0 >> 2]!; }
  set cr0(value: number) { this.u32[S.cr0 >> 2] = value; }
  get cr2(): number { return this.number(S.cr2); }
  set cr2(value: number) { this.setNumber(S.cr2, value); }
  /** CR3 as loaded, without bit 63. */
  get cr3(): number { return this.unsigned(S.cr3); }
  set cr3(value: number) { this.setNumber(S.cr3, value); }
  get cr4(): number { return this.u32[S.cr4 >> 2]!; }
  set cr4(value: number) { this.u32[S.cr4 >> 2] = value; }
  get efer(): number { return this.u32[S.efer >> 2]!; }
  set efer(value: number) { this.u32[S.efer >> 2] = value; }

  get interruptibility(): number { return this.u32[S.interruptibility >> 2]!; }
  set interruptibility(value: number) { this.u32[S.interruptibility >> 2] = value; }
  get activity(): number { return this.u32[S.activity >> 2]!; }
  set activity(value: number) { this.u32[S.activity >> 2] = value; }
  /** Whom instructions and events ask now. */
  get intercepts(): Intercepts { return this.nonRoot ? this.nonRootIntercepts : this.rootIntercepts; }
  get nonRoot(): boolean { return this.u32[S.nonRoot >> 2] !== 0; }

  selector(s: number): number { return this.u32[(segment(s) + SEGMENT.selector) >> 2]!; }
  attributes(s: number): number { return this.u32[(segment(s) + SEGMENT.attributes) >> 2]!; }
  limit(s: number): number { return this.u32[(segment(s) + SEGMENT.limit) >> 2]!; }
  base(s: number): number { return this.number(segment(s) + SEGMENT.base); }

  /** Protected mode with EFER.LMA and CS.L: 64-bit mode. */
  get longMode(): boolean { return (this.efer & EFER_LMA) !== 0; }
  get code64(): boolean { return this.longMode && (this.attributes(1) & ATTRIBUTE_L) !== 0; }
  get protectedMode(): boolean { return (this.cr0 & 1) !== 0; }
  get virtual8086(): boolean { return (this.low(S.rflags) & RFLAGS_VM) !== 0; }
}

export const EFER_LMA = 1 << 10;
export const RFLAGS_VM = 1 << 17;
/** Access rights of a segment: the VMCS format. */
export const ATTRIBUTE_S = 1 << 4, ATTRIBUTE_P = 1 << 7, ATTRIBUTE_L = 1 << 13, ATTRIBUTE_DB = 1 << 14, ATTRIBUTE_G = 1 << 15, UNUSABLE = 1 << 16;
