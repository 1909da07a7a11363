/** Far JMP, CALL and RET. SDM Vol. 2, "JMP—Jump", "CALL—Call Procedure", "RET—Return From Procedure"; Vol. 3, "Privilege Checking When Transferring Program Control Between Code Segments". */
import { type Descriptor, descriptorAddress, isNull, markAccessed, readDescriptor, selectorFault, TYPE } from './descriptors.js';
import { Exception, VECTORS } from './events.js';
import { CS, SS } from './layout.js';
import { canonical } from './modes.js';
import type { Processor } from './processor.js';
import {
  dropPrivilegedSegments, setCodeSegment, setNull, setRealSegment, setStackSegment, setVirtual8086Segment, stackDescriptor,
} from './segments.js';
import { type OperandBytes, setStackPointerWord, Stack, stackSize } from './stack.js';
import { innerStack, innerStack64 } from './task-state.js';
import { switchTask } from './task-switch.js';
import { read32 } from '../paging/access.js';

const GP = VECTORS['#GP'], NP = VECTORS['#NP'];
const RSP = 4;
const hex = (n: number): string => `0x${n.toString(16)}`;

const realLike = (cpu: Processor): boolean => !cpu.protectedMode || cpu.virtual8086;

/** CS:IP of real-address and virtual-8086 mode. */
export function setRealCode(cpu: Processor, selector: number): void {
  if (cpu.virtual8086) setVirtual8086Segment(cpu, CS, selector); else setRealSegment(cpu, CS, selector);
}
export function checkRealOffset(cpu: Processor, offset: number): void {
  if (offset > cpu.limit(CS)) throw new Exception(GP, 0, 0, `IP ${hex(offset)} lies outside the limit of CS`);
}

/** Whether an offset may be executed in a code segment. */
export function checkOffset(cpu: Processor, code: Descriptor, offset: number): void {
  const ok = cpu.longMode && code.long ? canonical(offset) : offset <= code.limit;
  if (!ok) throw new Exception(GP, 0, 0, `target ${hex(offset)} lies outside code segment ${hex(code.selector)}`);
}

/** A code segment as the target of a direct far jump or call: the CPL stays. */
function directTarget(cpu: Processor, code: Descriptor, offset: number): void {
  const { cpl } = cpu, name = `code segment ${hex(code.selector)}`;
  if (cpu.longMode && code.long && code.big) throw selectorFault(GP, code.selector, 0, `${name} has both L and D set`);
  if (code.conforming ? code.dpl > cpl : (code.selector & 3) > cpl || code.dpl !== cpl)
    throw selectorFault(GP, code.selector, 0, `${name} with DPL ${code.dpl} cannot be reached from CPL ${cpl}`);
  if (!code.present) throw selectorFault(NP, code.selector, 0, `${name} is not present`);
  checkOffset(cpu, code, offset);
}

function target(cpu: Processor, selector: number): Descriptor {
  if (isNull(selector)) throw new Exception(GP, 0, 0, 'far transfer to a null selector');
  const d = readDescriptor(cpu, selector);
  if (!d.system && !d.code) throw selectorFault(GP, selector, 0, `segment ${hex(selector)} is not a code segment`);
  return d;
}

interface Gate { readonly code: Descriptor; readonly offset: number; readonly bytes: OperandBytes; readonly parameters: number }

const TASKS = new Set<number>([TYPE.TASK_GATE, TYPE.TSS16, TYPE.TSS32, TYPE.TSS16_BUSY, TYPE.TSS32_BUSY]);
/** A TSS, or a task gate, whose privilege decides then. */
function toTask(cpu: Processor, d: Descriptor, source: 'CALL' | 'JMP'): boolean {
  if (!d.system || cpu.longMode || !TASKS.has(d.type)) return false;
  const { selector } = d, isGate = d.type === TYPE.TASK_GATE, name = `${isGate ? 'task gate' : 'TSS'} ${hex(selector)}`;
  if (d.dpl < cpu.cpl || d.dpl < (selector & 3)) throw selectorFault(GP, selector, 0, `${name} has DPL ${d.dpl}: less than CPL ${cpu.cpl} or its RPL`);
  if (isGate && !d.present) throw selectorFault(NP, selector, 0, `${name} is not present`);
  switchTask(cpu, isGate ? d.gateSelector : selector, source, cpu.nextRip);
  return true;
}

