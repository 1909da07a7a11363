/** SDM Vol. 2, "IRET/IRETD/IRETQ—Interrupt Return". */
import { checkOffset, checkRealOffset, returnStack, returnTarget, setRealCode } from './far-transfers.js';
import { markAccessed } from './descriptors.js';
import { Exception, VECTORS } from './events.js';
import { AC, DF, getRflags, ID, IF, IOPL, NT, RF, setRflags, STATUS_FLAGS, TF, VIF, VIP, VM } from './flags.js';
import { CS, DS, ES, FS, GS, S, SS, TR } from './layout.js';
import { BLOCKING, keptRf } from './modes.js';
import type { Processor } from './processor.js';
import { dropPrivilegedSegments, setCodeSegment, setNull, setStackSegment, setVirtual8086Segment } from './segments.js';
import { type OperandBytes, setStackPointerWord, Stack, stackSize, type Word } from './stack.js';
import { switchTask } from './task-switch.js';
import { checkImage, withheld, withVif } from './virtual-interrupts.js';
import { read16 } from '../paging/access.js';

const GP = VECTORS['#GP'];
/** What an image of 32 or 64 bits gives at any privilege level, and at CPL 0. */
export const IMAGE_FLAGS = STATUS_FLAGS | TF | DF | NT | AC | ID, IMAGE_FLAGS_0 = IMAGE_FLAGS | IF | IOPL | VIF | VIP;
const ALWAYS = STATUS_FLAGS | TF | DF | NT;

/** RFLAGS from an image, as far as the privilege level allows. 16-bit images leave the upper half. */
export function flagsFromImage(cpu: Processor, image: number, bytes: OperandBytes, cpl: number): number {
  const old = getRflags(cpu), iopl = (old & IOPL) >> 12;
  let mask = ALWAYS;
  if (cpl <= iopl) mask |= IF;
  if (cpl === 0) mask |= IOPL;
  if (bytes !== 2) mask |= AC | ID | (cpl === 0 && cpu.protectedMode ? VIF | VIP : 0);
  const rf = bytes === 2 ? old & RF : keptRf(cpu, image);
  return ((old & ~mask & ~RF) | (image & mask) | rf) >>> 0;
}

export function interruptReturn(cpu: Processor, bytes: OperandBytes): void {
  if (cpu.intercepts.iretUnblocksNmis(cpu)) cpu.interruptibility &= ~BLOCKING.NMI;
  if (!cpu.protectedMode) returnReal(cpu, bytes);
  else if (cpu.virtual8086) returnFromVirtual8086(cpu, bytes);
  else if (cpu.low(S.rflags) & NT) returnFromTask(cpu);
  else returnProtected(cpu, bytes);
  cpu.modeChanged();
}

function returnReal(cpu: Processor, bytes: OperandBytes): void {
  const stack = Stack.current(cpu);
  const offset = stack.pop(bytes), selector = stack.pop(bytes) & 0xffff, image = stack.pop(bytes);
  checkRealOffset(cpu, offset);
  stack.commit();
  setRflags(cpu, flagsFromImage(cpu, image, bytes, 0) & ~VM);
  setRealCode(cpu, selector);
  cpu.nextRip = offset;
}

function returnFromVirtual8086(cpu: Processor, bytes: OperandBytes): void {
  const virtual = withheld(cpu);
  if (virtual && bytes !== 2) checkImage(cpu, 'IRET', 0, bytes);
  const stack = Stack.current(cpu);
  const offset = stack.pop(bytes), selector = stack.pop(bytes) & 0xffff, image = stack.pop(bytes);
  if (virtual) checkImage(cpu, 'IRET', image, bytes);
  checkRealOffset(cpu, offset);
  stack.commit();
  const flags = flagsFromImage(cpu, image, bytes, 3);
  setRflags(cpu, virtual ? withVif(flags, image) : flags);
  setRealCode(cpu, selector);
  cpu.nextRip = offset;
}

function returnFromTask(cpu: Processor): void {
  if (cpu.longMode) throw new Exception(GP, 0, 0, 'IRET with RFLAGS.NT in IA-32e mode');
  switchTask(cpu, read16(cpu, cpu.base(TR), true), 'IRET', cpu.nextRip);
}

function returnProtected(cpu: Processor, bytes: OperandBytes): void {
  const oldCpl = cpu.cpl, stack = Stack.current(cpu);
  const offset = stack.pop(bytes), selector = stack.popLow(bytes) & 0xffff, image = stack.popLow(bytes);
  if (image & VM && oldCpl === 0 && !cpu.longMode && bytes === 4) { returnToVirtual8086(cpu, stack, offset, selector, image); return; }

  const code = returnTarget(cpu, selector), cpl = selector & 3;
  const popsStack = cpl !== oldCpl || cpu.code64;
  let pointer: Word = { low: 0, high: 0 }, ss = 0, outer;
  if (popsStack) {
    pointer = stack.popWord(bytes);
    ss = stack.popLow(bytes) & 0xffff;
    outer = returnStack(cpu, ss, code, cpl);
  }
  checkOffset(cpu, code, offset);

  const flags = flagsFromImage(cpu, image, bytes, oldCpl);
  markAccessed(cpu, code);
  if (popsStack) { if (outer) setStackSegment(cpu, outer); else setNull(cpu, SS, ss, cpl); }
  setCodeSegment(cpu, code, cpl);
  if (popsStack) setStackPointerWord(cpu, stackSize(cpu), pointer);
  else stack.commit();
  setRflags(cpu, flags);
  if (cpl !== oldCpl) dropPrivilegedSegments(cpu);
  cpu.nextRip = offset;
}

function returnToVirtual8086(cpu: Processor, stack: Stack, offset: number, selector: number, image: number): void {
  const pointer = stack.pop(4), ss = stack.pop(4) & 0xffff;
  const data = [ES, DS, FS, GS].map((index) => [index, stack.pop(4) & 0xffff] as const);
  if (offset > 0xffff) throw new Exception(GP, 0, 0, 'return to virtual-8086 mode: EIP exceeds 0xffff');
  setRflags(cpu, (flagsFromImage(cpu, image, 4, 0) | VM) >>> 0);
  for (const [index, value] of [[CS, selector], [SS, ss], ...data] as const) setVirtual8086Segment(cpu, index, value);
  cpu.cpl = 3;
  cpu.setReg32(4, pointer);
  cpu.nextRip = offset;
}
