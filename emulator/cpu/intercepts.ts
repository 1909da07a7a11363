import type { Abandon } from './events.js';
import { S } from './layout.js';
import type { Processor } from './processor.js';

/**
 * Where an instruction asks whether it exits to a hypervisor. In root operation nothing does; vmx/ implements this for
 * non-root operation. Every function either returns (go on) or performs the VM exit and throws `ABANDON`; `instruction` returns it.
 * SDM Vol. 3, "VMX Non-Root Operation".
 */
export interface Intercepts {
  /** Instructions that exit always or by one control: CPUID, HLT, INVLPG, RDTSC, … `qualification` is the linear address for INVLPG. */
  instruction(cpu: Processor, name: string, qualification?: number): Abandon | undefined;
  /** MOV to CR0/3/4/8, MOV from CR3/8, CLTS, LMSW. Returns the value to be written after masks and shadows. */
  movToCr(cpu: Processor, cr: number, register: number, value: number): number;
  movFromCr(cpu: Processor, cr: number, register: number): void;
  /** MOV to CR8 after its checks. False: it goes to the local APIC. */
  setTaskPriority(cpu: Processor, value: number): boolean;
  /** Whether CR0.TS is to be cleared. */
  clts(cpu: Processor): boolean;
  /** `memory`: linear address of a memory operand. Returns the word whose bits 3:0 are to be loaded. */
  lmsw(cpu: Processor, source: number, memory: number | undefined): number;
  /** The value of CR0/CR4 that the guest reads: mask and shadow applied; CR8 of the APIC that it sees. */
  readCr(cpu: Processor, cr: 0 | 4 | 8): number;
  movDr(cpu: Processor, dr: number, register: number, toRegister: boolean): void;
  /** RDMSR and WRMSR: what a virtual APIC answers; undefined, and false: the MSR itself is read or written. */
  readMsr(cpu: Processor, index: number): bigint | undefined;
  writeMsr(cpu: Processor, index: number, value: bigint): boolean;
  /** Ports. `string`, `rep`, `immediate` as in the exit qualification. */
  io(cpu: Processor, port: number, bytes: number, input: boolean, string: boolean, rep: boolean, immediate: boolean, linear?: number): void;
  /** An exception about to be delivered (not one being delivered by IDT already): exits, or returns. */
  exception(cpu: Processor, vector: number, errorCode: number | undefined, qualification: number, duringDelivery: EventInDelivery | undefined, type?: number): void;
  /**
   * A boundary between instructions, before what is named is considered: writes to the virtual APIC; MTF; preemption timer and NMI window; interrupt window and
   * virtual interrupts. True: a VM exit happened, or an interrupt was delivered.
   */
  boundary(cpu: Processor, before: 'INIT' | 'debug trap' | 'NMI' | 'external interrupt'): boolean;
  /** Whether nothing of that can happen at the next boundary. */
  quiet(cpu: Processor): boolean;
  /** Whether external interrupts are taken though RFLAGS.IF is 0, NMIs though blocking by NMI is set, and whether IRET ends blocking by NMI. */
  ignoresInterruptFlag(cpu: Processor): boolean;
  ignoresNmiBlocking(cpu: Processor): boolean;
  iretUnblocksNmis(cpu: Processor): boolean;
  /** An external interrupt or NMI is about to be taken. `acknowledge` fetches the vector. Returns true when it caused a VM exit. */
  interrupt(cpu: Processor, kind: 'external interrupt' | 'NMI', acknowledge: () => number): boolean;
  /** INIT, or a start-up message in the wait-for-SIPI state. True: a VM exit happened; 'blocked': it waits. */
  startSignal(cpu: Processor, signal: 'INIT' | 'SIPI', vector: number): boolean | 'blocked';
  tripleFault(cpu: Processor): boolean;
  taskSwitch(cpu: Processor, selector: number, source: 'CALL' | 'IRET' | 'JMP' | 'task gate in IDT'): void;
  /** TSC as the guest sees it: scaled, and with the TSC offset. */
  readTsc(cpu: Processor, tsc: bigint): bigint;
}

/** An event whose delivery was under way when something else happened (IDT-vectoring information). */
export interface EventInDelivery {
  vector: number;
  /** 0 external interrupt, 2 NMI, 3 hardware exception, 4 software interrupt, 5 privileged software exception, 6 software exception. */
  type: number;
  errorCode: number | undefined;
  instructionLength: number;
}

const nothing = (): void => undefined;

/** Outside VMX operation and in VMX root operation nothing exits. */
export const ROOT_INTERCEPTS: Intercepts = {
  instruction: () => undefined,
  movToCr: (_cpu, _cr, _register, value) => value,
  movFromCr: nothing,
  clts: () => true,
  lmsw: (_cpu, source) => source,
  setTaskPriority: () => false,
  readCr: (cpu, cr) => (cr === 0 ? cpu.cr0 : cr === 4 ? cpu.cr4 : cpu.localApic.taskPriority >>> 4),
  movDr: nothing,
  readMsr: () => undefined,
  writeMsr: () => false,
  io: nothing,
  exception: nothing,
  quiet: () => true,
  boundary: () => false,
  ignoresInterruptFlag: () => false,
  ignoresNmiBlocking: () => false,
  iretUnblocksNmis: () => true,
  interrupt: () => false,
  // "the INIT signal … is blocked in VMX root operation".
  startSignal: (cpu) => (cpu.low(S.vmxOn) !== 0 ? 'blocked' : false),
  tripleFault: () => false,
  taskSwitch: nothing,
  readTsc: (_cpu, tsc) => tsc,
};
