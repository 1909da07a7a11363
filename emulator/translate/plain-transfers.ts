/**
 * The plain cases of INT n, IRETQ, SYSCALL and SYSRET: from 64-bit code to 64-bit code, nothing blocked, stepped or checked for alignment, all descriptors in the
 * GDT, accessed before, and known to the fast TLB. They do what cpu/event-delivery.ts, interrupt-return.ts and fast-system-calls.ts do; a test compares.
 */
import { dr } from '../cpu/debug-registers.js';
import { TYPE, TYPE_ACCESSED, TYPE_CODE, TYPE_CONFORMING, TYPE_WRITABLE } from '../cpu/descriptors.js';
import { EXIT } from '../cpu/exits.js';
import { SYSRET_FLAGS } from '../cpu/fast-system-calls.js';
import { AC, IF, NT, RF, STATUS_FLAGS, TF, VIF, VIP, VM } from '../cpu/flags.js';
import { IMAGE_FLAGS_0 } from '../cpu/interrupt-return.js';
import { CS, DS, ES, FS, GS, gpr, S, SEGMENT, segment, SPACE, SS, TR } from '../cpu/layout.js';
import { EFER } from '../cpu/modes.js';
import { ATTRIBUTE_DB, ATTRIBUTE_G, ATTRIBUTE_L, ATTRIBUTE_P, ATTRIBUTE_S, UNUSABLE } from '../cpu/processor.js';
import { FLAT_CODE64, FLAT_DATA, isQuick, QUICK_READ, QUICK_WRITE } from '../cpu/segments.js';
import { EXPLICIT } from '../meaning/flags.js';
import type { Value } from '../meaning/meaning.js';
import type { Plain } from '../meaning/plain.js';
import { RECORD } from '../meaning/record.js';

const RSP = 4, RCX = 1, R11 = 11;
/** Flags that ask for more: alignment checks, single steps, virtual interrupts. */
const UNUSUAL = AC | TF | RF | VM | VIF | VIP;
const DPL_SHIFT = 5;

/** `attention`: whether the run loop must look around before the next instruction. */
export interface PlainImports { readonly attention: number }
/** Records a plain case of the operation of that name; `record`: of its instruction. */
export type PlainCase = (m: Plain, record: Value, imports: PlainImports) => void;

export const operand = (m: Plain, n: number): Value => m.word(S.args + 16 * n);
const has = (m: Plain, at: number, bits: number): Value => m.word(at).and(bits).eq(bits);
export const canonical = (address: Value): Value => address.shl(16).sar(16).eq(address);
export const rflags = (m: Plain): Value => m.word(S.rflags).or(m.status());

/** Of 64-bit mode. */
export function demandUsual(m: Plain): void {
  m.demand(has(m, S.efer, EFER.LMA).and(has(m, segment(CS) + SEGMENT.attributes, ATTRIBUTE_L)).and(m.word(S.rflags).and(UNUSUAL).eq(0)));
}

/** After the instruction, `retired` or not, at a linear address. With `opened`, interrupts may have been enabled. */
export function goOn(m: Plain, record: Value, target: Value, opened: Value, { attention }: PlainImports, retired = 1): void {
  const left = m.word(S.budget).add(m.word(record, RECORD.remaining.offset)).sub(retired);
  m.put(S.budget, left);
  m.put(S.exitReason, EXIT.target);
  m.put(S.exitRecord, record);
  m.put64(S.rip, target);
  m.put64(S.onward, target);
  m.put(S.resume, m.constant(0, 32).slt(left).zeroExtend(32));
  m.when(opened.and(m.word(S.resume).ne(0)), () => m.put(S.resume, m.call(attention).isZero.zeroExtend(32)));
  m.return(1);
}
export const never = (m: Plain): Value => m.constant(0, 1);

function setFlags(m: Plain, flags: Value): void {
  m.put64(S.rflags, flags.and(~STATUS_FLAGS).or(2).zeroExtend(64));
  m.put64(S.flagRule, BigInt(EXPLICIT));
  m.put64(S.flagA, flags.and(STATUS_FLAGS).zeroExtend(64));
  m.put64(S.flagResult, 0n);
}