/** A call gate, and the code segment behind it, checked as far as JMP and CALL have in common. */
function callGate(cpu: Processor, gate: Descriptor, source: 'CALL' | 'JMP'): Gate {
  const { selector } = gate, { cpl } = cpu, name = `call gate ${hex(selector)}`;
  const isGate = gate.type === TYPE.CALL_GATE32 || (gate.type === TYPE.CALL_GATE16 && !cpu.longMode);
  if (!gate.system || !isGate) throw selectorFault(GP, selector, 0, `descriptor ${hex(selector)} is no target of a far ${source}`);
  if (gate.dpl < cpl || (selector & 3) > gate.dpl) throw selectorFault(GP, selector, 0, `${name} has DPL ${gate.dpl}: less than CPL ${cpl} or its RPL`);
  if (!gate.present) throw selectorFault(NP, selector, 0, `${name} is not present`);
  if (isNull(gate.gateSelector)) throw new Exception(GP, 0, 0, `${name} holds a null selector`);

  let upper = 0;
  if (cpu.longMode) {
    if (descriptorAddress(cpu, selector, 16) === undefined || read32(cpu, gate.address + 12, true) & 0x1f00)
      throw selectorFault(GP, selector, 0, `${name}: its upper half is wrong`);
    upper = read32(cpu, gate.address + 8, true) | 0;
  }
  const code = readDescriptor(cpu, gate.gateSelector);
  if (!code.code || code.dpl > cpl || (source === 'JMP' && !code.conforming && code.dpl !== cpl))
    throw selectorFault(GP, gate.gateSelector, 0, `${name} leads to ${hex(gate.gateSelector)}, which cannot be reached from CPL ${cpl}`);
  if (cpu.longMode && (!code.long || code.big)) throw selectorFault(GP, gate.gateSelector, 0, `${name} leads to a segment that is not 64-bit code`);
  if (!code.present) throw selectorFault(NP, gate.gateSelector, 0, `code segment ${hex(gate.gateSelector)} is not present`);
  const wide = gate.type === TYPE.CALL_GATE32;
  const offset = upper * 2 ** 32 + (wide ? gate.gateOffset : gate.gateOffset & 0xffff);
  return { code, offset, bytes: cpu.longMode ? 8 : wide ? 4 : 2, parameters: cpu.longMode ? 0 : gate.high & 0x1f };
}

function enter(cpu: Processor, code: Descriptor, cpl: number, offset: number): void {
  setCodeSegment(cpu, code, cpl);
  cpu.nextRip = offset;
  cpu.modeChanged();
}

export function jumpFar(cpu: Processor, selector: number, offset: number): void {
  if (realLike(cpu)) {
    checkRealOffset(cpu, offset);
    setRealCode(cpu, selector);
    cpu.nextRip = offset;
    cpu.modeChanged();
    return;
  }
  const d = target(cpu, selector);
  if (d.code) {
    directTarget(cpu, d, offset);
    markAccessed(cpu, d);
    enter(cpu, d, cpu.cpl, offset);
    return;
  }
  if (toTask(cpu, d, 'JMP')) return;
  const gate = callGate(cpu, d, 'JMP');
  checkOffset(cpu, gate.code, gate.offset);
  markAccessed(cpu, gate.code);
  enter(cpu, gate.code, cpu.cpl, gate.offset);
}

export function callFar(cpu: Processor, selector: number, offset: number, bytes: OperandBytes): void {
  const stack = Stack.current(cpu), returnTo = cpu.nextRip;
  if (realLike(cpu)) {
    stack.push(bytes, cpu.selector(CS));
    stack.push(bytes, returnTo);
    checkRealOffset(cpu, offset);
    stack.commit();
    setRealCode(cpu, selector);
    cpu.nextRip = offset;
    cpu.modeChanged();
    return;
  }
  const d = target(cpu, selector);
  if (d.code) {
    directTarget(cpu, d, offset);
    stack.push(bytes, cpu.selector(CS));
    stack.push(bytes, returnTo);
    markAccessed(cpu, d);
    stack.commit();
    enter(cpu, d, cpu.cpl, offset);
    return;
  }
  if (toTask(cpu, d, 'CALL')) return;
  const gate = callGate(cpu, d, 'CALL');
  if (!gate.code.conforming && gate.code.dpl < cpu.cpl) callInner(cpu, gate, returnTo);
  else {
    const same = cpu.longMode ? Stack.flat(cpu, cpu.regNumber(RSP), 0, false) : stack;
    same.push(gate.bytes, cpu.selector(CS));
    same.push(gate.bytes, returnTo);
    checkOffset(cpu, gate.code, gate.offset);
    markAccessed(cpu, gate.code);
    setCodeSegment(cpu, gate.code, cpu.cpl);
    same.commit();
    enter(cpu, gate.code, cpu.cpl, gate.offset);
  }
}

