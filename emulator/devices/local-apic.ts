import type { Clock } from '../machine/clock.js';
import type { AccessBytes, Device } from '../memory/bus.js';
import { ApicTimer } from './apic-timer.js';
import { DELIVERY, type InterruptMessage } from './interrupt-message.js';
import { VectorSet } from './vector-set.js';

/** The local APIC: registers at offsets of its page, or by number as MSRs in x2APIC mode. SDM Vol. 3, "Advanced Programmable Interrupt Controller (APIC)". */

/** What IA32_APIC_BASE says of it. */
export type ApicMode = 'disabled' | 'xAPIC' | 'x2APIC';

export type Shorthand = 'none' | 'self' | 'all including self' | 'all excluding self';
const SHORTHANDS: readonly Shorthand[] = ['none', 'self', 'all including self', 'all excluding self'];

export interface LocalApicWires {
  readonly clock: Clock;
  /** IA32_TIME_STAMP_COUNTER. */
  tsc(): bigint;
  send(message: InterruptMessage, shorthand: Shorthand): void;
  /** A level-triggered interrupt has been serviced: told to the I/O APICs. */
  endOfInterrupt(vector: number): void;
  /** An interrupt has been serviced. */
  serviced?(vector: number): void;
  /** An INTA cycle to the 8259A, which answers with the vector. */
  acknowledgeExternal(): number;
  NMI(): void;
  SMI(): void;
  INIT(): void;
  startUp(vector: number): void;
}

/** The local vector table, in the order of its registers: offsets 320H to 370H. */
const LVT = { timer: 0, thermal: 1, performance: 2, LINT0: 3, LINT1: 4, error: 5 } as const;
const LVT_WRITABLE: readonly number[] = [0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff];
const MASKED = 1 << 16, LEVEL_TRIGGERED = 1 << 15, REMOTE_IRR = 1 << 14, ACTIVE_LOW = 1 << 13;
const TIMER_MODE_SHIFT = 17;

const SOFTWARE_ENABLED = 1 << 8, EOI_BROADCAST_SUPPRESSION = 1 << 12;
/** Version 14H, six entries in the local vector table, suppression of EOI broadcasts. */
const VERSION = 0x14 | (5 << 16) | (1 << 24);
const ERROR = { sendIllegalVector: 1 << 5, receiveIllegalVector: 1 << 6, illegalRegister: 1 << 7 } as const;
const FIRST_VECTOR = 16;

const ICR_LOGICAL = 1 << 11, ICR_ASSERT = 1 << 14, ICR_LEVEL = 1 << 15, ICR_WRITABLE = 0xccfff;
const FLAT = 15;

const initial = () => ({
  taskPriority: 0,
  logicalDestination: 0,
  destinationFormat: 0xffffffff,
  spuriousVector: 0xff,
  errors: 0,
  errorStatus: 0,
  lvt: LVT_WRITABLE.map(() => MASKED),
  icrLow: 0,
  icrHigh: 0,
  /** A message has asked for an INTA cycle. */
  externalPending: false,
});

interface Register {
  /** Absent: it exists in both modes. */
  readonly only?: 'xAPIC' | 'x2APIC';
  /** Absent: write-only. */
  readonly read?: (apic: LocalApic) => number;
  /** Absent: read-only. `writable`: the bits that are not reserved, all when absent. */
  readonly write?: (apic: LocalApic, value: number) => void;
  readonly writable?: number;
  /** In x2APIC mode it is read-only. */
  readonly fixedInX2apic?: true;
}

export class LocalApic implements Device {
  readonly name: string;
  mode: ApicMode = 'disabled';
  readonly timer: ApicTimer;
  /** Whether INTR is asserted to the processor. */
  interruptRequested = false;
  private state = initial();
  /** The APIC ID, in xAPIC mode of eight bits. */
  private apicId: number;
  private readonly requests = new VectorSet();
  private readonly inService = new VectorSet();
  private readonly levelTriggered = new VectorSet();
  private readonly lines = [false, false];

