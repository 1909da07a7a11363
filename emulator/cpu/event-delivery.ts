/** One event through the IDT or the interrupt vector table. SDM Vol. 3, "Exception and Interrupt Handling"; Vol. 2, "INT n/INTO/INT3/INT1". */
import { read32, writeFrom } from '../paging/access.js';
import { type Descriptor, isNull, markAccessed, readDescriptor, selectorFault, TYPE } from './descriptors.js';
import { Exception, FaultInNewTask, VECTORS, vectorName } from './events.js';
import { AC, getRflags, IF, NT, RF, TF, VM } from './flags.js';
import type { EventInDelivery } from './intercepts.js';
import { CS, DS, ES, FS, GS, gpr, S, SS } from './layout.js';
import { ACTIVITY, BLOCKING, canonical, codeSize, goTo, setRflagsBits, systemLinear } from './modes.js';
import type { Processor } from './processor.js';
import { setCodeSegment, setNull, setRealSegment, setStackSegment, stackDescriptor } from './segments.js';
import { type OperandBytes, setFrame, Stack } from './stack.js';
import { innerStack, innerStack64, tss16 } from './task-state.js';
import { switchTask } from './task-switch.js';
import { deliverRedirected, redirected } from './virtual-interrupts.js';

export const EVENT = { externalInterrupt: 0, NMI: 2, hardwareException: 3, softwareInterrupt: 4, privilegedSoftwareException: 5, softwareException: 6 } as const;

const GP = VECTORS['#GP'], NP = VECTORS['#NP'];
const RSP = 4;
const IDT_BIT = 2;

/** Raised by the program itself: the return address lies behind the instruction, and the gate's DPL is checked (not for INT1). */
const bySoftware = (event: EventInDelivery): boolean => event.type >= EVENT.softwareInterrupt;
const checksGateDpl = (event: EventInDelivery): boolean => event.type === EVENT.softwareInterrupt || event.type === EVENT.softwareException;
const externalBit = (event: EventInDelivery): number => (checksGateDpl(event) ? 0 : 1);

/** Vectors of type 3 that are not faults, so that RF is pushed as it stands. */
const NOT_A_FAULT = new Set<number>([VECTORS['#DB'], VECTORS['#DF'], VECTORS['#MC']]);

/** Delivers it once: throws the fault that prevents it (`cpu.delivering` then names the event), changes nothing before it is sure. */
export function deliverEvent(cpu: Processor, event: EventInDelivery): void {
  cpu.delivering = event;
  if (!cpu.protectedMode) deliverReal(cpu, event);
  else if (event.type === EVENT.softwareInterrupt && redirected(cpu, event.vector)) deliverRedirected(cpu, event, returnAddress(cpu, event));
  else if (cpu.longMode) deliver64(cpu, event);
  else deliverProtected(cpu, event);
  cpu.delivering = undefined;
  cpu.deliveries++;
  cpu.activity = ACTIVITY.active;
  const nmi = event.type === EVENT.NMI ? BLOCKING.NMI : 0;
  cpu.interruptibility = (cpu.interruptibility & ~(BLOCKING.STI | BLOCKING.MOV_SS)) | nmi;
  cpu.modeChanged();
}

function returnAddress(cpu: Processor, event: EventInDelivery): number {
  if (!bySoftware(event)) return cpu.rip;
  const next = cpu.rip + event.instructionLength, size = codeSize(cpu);
  return size === 64 ? next : size === 32 ? next >>> 0 : next & 0xffff;
}

function pushedFlags(cpu: Processor, event: EventInDelivery): number {
  const fault = event.type === EVENT.hardwareException && !NOT_A_FAULT.has(event.vector);
  return (getRflags(cpu) | (fault ? RF : 0)) >>> 0;
}

const gateFault = (vector: number, event: EventInDelivery, why: string): Exception =>
  new Exception(vector, event.vector * 8 + IDT_BIT + externalBit(event), 0, `IDT gate ${event.vector} (${vectorName(event.vector)}): ${why}`);

