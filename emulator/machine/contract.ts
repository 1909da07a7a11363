/** The whole PC as its users see it: debugger, command line, tests and benchmarks hold a `Machine` and nothing behind it. */
import type { FirmwarePlan } from '../boot/firmware.js';
import type { BootPlan } from '../boot/plan.js';
import type { Processor } from '../cpu/processor.js';
import type { Disk } from '../devices/virtio/disk.js';
import type { Share } from '../devices/virtio/file-share.js';
import type { StopConditions } from '../observe/conditions.js';
import type { TrapEvent } from '../cpu/trap-events.js';
import type { TrapLedger } from '../observe/ledger.js';
import type { Translation } from '../observe/translation.js';

/** A network card, and who is at the other end of its cable. Frames are Ethernet's, without their check sequence. */
export interface Cable {
  /** The card's: 6 bytes. */
  readonly address: Uint8Array;
  /** The machine has sent a frame, and will leave its run after this instruction: what answers it comes by `Machine.receive`. */
  sent(frame: Uint8Array): void;
}

export interface MachineOptions {
  memoryBytes: number;
  cpus: number;
  /** Where the numbers of RDRAND, RDSEED and the entropy device begin; 0 if left out. */
  seed?: number;
  /** Of the processors, by the names of cpu/cpuid.ts; all that there are if left out. */
  features?: ReadonlySet<string>;
  onSerial(port: 1 | 2, byte: number): void;
  onDebugConsole(byte: number): void;
  nanosecondsPerInstruction?: number;
  /** Instructions of a turn, where several processors take turns. */
  quantum?: number;
  /** Disks on virtio, in their order on the bus. */
  disks?: readonly Disk[];
  /** Folders that the guest can mount by 9P over virtio. */
  shares?: readonly Share[];
  /** Network cards on virtio, in their order on the bus. */
  cables?: readonly Cable[];
  /** Disks on ATA cables, at most three; the third is beside the CD drive. */
  ataDisks?: readonly Disk[];
  /** The disc in the CD drive. */
  cd?: Uint8Array;
  /** What becomes of a reset that the guest asks for, and of a triple fault: the machine begins anew, or stops. Resets restart it if that is left out, triple faults stop it. */
  onReset?: 'restart' | 'stop';
  onTripleFault?: 'restart' | 'stop';
  /** The guest reset the machine, which begins anew. */
  restarted?(): void;
  /** Whether hot code is compiled; both ways end in the same state. */
  tier?: 'interpreter' | 'compiled';
}

export type StopReason =
  /** As many instructions as were asked for have been run. */
  | { kind: 'budget' }
  | { kind: 'limit' }
  | { kind: 'paused' }
  | { kind: 'breakpoint'; linear: number }
  | { kind: 'event'; event: TrapEvent }
  /** The guest wrote `value` to the exit port. */
  | { kind: 'exit'; value: number }
  | { kind: 'power-off' }
  /** The guest asked for a reset, and `onReset` is 'stop'. */
  | { kind: 'reset' }
  | { kind: 'triple fault'; autopsy: string[] }
  /** Every processor is halted and no event can ever wake one. */
  | { kind: 'halted for ever' }
  | { kind: 'not implemented'; what: string };

/** Execution breakpoints by linear address, in whatever address space it is reached; decided when code is translated. */
export interface Breakpoints {
  set(linear: number): void;
  clear(linear: number): void;
  list(): readonly number[];
}

export interface Machine {
  /** Looking one up makes its state visible: until another is looked up, or the machine runs. */
  readonly processors: readonly Processor[];
  /** Whose turn it is: the processor that the last stop concerns. */
  readonly current: number;
  readonly memory: WebAssembly.Memory;
  readonly guestBytes: number;
  load(plan: BootPlan | FirmwarePlan): void;
  reset(): void;
  /** Runs at most that many instructions, exactly. A breakpoint at the very first of them stops it at once: `step` leaves such a place.
   *  `paused` when so much time has passed while all processors were halted, or a frame was sent; without such a limit, a machine that only input can wake is halted for ever. */
  run(instructions: number, idleNanoseconds?: number): StopReason;
  /** The others run until it is this processor's turn; then one instruction, breakpoint or not, or the delivery of one event. `budget` when it was done. */
  step(cpu: number): StopReason;
  /** Retired since power-up, by all processors. */
  readonly instructions: number;
  /** Virtual time since power-up in which all processors were halted. */
  readonly idleNanoseconds: number;
  readonly breakpoints: Breakpoints;
  readonly ledger: TrapLedger;
  readonly conditions: StopConditions;
  input(port: 1 | 2, bytes: Uint8Array): void;
  /** A frame arrives at a network card. False: it has no room now. */
  receive(card: number, frame: Uint8Array): boolean;
  stateHash(): string;
  /** The block that holds the instruction at a linear address, as it is translated for the mode of the processor that was looked up last. */
  translation(linear: number): Translation | undefined;
  save(): Uint8Array;
  restore(data: Uint8Array): void;
}

/** What runs from its first instruction to its end, with nobody who stops it. */
export type RunningMachine = Pick<Machine, 'load' | 'run' | 'input' | 'receive' | 'instructions' | 'idleNanoseconds' | 'ledger' | 'conditions' | 'stateHash' | 'translation'>;