  constructor(readonly id: number, private readonly wires: LocalApicWires) {
    this.name = `local APIC ${id}`;
    this.apicId = id;
    this.timer = new ApicTimer(id, wires.clock, () => wires.tsc(), () => { this.local(LVT.timer); });
  }

  /** Bits 7:4 are CR8. */
  get taskPriority(): number { return this.state.taskPriority; }
  set taskPriority(value: number) {
    this.state.taskPriority = value;
    this.settle();
  }

  /** SDM Vol. 3, "Task and Processor Priorities". */
  get processorPriority(): number {
    const task = this.state.taskPriority, serviced = Math.max(0, this.inService.highest) & 0xf0;
    return (task & 0xf0) >= serviced ? task : serviced;
  }

  /** After IA32_APIC_BASE was written. SDM Vol. 3, "x2APIC State Transitions": what a disabled APIC knew is lost. */
  setMode(mode: ApicMode): void {
    const before = this.mode;
    if (mode === before) return;
    this.mode = mode;
    if (mode === 'disabled' || before === 'disabled') this.initialize();
    this.apicId = this.id;
    if (mode === 'x2APIC') {
      this.state.logicalDestination = ((this.id >>> 4) << 16) | (1 << (this.id & 15));
      this.state.icrHigh = 0;
    }
    this.settle();
  }

  /** The state after INIT; the APIC ID and the mode stay. */
  initialize(): void {
    const { logicalDestination } = this.state;
    this.state = initial();
    if (this.mode === 'x2APIC') this.state.logicalDestination = logicalDestination;
    for (const set of [this.requests, this.inService, this.levelTriggered]) set.clear();
    this.timer.reset();
    this.settle();
  }

  /** What firmware leaves to the operating system. MultiProcessor Specification, "Virtual Wire Mode". */
  becomeVirtualWire(): void {
    this.state.spuriousVector |= SOFTWARE_ENABLED;
    this.state.lvt[LVT.LINT0] = DELIVERY.ExtINT << 8;
    this.state.lvt[LVT.LINT1] = DELIVERY.NMI << 8;
    this.settle();
  }

  /** The pins LINT0 and LINT1; a disabled APIC makes them INTR and NMI. */
  setLine(pin: 0 | 1, raised: boolean): void {
    const rose = raised && !this.lines[pin];
    this.lines[pin] = raised;
    const entry = pin === 0 ? LVT.LINT0 : LVT.LINT1;
    if (this.mode === 'disabled') {
      if (pin === 1 && rose) this.wires.NMI();
    } else if (rose || this.isLevelTriggered(entry)) this.linePending(entry, raised);
    this.settle();
  }

  /** SDM Vol. 3, "Determining IPI Destination". */
  isDestination({ destination, logical, wide }: InterruptMessage): boolean {
    if (this.mode === 'disabled') return false;
    const { logicalDestination, destinationFormat } = this.state;
    if (destination === (wide ? 0xffffffff : 0xff)) return true;
    if (!logical) return destination === this.apicId;
    if (this.mode === 'x2APIC') return destination >>> 16 === logicalDestination >>> 16 && (destination & logicalDestination & 0xffff) !== 0;
    const mine = logicalDestination >>> 24;
    if (destinationFormat >>> 28 === FLAT) return (destination & mine) !== 0;
    return (destination >>> 4 === mine >>> 4 || destination >>> 4 === 15) && (destination & mine & 15) !== 0;
  }

  /** Takes what is sent to this APIC. SDM Vol. 3, "Interrupt Acceptance for Fixed Interrupts". */
  accept(delivery: number, vector: number, level = false): void {
    switch (delivery) {
      case DELIVERY.SMI: return this.wires.SMI();
      case DELIVERY.NMI: return this.wires.NMI();
      case DELIVERY.INIT: return this.wires.INIT();
      case DELIVERY.startUp: return this.wires.startUp(vector);
      case DELIVERY.fixed: case DELIVERY.lowestPriority: return this.acceptFixed(vector, level);
      case DELIVERY.ExtINT:
        this.state.externalPending = true;
        this.settle();
    }
  }

  get acceptsFixed(): boolean { return this.mode !== 'disabled' && (this.state.spuriousVector & SOFTWARE_ENABLED) !== 0; }