/** SDM Vol. 3, "Interrupt and Exception Handling in Real-Address Mode" of "8086 Emulation". */
function deliverReal(cpu: Processor, event: EventInDelivery): void {
  const at = event.vector * 4;
  if (at + 3 > cpu.low(S.idtrLimit)) throw gateFault(GP, event, 'it lies outside the interrupt vector table');
  const entry = read32(cpu, (cpu.number(S.idtrBase) + at) >>> 0, true);
  const stack = Stack.current(cpu);
  stack.push(2, pushedFlags(cpu, event) & 0xffff);
  stack.push(2, cpu.selector(CS));
  stack.push(2, returnAddress(cpu, event));
  stack.commit();
  setRflagsBits(cpu, IF | TF | AC | RF, 0);
  setRealSegment(cpu, CS, entry >>> 16);
  goTo(cpu, entry & 0xffff);
}

interface Gate { readonly low: number; readonly high: number; readonly type: number }

function readGate(cpu: Processor, event: EventInDelivery, bytes: 8 | 16): Gate {
  const at = event.vector * bytes;
  if (at + bytes - 1 > cpu.low(S.idtrLimit)) throw gateFault(GP, event, 'it lies outside the IDT');
  const address = systemLinear(cpu, cpu.number(S.idtrBase), at);
  const low = read32(cpu, address, true), high = read32(cpu, address + 4, true), type = (high >>> 8) & 0x1f;
  const interruptOrTrap = type === TYPE.INTERRUPT_GATE32 || type === TYPE.TRAP_GATE32;
  const protectedOnly = type === TYPE.TASK_GATE || type === TYPE.INTERRUPT_GATE16 || type === TYPE.TRAP_GATE16;
  if (!interruptOrTrap && (bytes === 16 || !protectedOnly)) throw gateFault(GP, event, `it is no gate for interrupts (type ${type})`);
  if (checksGateDpl(event) && ((high >>> 13) & 3) < cpu.cpl) throw gateFault(GP, event, `its DPL is less than CPL ${cpu.cpl}`);
  if ((high & 0x8000) === 0) throw gateFault(NP, event, 'it is not present');
  return { low, high, type };
}

/** The code segment of the handler. */
function handlerSegment(cpu: Processor, selector: number, external: number): Descriptor {
  if (isNull(selector)) throw new Exception(GP, external, 0, 'the gate of the handler holds a null code-segment selector');
  const d = readDescriptor(cpu, selector, GP, external);
  const name = `code segment 0x${selector.toString(16)} of the handler`;
  if (!d.code) throw selectorFault(GP, selector, external, `${name} is not a code segment`);
  if (d.dpl > cpu.cpl) throw selectorFault(GP, selector, external, `${name} has DPL ${d.dpl}, more than CPL ${cpu.cpl}`);
  if (cpu.longMode && (!d.long || d.big)) throw selectorFault(GP, selector, external, `${name} is not a 64-bit code segment`);
  if (!d.present) throw selectorFault(NP, selector, external, `${name} is not present`);
  return d;
}

/** SDM Vol. 3, "Exception and Interrupt Handling in 64-bit Mode". */
function deliver64(cpu: Processor, event: EventInDelivery): void {
  const external = externalBit(event), oldCpl = cpu.cpl;
  const gate = readGate(cpu, event, 16);
  const upper = read32(cpu, cpu.number(S.idtrBase) + event.vector * 16 + 8, true) | 0;
  const offset = upper * 2 ** 32 + (((gate.low & 0xffff) | (gate.high & 0xffff0000)) >>> 0);
  const code = handlerSegment(cpu, gate.low >>> 16, external);
  const cpl = code.conforming ? oldCpl : code.dpl, ist = gate.high & 7;
  const switches = cpl !== oldCpl;
  const top = switches || ist ? innerStack64(cpu, cpl, ist, external) : cpu.code64 ? cpu.regNumber(RSP) : cpu.reg32(RSP);
  if (!canonical(offset)) throw new Exception(GP, external, 0, `${vectorName(event.vector)} handler address is not canonical`);

  const withError = event.errorCode !== undefined;
  const words = withError ? 6 : 5;
  const pointer = top - (((top % 16) + 16) % 16) - 8 * words;
  if (!canonical(pointer) || !canonical(pointer + 8 * words - 1)) throw new Exception(VECTORS['#SS'], external, 0, 'stack pointer is not canonical');
  let word = 0;
  if (withError) setFrame(cpu, word++, event.errorCode!);
  setFrame(cpu, word++, returnAddress(cpu, event));
  setFrame(cpu, word++, cpu.selector(CS));
  setFrame(cpu, word++, pushedFlags(cpu, event));
  cpu.set(S.frame + 8 * word++, cpu.low(gpr(RSP)), cpu.high(gpr(RSP)));
  setFrame(cpu, word, cpu.selector(SS));
  writeFrom(cpu, pointer, 8 * words, S.frame, switches);

  markAccessed(cpu, code);
  setCodeSegment(cpu, code, cpl);
  if (switches) setNull(cpu, SS, cpl, cpl);
  cpu.setRegNumber(RSP, pointer);
  clearFlags(cpu, (gate.type & 1) === 0);
  goTo(cpu, offset);
}