/** Through a gate to a more privileged level: to its stack of the TSS, with the parameters. */
function callInner(cpu: Processor, gate: Gate, returnTo: number): void {
  const cpl = gate.code.dpl, old = Stack.current(cpu), { bytes } = gate;
  let newSs: Descriptor | undefined, stack: Stack;
  if (cpu.longMode) stack = Stack.flat(cpu, innerStack64(cpu, cpl, 0, 0), 0, true);
  else {
    const inner = innerStack(cpu, cpl, 0);
    newSs = stackDescriptor(cpu, inner.selector, cpl, VECTORS['#TS']);
    stack = Stack.of(cpu, newSs, inner.pointer, inner.selector & 0xfffc, true);
  }
  checkOffset(cpu, gate.code, gate.offset);
  stack.push(bytes, cpu.selector(SS));
  stack.pushRegister(bytes, RSP);
  for (let n = gate.parameters - 1; n >= 0; n--) stack.push(bytes, old.peek(bytes, n * bytes));
  stack.push(bytes, cpu.selector(CS));
  stack.push(bytes, returnTo);
  markAccessed(cpu, gate.code);
  if (newSs) setStackSegment(cpu, newSs); else setNull(cpu, SS, cpl, cpl);
  stack.commit();
  enter(cpu, gate.code, cpl, gate.offset);
}

/** The code segment to which RET or IRET goes back, by its selector on the stack. */
export function returnTarget(cpu: Processor, selector: number): Descriptor {
  if (isNull(selector)) throw new Exception(GP, 0, 0, 'return to a null selector');
  const code = readDescriptor(cpu, selector), rpl = selector & 3, name = `return to code segment ${hex(selector)}`;
  if (!code.code) throw selectorFault(GP, selector, 0, `${name}: it is not a code segment`);
  if (cpu.longMode && code.long && code.big) throw selectorFault(GP, selector, 0, `${name}: both L and D are set`);
  if (rpl < cpu.cpl) throw selectorFault(GP, selector, 0, `${name}: its RPL is less than CPL ${cpu.cpl}`);
  if (code.conforming ? code.dpl > rpl : code.dpl !== rpl) throw selectorFault(GP, selector, 0, `${name}: its DPL is ${code.dpl}, its RPL ${rpl}`);
  if (!code.present) throw selectorFault(NP, selector, 0, `${name}: it is not present`);
  return code;
}

/** The stack segment of an outer level or of IRETQ; undefined: a null selector, allowed on the way to 64-bit code below level 3. */
export function returnStack(cpu: Processor, selector: number, code: Descriptor, cpl: number): Descriptor | undefined {
  if (isNull(selector) && cpu.longMode && code.long && cpl !== 3) return undefined;
  return stackDescriptor(cpu, selector, cpl);
}

export function returnFar(cpu: Processor, bytes: OperandBytes, extra: number): void {
  const stack = Stack.current(cpu);
  const offset = stack.pop(bytes), selector = stack.popLow(bytes) & 0xffff;
  if (realLike(cpu)) {
    checkRealOffset(cpu, offset);
    stack.skip(extra);
    stack.commit();
    setRealCode(cpu, selector);
    cpu.nextRip = offset;
    cpu.modeChanged();
    return;
  }
  const code = returnTarget(cpu, selector), cpl = selector & 3;
  checkOffset(cpu, code, offset);
  stack.skip(extra);
  if (cpl === cpu.cpl) {
    markAccessed(cpu, code);
    stack.commit();
    enter(cpu, code, cpl, offset);
    return;
  }
  const pointer = stack.popWord(bytes), ss = stack.popLow(bytes) & 0xffff;
  const outer = returnStack(cpu, ss, code, cpl);
  markAccessed(cpu, code);
  if (outer) setStackSegment(cpu, outer); else setNull(cpu, SS, ss, cpl);
  setCodeSegment(cpu, code, cpl);
  const width = stackSize(cpu);
  setStackPointerWord(cpu, width, pointer);
  if (extra > 0) {
    const own = Stack.current(cpu);
    own.skip(extra);
    own.commit();
  }
  dropPrivilegedSegments(cpu);
  enter(cpu, code, cpl, offset);
}