  /** The processor takes the interrupt: answers the vector. */
  acknowledge(): number {
    const vector = this.deliverable;
    if (vector >= 0) {
      this.requests.delete(vector);
      this.inService.add(vector);
      this.settle();
      return vector;
    }
    if (this.externalRequested) {
      this.state.externalPending = false;
      const external = this.wires.acknowledgeExternal();
      this.settle();
      return external;
    }
    return this.state.spuriousVector & 0xff;
  }

  read(offset: number, bytes: AccessBytes): number {
    if ((offset & 12) !== 0) return 0;
    const register = registerOf(offset & ~3, 'xAPIC');
    if (!register?.read) {
      if (!register) this.error(ERROR.illegalRegister);
      return 0;
    }
    const value = register.read(this) >>> (8 * (offset & 3));
    return bytes === 4 ? value : value & (bytes === 2 ? 0xffff : 0xff);
  }

  /** UNDEFINED: accesses other than 32 bits wide; ours write the whole register, upper bytes zero. */
  write(offset: number, _bytes: AccessBytes, value: number): void {
    if ((offset & 15) !== 0) return;
    const register = registerOf(offset, 'xAPIC');
    if (!register) this.error(ERROR.illegalRegister);
    register?.write?.(this, (value & (register.writable ?? ~0)) >>> 0);
  }

  /** An MSR of x2APIC mode, 800H + `number`; undefined when it cannot be read. */
  readRegister(number: number): bigint | undefined {
    const value = registerOf(number << 4, 'x2APIC')?.read?.(this);
    if (value === undefined) return undefined;
    return number << 4 === ICR_LOW ? (BigInt(this.state.icrHigh) << 32n) | BigInt(value >>> 0) : BigInt(value >>> 0);
  }

  /** False: it cannot be written, or not so. */
  writeRegister(number: number, value: bigint): boolean {
    const register = registerOf(number << 4, 'x2APIC'), isIcr = number << 4 === ICR_LOW;
    if (!register?.write || register.fixedInX2apic) return false;
    const low = Number(value & 0xffffffffn), high = Number(value >> 32n);
    if ((low & ~(register.writable ?? ~0)) !== 0 || (high !== 0 && !isIcr)) return false;
    if (isIcr) this.state.icrHigh = high;
    register.write(this, low);
    return true;
  }

  reset(): void {
    this.mode = 'xAPIC';
    this.apicId = this.id;
    this.initialize();
  }

  save() {
    const { mode, apicId, state, lines } = this;
    return {
      mode, apicId, state: { ...state, lvt: [...state.lvt] }, lines: [...lines], timer: this.timer.save(),
      requests: this.requests.save(), inService: this.inService.save(), levelTriggered: this.levelTriggered.save(),
    };
  }

  restore(saved: unknown): void {
    const { mode, apicId, state, lines, timer, requests, inService, levelTriggered } = saved as LocalApicState;
    this.mode = mode;
    this.apicId = apicId;
    this.state = { ...state, lvt: [...state.lvt] };
    this.lines.splice(0, 2, ...lines);
    this.timer.restore(timer);
    this.requests.restore(requests);
    this.inService.restore(inService);
    this.levelTriggered.restore(levelTriggered);
    this.settle();
  }