const clearFlags = (cpu: Processor, interruptGate: boolean): void => setRflagsBits(cpu, TF | NT | RF | VM | (interruptGate ? IF : 0), 0);

/** SDM Vol. 3, "Interrupt Tasks": the error code goes to the new task's stack. */
function deliverToTask(cpu: Processor, event: EventInDelivery, selector: number, external: number): void {
  switchTask(cpu, selector, 'task gate in IDT', returnAddress(cpu, event), external, pushedFlags(cpu, event));
  if (event.errorCode === undefined) return;
  try {
    const stack = Stack.current(cpu, external);
    stack.push(tss16(cpu) ? 2 : 4, event.errorCode);
    stack.commit();
  } catch (thrown) { throw thrown instanceof Exception ? new FaultInNewTask(thrown) : thrown; }
}

/** SDM Vol. 3, "Exception- or Interrupt-Handler Procedures"; from virtual-8086 mode, "Handling an Interrupt or Exception Through a Protected-Mode Trap or Interrupt Gate". */
function deliverProtected(cpu: Processor, event: EventInDelivery): void {
  const external = externalBit(event), oldCpl = cpu.cpl, from8086 = cpu.virtual8086;
  const gate = readGate(cpu, event, 8);
  if (gate.type === TYPE.TASK_GATE) {
    deliverToTask(cpu, event, gate.low >>> 16, external);
    return;
  }
  const selector = gate.low >>> 16;
  const wide = (gate.type & 8) !== 0, bytes: OperandBytes = wide ? 4 : 2;
  const offset = wide ? ((gate.low & 0xffff) | (gate.high & 0xffff0000)) >>> 0 : gate.low & 0xffff;
  const code = handlerSegment(cpu, selector, external);
  const cpl = code.conforming ? oldCpl : code.dpl;
  if (from8086 && cpl !== 0) throw selectorFault(GP, selector, external, 'handler for virtual-8086 mode is not at level 0');

  const switches = cpl !== oldCpl;
  let newStack: Descriptor | undefined, stack: Stack;
  if (switches) {
    const inner = innerStack(cpu, cpl, external);
    newStack = stackDescriptor(cpu, inner.selector, cpl, VECTORS['#TS'], external);
    stack = Stack.of(cpu, newStack, inner.pointer, (inner.selector & 0xfffc) | external, true);
  } else stack = Stack.current(cpu, external);
  if (offset > code.limit) throw new Exception(GP, external, 0, `${vectorName(event.vector)} handler lies outside its code segment`);

  if (from8086) for (const index of [GS, FS, DS, ES]) stack.push(bytes, cpu.selector(index));
  if (switches) {
    stack.push(bytes, cpu.selector(SS));
    stack.pushRegister(bytes, RSP);
  }
  stack.push(bytes, pushedFlags(cpu, event));
  stack.push(bytes, cpu.selector(CS));
  stack.push(bytes, returnAddress(cpu, event));
  if (event.errorCode !== undefined) stack.push(bytes, event.errorCode);

  markAccessed(cpu, code);
  if (newStack) setStackSegment(cpu, newStack);
  if (from8086) for (const index of [GS, FS, DS, ES]) setNull(cpu, index, 0);
  stack.commit();
  setCodeSegment(cpu, code, cpl);
  clearFlags(cpu, (gate.type & 1) === 0);
  goTo(cpu, offset);
}