/** CPL, and the address space as that privilege sees it. */
function setLevel(m: Plain, cpl: Value): void {
  const user = cpl.eq(3), choose = (plus: number, bits: 32 | 64) => user.select(m.get(S.userSpace + plus, bits), m.get(S.supervisorSpace + plus, bits));
  m.put(S.cpl, cpl);
  m.put64(S.spaceTag, choose(SPACE.tag, 64));
  m.put(S.tlbPart, choose(SPACE.part, 32));
}

/** Hidden part included; `attributes` is a number where it is known. */
function setSegment(m: Plain, index: number, selector: Value, base: Value | bigint, limit: Value, attributes: Value | number): void {
  const at = segment(index), unlimited = m.constant(-1, 64);
  const quick = (which: typeof QUICK_READ): Value => {
    if (typeof attributes === 'number') return isQuick(which, attributes) ? limit.zeroExtend(64) : unlimited;
    return which.map(([mask, value]) => attributes.and(mask).eq(value)).reduce((any, each) => any.or(each)).select(limit.zeroExtend(64), unlimited);
  };
  m.put64(at + SEGMENT.base, base);
  m.put(at + SEGMENT.selector, selector);
  m.put(at + SEGMENT.attributes, attributes);
  m.put(at + SEGMENT.limit, limit);
  m.put64(at + SEGMENT.readLimit, quick(QUICK_READ));
  m.put64(at + SEGMENT.writeLimit, quick(QUICK_WRITE));
}
const setNull = (m: Plain, index: number, selector: Value, attributes: Value | number): void => setSegment(m, index, selector, 0n, m.constant(0, 32), attributes);

interface PlainDescriptor { readonly selector: Value; readonly address: Value; readonly base: Value; readonly limit: Value; readonly attributes: Value; readonly dpl: Value }

/** A descriptor of the GDT. */
function descriptor(m: Plain, selector: Value): PlainDescriptor {
  const offset = selector.and(0xfff8);
  m.demand(selector.and(4).eq(0).and(offset.ne(0)).and(offset.add(7).ule(m.word(S.gdtrLimit))));
  const address = m.quad(S.gdtrBase).add(offset.zeroExtend(64)), at = m.lookup(address, 8, 'read', 'supervisor'), low = m.word(at), high = m.word(at, 4);
  const attributes = high.shr(8).and(0xf0ff), limit = low.and(0xffff).or(high.and(0xf0000));
  return {
    selector, address, attributes, dpl: attributes.shr(DPL_SHIFT).and(3),
    base: low.shr(16).or(high.and(0xff).shl(16)).or(high.and(0xff000000)).zeroExtend(64),
    limit: attributes.and(ATTRIBUTE_G).ne(0).select(limit.shl(12).or(0xfff), limit),
  };
}
const CODE64 = ATTRIBUTE_S | ATTRIBUTE_P | ATTRIBUTE_L | TYPE_CODE | TYPE_ACCESSED;
/** Code of 64-bit mode at its own privilege level. */
const isCode64 = (d: PlainDescriptor): Value => d.attributes.and(CODE64 | ATTRIBUTE_DB | TYPE_CONFORMING).eq(CODE64);
const STACK = ATTRIBUTE_S | ATTRIBUTE_P | TYPE_WRITABLE | TYPE_ACCESSED;
const isStack = (d: PlainDescriptor): Value => d.attributes.and(STACK | TYPE_CODE).eq(STACK);
const setCode = (m: Plain, d: PlainDescriptor, cpl: Value): void => setSegment(m, CS, d.selector.and(0xfffc).or(cpl), d.base, d.limit, d.attributes);

interface PlainEvent { readonly vector: Value; readonly returnTo: Value; readonly checksGateDpl: boolean; readonly pushedFlags: Value; readonly errorCode: Value | undefined }