  /** Registers by offset; those that are vectors of 256 bits come as eight. */
  static readonly REGISTERS: ReadonlyMap<number, Register> = new Map<number, Register>([
    [0x20, { read: (a) => (a.mode === 'x2APIC' ? a.apicId : a.apicId << 24), fixedInX2apic: true, write: (a, v) => { a.apicId = v >>> 24; } }],
    [0x30, { read: () => VERSION }],
    [0x80, { read: (a) => a.taskPriority, writable: 0xff, write: (a, v) => { a.taskPriority = v; } }],
    [0x90, { only: 'xAPIC', read: () => 0 }],
    [0xa0, { read: (a) => a.processorPriority }],
    [0xb0, { writable: 0, write: (a) => { a.endOfInterrupt(); } }],
    [0xc0, { only: 'xAPIC', read: () => 0 }],
    [0xd0, { read: (a) => a.state.logicalDestination, fixedInX2apic: true, writable: 0xff000000, write: (a, v) => { a.state.logicalDestination = v; } }],
    [0xe0, { only: 'xAPIC', read: (a) => a.state.destinationFormat, write: (a, v) => { a.state.destinationFormat = (v | 0x0fffffff) >>> 0; } }],
    [0xf0, { read: (a) => a.state.spuriousVector, writable: 0xff | SOFTWARE_ENABLED | EOI_BROADCAST_SUPPRESSION, write: (a, v) => { a.setSpuriousVector(v); } }],
    ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((n): [number, Register][] => [
      [0x100 + 16 * n, { read: (a) => a.inService.word(n) }],
      [0x180 + 16 * n, { read: (a) => a.levelTriggered.word(n) }],
      [0x200 + 16 * n, { read: (a) => a.requests.word(n) }],
    ]),
    [0x280, { read: (a) => a.state.errorStatus, writable: 0, write: (a) => { a.state.errorStatus = a.state.errors; a.state.errors = 0; } }],
    [0x300, { read: (a) => a.state.icrLow, writable: ICR_WRITABLE, write: (a, v) => { a.command(v); } }],
    [0x310, { only: 'xAPIC', read: (a) => a.state.icrHigh, writable: 0xff000000, write: (a, v) => { a.state.icrHigh = v; } }],
    ...LVT_WRITABLE.map((writable, n): [number, Register] => [0x320 + 16 * n, { read: (a) => a.state.lvt[n]!, writable, write: (a, v) => { a.setLocalVector(n, v); } }]),
    [0x380, { read: (a) => a.timer.initialCount, write: (a, v) => { a.timer.initialCount = v; } }],
    [0x390, { read: (a) => a.timer.currentCount }],
    [0x3e0, { read: (a) => a.timer.divideConfiguration, writable: 0xb, write: (a, v) => { a.timer.divideConfiguration = v; } }],
    [0x3f0, { only: 'x2APIC', writable: 0xff, write: (a, v) => { a.send(v, DELIVERY.fixed, false, 'self'); } }],
  ]);

  /** Those of x2APIC mode, by number. */
  static readonly X2APIC_REGISTERS: readonly number[] = [...LocalApic.REGISTERS].filter(([, { only }]) => only !== 'xAPIC').map(([offset]) => offset >>> 4);

  private setSpuriousVector(value: number): void {
    this.state.spuriousVector = value;
    // "When the local APIC is in the software-disabled state … the mask bits for all the LVT entries are set".
    if ((value & SOFTWARE_ENABLED) === 0) for (let n = 0; n < this.state.lvt.length; n++) this.state.lvt[n]! |= MASKED;
    this.settle();
  }

  private setLocalVector(n: number, value: number): void {
    const enabled = (this.state.spuriousVector & SOFTWARE_ENABLED) !== 0;
    this.state.lvt[n] = value | (enabled ? 0 : MASKED) | (this.state.lvt[n]! & REMOTE_IRR);
    if (n === LVT.timer) this.timer.setMode(value >>> TIMER_MODE_SHIFT);
    if (this.isLevelTriggered(n)) this.linePending(n, this.lines[n === LVT.LINT0 ? 0 : 1]!);
    this.settle();
  }

  /** Only the pins can be level-triggered, LINT1 with NMI and the others never. */
  private isLevelTriggered(n: number): boolean {
    const entry = this.state.lvt[n]!;
    return (n === LVT.LINT0 || n === LVT.LINT1) && ((entry >>> 8) & 7) === DELIVERY.fixed && (entry & LEVEL_TRIGGERED) !== 0;
  }

  /** An edge of a pin, or the level of a level-triggered one. */
  private linePending(n: number, raised: boolean): void {
    const entry = this.state.lvt[n]!;
    if (!this.isLevelTriggered(n)) return this.local(n);
    if ((entry & (MASKED | REMOTE_IRR)) !== 0 || raised === ((entry & ACTIVE_LOW) !== 0)) return;
    this.state.lvt[n] = entry | REMOTE_IRR;
    this.acceptFixed(entry & 0xff, true);
  }