/** Through a gate of the 64-bit IDT to its handler, whose address is returned. */
export function deliver(m: Plain, { vector, returnTo, checksGateDpl, pushedFlags, errorCode }: PlainEvent): Value {
  const oldCpl = m.word(S.cpl), offset = vector.shl(4);
  m.demand(offset.add(15).ule(m.word(S.idtrLimit)).and(m.word(S.interruptibility).eq(0)));
  const gate = m.lookup(m.quad(S.idtrBase).add(offset.zeroExtend(64)), 16, 'read', 'supervisor'), low = m.word(gate), high = m.word(gate, 4);
  const type = high.shr(8).and(0x1f), handler = low.and(0xffff).or(high.and(0xffff0000)).zeroExtend(64).or(m.word(gate, 8).zeroExtend(64).shl(32));
  m.demand(type.or(1).eq(TYPE.TRAP_GATE32).and(high.and(0x8000).ne(0)).and(canonical(handler)));
  if (checksGateDpl) m.demand(oldCpl.ule(high.shr(13).and(3)));
  const code = descriptor(m, low.shr(16)), cpl = code.dpl;
  m.demand(isCode64(code).and(cpl.ule(oldCpl)));

  const ist = high.and(7), switches = cpl.ne(oldCpl), words = errorCode ? 6 : 5;
  const ofTask = ist.ne(0).select(ist.shl(3).add(28), cpl.shl(3).add(4)), onTaskStack = switches.or(ist.ne(0));
  m.demand(onTaskStack.isZero.or(ofTask.add(7).ule(m.word(segment(TR) + SEGMENT.limit))));
  const found = m.lookup(onTaskStack.select(m.quad(segment(TR) + SEGMENT.base).add(ofTask.zeroExtend(64)), code.address), 8, 'read', 'supervisor');
  const top = onTaskStack.select(m.quad(found), m.quad(gpr(RSP))), pointer = top.and(-16n).sub(8 * words);
  m.demand(canonical(top).and(cpl.ne(3)));
  const frame = m.lookup(pointer, 8 * words, 'write', 'supervisor');

  const push = [...(errorCode ? [errorCode.zeroExtend(64)] : []), returnTo, m.word(segment(CS) + SEGMENT.selector).zeroExtend(64), pushedFlags.zeroExtend(64), m.quad(gpr(RSP)), m.word(segment(SS) + SEGMENT.selector).zeroExtend(64)];
  push.forEach((value, n) => { m.set(frame, value, 8 * n); });
  setCode(m, code, cpl);
  m.when(switches, () => setNull(m, SS, cpl, cpl.shl(DPL_SHIFT).or(UNUSABLE)));
  m.put64(gpr(RSP), pointer);
  m.put(S.rflags, m.word(S.rflags).and(~(TF | NT | RF | VM)).and(type.eq(TYPE.INTERRUPT_GATE32).select(m.constant(~IF, 32), m.constant(-1, 32))).or(2));
  setLevel(m, cpl);
  return handler;
}

/** SDM Vol. 2, "INT n/INTO/INT3/INT1—Call to Interrupt Procedure". */
const interrupt: PlainCase = (m, record, imports) => {
  demandUsual(m);
  const returnTo = m.quad(S.codePage).add(m.record('nextOffset', 64));
  goOn(m, record, deliver(m, { vector: operand(m, 0), returnTo, checksGateDpl: true, pushedFlags: rflags(m), errorCode: undefined }), never(m), imports);
};

/** SDM Vol. 2, "IRET/IRETD/IRETQ—Interrupt Return". */
const interruptReturn: PlainCase = (m, record, imports) => {
  demandUsual(m);
  m.demand(operand(m, 0).eq(64).and(m.word(S.cpl).eq(0)).and(m.word(S.rflags).and(NT).eq(0)).and(m.word(S.interruptibility).eq(0)));
  const frame = m.lookup(m.quad(gpr(RSP)), 40, 'read', 'present'), target = m.quad(frame), image = m.word(frame, 16), ss = m.word(frame, 32).and(0xffff);
  const code = descriptor(m, m.word(frame, 8).and(0xffff)), cpl = code.selector.and(3);
  m.demand(isCode64(code).and(code.dpl.eq(cpl)).and(canonical(target)).and(image.and(UNUSUAL & ~RF | NT).eq(0)));
  // RF counts only where a breakpoint is enabled.
  m.demand(m.word(dr(7)).and(0xff).eq(0));
  const null_ = ss.and(0xfffc).eq(0), flags = rflags(m).and(~IMAGE_FLAGS_0).or(image.and(IMAGE_FLAGS_0));
  // The null descriptor stands for the null selector, which only code below level 3 may have.
  m.demand(null_.isZero.or(cpl.ne(3)));
  const stack = descriptor(m, null_.select(code.selector, ss));
  m.demand(null_.or(isStack(stack).and(ss.and(3).eq(cpl)).and(stack.dpl.eq(cpl))));
  const opened = image.and(IF).ne(0).and(m.word(S.rflags).and(IF).eq(0));

  m.when(null_, () => setNull(m, SS, ss, cpl.shl(DPL_SHIFT).or(UNUSABLE)), () => setSegment(m, SS, ss, stack.base, stack.limit, stack.attributes));
  setCode(m, code, cpl);
  m.put64(gpr(RSP), m.quad(frame, 24));
  setFlags(m, flags);
  setLevel(m, cpl);
  m.when(cpl.ne(0), () => { for (const index of [ES, FS, GS, DS]) dropPrivileged(m, index, cpl); });
  goOn(m, record, target, opened, imports);
};

/** After a return to an outer level: data segments that are too privileged for it become null. */
function dropPrivileged(m: Plain, index: number, cpl: Value): void {
  const attributes = m.word(segment(index) + SEGMENT.attributes), conforming = TYPE_CODE | TYPE_CONFORMING;
  const kept = attributes.and(UNUSABLE).ne(0).or(attributes.and(conforming).eq(conforming)).or(cpl.ule(attributes.shr(DPL_SHIFT).and(3)));
  m.when(kept.isZero, () => setNull(m, index, m.constant(0, 32), UNUSABLE));
}

function setFlatLevel(m: Plain, selector: Value, stack: Value, cpl: number): void {
  const flat = (index: number, value: Value, attributes: number) => setSegment(m, index, value.and(0xffff), 0n, m.constant(-1, 32), attributes | (cpl << DPL_SHIFT));
  flat(CS, selector, FLAT_CODE64);
  flat(SS, stack, FLAT_DATA);
  setLevel(m, m.constant(cpl, 32));
}

/** SDM Vol. 2, "SYSCALL—Fast System Call". */
const systemCall: PlainCase = (m, record, imports) => {
  demandUsual(m);
  const target = m.quad(S.lstar), flags = rflags(m), selector = m.word(S.star + 4).and(0xfffc);
  m.demand(has(m, S.efer, EFER.SCE).and(canonical(target)));
  m.put64(gpr(RCX), m.quad(S.codePage).add(m.record('nextOffset', 64)));
  m.put64(gpr(R11), flags.zeroExtend(64));
  setFlags(m, flags.and(m.word(S.sfmask).xor(-1)));
  setFlatLevel(m, selector, selector.add(8), 0);
  goOn(m, record, target, never(m), imports);
};

/** SDM Vol. 2, "SYSRET—Return From Fast System Call". */
const systemReturn: PlainCase = (m, record, imports) => {
  demandUsual(m);
  const target = m.quad(gpr(RCX)), flags = m.word(gpr(R11)).and(SYSRET_FLAGS), star = m.word(S.star + 4).shr(16);
  m.demand(has(m, S.efer, EFER.SCE).and(operand(m, 0).eq(64)).and(m.word(S.cpl).eq(0)).and(canonical(target)).and(flags.and(UNUSUAL).eq(0)));
  const opened = flags.and(IF).ne(0).and(m.word(S.rflags).and(IF).eq(0));
  setFlags(m, flags);
  setFlatLevel(m, star.add(16).or(3), star.add(8).or(3), 3);
  goOn(m, record, target, opened, imports);
};

/** By the names of operations. */
export const PLAIN_TRANSFERS: Readonly<Record<string, PlainCase>> = { INT: interrupt, IRET: interruptReturn, SYSCALL: systemCall, SYSRET: systemReturn };