  /** A source of the local vector table has an interrupt. */
  private local(n: number): void {
    const entry = this.state.lvt[n]!;
    if ((entry & MASKED) !== 0) return;
    const delivery = n === LVT.timer || n === LVT.error ? DELIVERY.fixed : (entry >>> 8) & 7;
    // ExtINT follows the pin itself.
    if (delivery !== DELIVERY.ExtINT) this.accept(delivery, entry & 0xff);
  }

  private acceptFixed(vector: number, level: boolean): void {
    if (!this.acceptsFixed) return;
    if (vector < FIRST_VECTOR) return this.error(ERROR.receiveIllegalVector);
    this.requests.add(vector);
    if (level) this.levelTriggered.add(vector);
    else this.levelTriggered.delete(vector);
    this.settle();
  }

  endOfInterrupt(): void {
    const vector = this.inService.highest;
    if (vector < 0) return;
    this.inService.delete(vector);
    this.wires.serviced?.(vector);
    if (this.levelTriggered.has(vector)) {
      for (const n of [LVT.LINT0, LVT.LINT1]) {
        const entry = this.state.lvt[n]!;
        if ((entry & REMOTE_IRR) === 0 || (entry & 0xff) !== vector) continue;
        this.state.lvt[n] = entry & ~REMOTE_IRR;
        this.linePending(n, this.lines[n === LVT.LINT0 ? 0 : 1]!);
      }
      if ((this.state.spuriousVector & EOI_BROADCAST_SUPPRESSION) === 0) this.wires.endOfInterrupt(vector);
    }
    this.settle();
  }

  private command(low: number): void {
    this.state.icrLow = low;
    const delivery = (low >>> 8) & 7;
    // "INIT Level De-assert … not supported in the Pentium 4 and Intel Xeon processors": nothing listens to it.
    if (delivery === DELIVERY.INIT && (low & (ICR_LEVEL | ICR_ASSERT)) === ICR_LEVEL) return;
    this.send(low & 0xff, delivery, (low & ICR_LOGICAL) !== 0, SHORTHANDS[(low >>> 18) & 3]!);
  }

  private send(vector: number, delivery: number, logical: boolean, shorthand: Shorthand): void {
    const fixed = delivery === DELIVERY.fixed || delivery === DELIVERY.lowestPriority;
    if (fixed && vector < FIRST_VECTOR) return this.error(ERROR.sendIllegalVector);
    const wide = this.mode === 'x2APIC';
    this.wires.send({ vector, delivery, level: false, logical, destination: wide ? this.state.icrHigh : this.state.icrHigh >>> 24, wide }, shorthand);
  }

  /** SDM Vol. 3, "Error Handling". */
  private error(bit: number): void {
    const raised = (this.state.errors & bit) === 0;
    this.state.errors |= bit;
    // An illegal vector in the error register's own entry is no further error.
    if (raised && (this.state.lvt[LVT.error]! & 0xff) >= FIRST_VECTOR) this.local(LVT.error);
  }

  private get externalRequested(): boolean {
    if (this.state.externalPending) return true;
    if (!this.lines[0]) return false;
    const entry = this.state.lvt[LVT.LINT0]!;
    return this.mode === 'disabled' || ((entry & MASKED) === 0 && ((entry >>> 8) & 7) === DELIVERY.ExtINT);
  }

  /** The requested vector whose class exceeds that of the processor, or -1. */
  private get deliverable(): number {
    const vector = this.requests.highest;
    return vector >>> 4 > this.processorPriority >>> 4 && vector >= 0 ? vector : -1;
  }

  private settle(): void { this.interruptRequested = this.deliverable >= 0 || this.externalRequested; }
}

const ICR_LOW = 0x300;

function registerOf(offset: number, mode: 'xAPIC' | 'x2APIC'): Register | undefined {
  const register = LocalApic.REGISTERS.get(offset);
  return register && (register.only ?? mode) === mode ? register : undefined;
}

type LocalApicState = ReturnType<LocalApic['save']>;
