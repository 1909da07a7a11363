/** Segment registers: how each mode loads them. SDM Vol. 3, "Protected-Mode Memory Management"; Vol. 2, "MOV—Move". */
import { read32, write8 } from '../paging/access.js';
import {
  type Descriptor, descriptorAddress, isNull, markAccessed, readDescriptor, selectorFault, TYPE, TYPE_ACCESSED, TYPE_CODE, TYPE_CONFORMING,
  TYPE_EXPAND_DOWN, TYPE_READABLE, TYPE_WRITABLE,
} from './descriptors.js';
import { Exception, VECTORS } from './events.js';
import { CS, DS, ES, FS, GS, LDTR, S, SEGMENT, SEGMENT_NAMES, segment, SS, TR } from './layout.js';
import { canonical, modeOf } from './modes.js';
import { ATTRIBUTE_DB, ATTRIBUTE_G, ATTRIBUTE_P, ATTRIBUTE_S, UNUSABLE, type Processor } from './processor.js';

const GP = VECTORS['#GP'], NP = VECTORS['#NP'], SS_FAULT = VECTORS['#SS'];
const hex = (n: number): string => `0x${n.toString(16)}`;

/** Present, writable, accessed data of DPL 0 and 3: what real-address and virtual-8086 mode have. */
export const REAL_ATTRIBUTES = 0x93, VIRTUAL_8086_ATTRIBUTES = 0xf3;

/** Sets a segment register, hidden part included. */
export function setSegment(cpu: Processor, index: number, selector: number, base: number, limit: number, attributes: number): void {
  const at = segment(index);
  cpu.setNumber(at + SEGMENT.base, base);
  cpu.u32[(at + SEGMENT.selector) >> 2] = selector;
  cpu.u32[(at + SEGMENT.attributes) >> 2] = attributes;
  cpu.u32[(at + SEGMENT.limit) >> 2] = limit;
  const read = isQuick(QUICK_READ, attributes), write = isQuick(QUICK_WRITE, attributes);
  cpu.set(at + SEGMENT.readLimit, read ? limit : 0xffffffff, read ? 0 : 0xffffffff);
  cpu.set(at + SEGMENT.writeLimit, write ? limit : 0xffffffff, write ? 0 : 0xffffffff);
}
/**
 * Segments that may be accessed up to their limits without a further look: where the attributes under a mask have the value.
 * Usable, and data that do not expand down, or readable code.
 */
export const QUICK_READ: readonly (readonly [mask: number, value: number])[] = [
  [UNUSABLE | ATTRIBUTE_P | TYPE_CODE | TYPE_EXPAND_DOWN, ATTRIBUTE_P], [UNUSABLE | ATTRIBUTE_P | TYPE_CODE | TYPE_READABLE, ATTRIBUTE_P | TYPE_CODE | TYPE_READABLE],
];
export const QUICK_WRITE: typeof QUICK_READ = [[UNUSABLE | ATTRIBUTE_P | TYPE_CODE | TYPE_EXPAND_DOWN | TYPE_WRITABLE, ATTRIBUTE_P | TYPE_WRITABLE]];
export const isQuick = (which: typeof QUICK_READ, attributes: number): boolean => which.some(([mask, value]) => (attributes & mask) === value);

export const setFromDescriptor = (cpu: Processor, index: number, selector: number, d: Descriptor): void =>
  setSegment(cpu, index, selector, d.base, d.limit, d.attributes);

/** A null selector; of SS, the DPL stays that of the privilege level. */
export const setNull = (cpu: Processor, index: number, selector: number, dpl = 0): void =>
  setSegment(cpu, index, selector, 0, 0, UNUSABLE | (dpl << 5));

export function setRealSegment(cpu: Processor, index: number, selector: number): void {
  const old = cpu.attributes(index);
  if (old & UNUSABLE) setSegment(cpu, index, selector, selector * 16, 0xffff, REAL_ATTRIBUTES);
  else setSegment(cpu, index, selector, selector * 16, cpu.limit(index), (old & (ATTRIBUTE_DB | ATTRIBUTE_G)) | REAL_ATTRIBUTES);
}
export const setVirtual8086Segment = (cpu: Processor, index: number, selector: number): void =>
  setSegment(cpu, index, selector, selector * 16, 0xffff, VIRTUAL_8086_ATTRIBUTES);

/** CS of protected mode, with the CPL that comes with it. */
export function setCodeSegment(cpu: Processor, d: Descriptor, cpl: number): void {
  setSegment(cpu, CS, (d.selector & 0xfffc) | cpl, d.base, d.limit, d.attributes | TYPE_ACCESSED);
  cpu.cpl = cpl;
}

/** The descriptor of a stack segment for a privilege level: checked, not loaded. `vector` is #GP, or #TS for a stack named by the TSS. */
export function stackDescriptor(cpu: Processor, selector: number, cpl: number, vector: number = GP, external = 0): Descriptor {
  if (isNull(selector)) throw new Exception(vector, external, 0, 'null selector for SS');
  const d = readDescriptor(cpu, selector, vector, external);
  if ((selector & 3) !== cpl) throw selectorFault(vector, selector, external, `SS selector ${hex(selector)}: its RPL is not ${cpl}`);
  if (!d.writableData) throw selectorFault(vector, selector, external, `SS selector ${hex(selector)} is not a writable data segment`);
  if (d.dpl !== cpl) throw selectorFault(vector, selector, external, `SS selector ${hex(selector)} has DPL ${d.dpl}, not ${cpl}`);
  if (!d.present) throw selectorFault(SS_FAULT, selector, external, `stack segment ${hex(selector)} is not present`);
  return d;
}

export function setStackSegment(cpu: Processor, d: Descriptor): void {
  markAccessed(cpu, d);
  setSegment(cpu, SS, d.selector, d.base, d.limit, d.attributes | TYPE_ACCESSED);
}

/** MOV, POP and LDS to ES, SS, DS, FS, GS in the current mode. */
export function loadSegment(cpu: Processor, index: number, selector: number): void {
  switch (modeOf(cpu)) {
    case 'real-address mode': setRealSegment(cpu, index, selector); break;
    case 'virtual-8086 mode': setVirtual8086Segment(cpu, index, selector); break;
    default: if (index === SS) loadSs(cpu, selector); else loadData(cpu, index, selector);
  }
  if (index === SS || !cpu.code64) cpu.modeChanged();
}

function loadSs(cpu: Processor, selector: number): void {
  if (isNull(selector)) {
    if (!cpu.code64 || cpu.cpl === 3 || (selector & 3) !== cpu.cpl) throw new Exception(GP, 0, 0, 'null selector loaded into SS');
    setNull(cpu, SS, selector, cpu.cpl);
  } else setStackSegment(cpu, stackDescriptor(cpu, selector, cpu.cpl));
}

function loadData(cpu: Processor, index: number, selector: number): void {
  if (isNull(selector)) { setNull(cpu, index, selector); return; }
  const name = SEGMENT_NAMES[index]!, rpl = selector & 3;
  const d = readDescriptor(cpu, selector);
  if (!d.readable) throw selectorFault(GP, selector, 0, `${name} selector ${hex(selector)} is not a data or readable code segment`);
  if (!d.conforming && (rpl > d.dpl || cpu.cpl > d.dpl))
    throw selectorFault(GP, selector, 0, `${name} selector ${hex(selector)} has DPL ${d.dpl}: less than CPL ${cpu.cpl} or RPL ${rpl}`);
  if (!d.present) throw selectorFault(NP, selector, 0, `segment ${hex(selector)} for ${name} is not present`);
  markAccessed(cpu, d);
  setSegment(cpu, index, selector, d.base, d.limit, d.attributes | TYPE_ACCESSED);
}

/** After a return to an outer level: data segments that are too privileged for it become null. */
export function dropPrivilegedSegments(cpu: Processor): void {
  for (const index of [ES, FS, GS, DS]) {
    const attributes = cpu.attributes(index);
    if (attributes & UNUSABLE) continue;
    const conformingCode = (attributes & (TYPE_CODE | TYPE_CONFORMING)) === (TYPE_CODE | TYPE_CONFORMING);
    if (!conformingCode && ((attributes >> 5) & 3) < cpu.cpl) setNull(cpu, index, 0);
  }
}

/** A system-segment descriptor has 16 bytes in IA-32e mode: bits 63:32 of its base, then a type field that must be zero. */
function upperBase(cpu: Processor, d: Descriptor): number {
  if (!cpu.longMode) return 0;
  if (descriptorAddress(cpu, d.selector, 16) === undefined) throw selectorFault(GP, d.selector, 0, `16-byte descriptor ${hex(d.selector)} lies outside the GDT`);
  if (read32(cpu, d.address + 12, true) & 0x1f00) throw selectorFault(GP, d.selector, 0, `descriptor ${hex(d.selector)}: upper type field is not 0`);
  return read32(cpu, d.address + 8, true) | 0;
}

function systemDescriptor(cpu: Processor, register: string, selector: number, types: readonly number[]): [Descriptor, number] {
  if (selector & 4) throw selectorFault(GP, selector, 0, `${register} selector ${hex(selector)} points into the LDT`);
  const d = readDescriptor(cpu, selector);
  if (!d.system || !types.includes(d.type)) throw selectorFault(GP, selector, 0, `descriptor ${hex(selector)} has the wrong type for ${register}`);
  if (!d.present) throw selectorFault(NP, selector, 0, `descriptor ${hex(selector)} for ${register} is not present`);
  const base = upperBase(cpu, d) * 2 ** 32 + d.base;
  if (!canonical(base)) throw selectorFault(GP, selector, 0, `base of ${register} is not canonical`);
  return [d, base];
}

/** SDM Vol. 2, "LLDT—Load Local Descriptor Table Register". */
export function loadLdtr(cpu: Processor, selector: number): void {
  if (isNull(selector)) { setNull(cpu, LDTR, selector); return; }
  const [d, base] = systemDescriptor(cpu, 'LDTR', selector, [TYPE.LDT]);
  setSegment(cpu, LDTR, selector, base, d.limit, d.attributes);
}

/** SDM Vol. 2, "LTR—Load Task Register". */
export function loadTr(cpu: Processor, selector: number): void {
  if (isNull(selector)) throw new Exception(GP, 0, 0, 'LTR of a null selector');
  const [d, base] = systemDescriptor(cpu, 'TR', selector, cpu.longMode ? [TYPE.TSS32] : [TYPE.TSS16, TYPE.TSS32]);
  const busy = d.attributes | 2;
  write8(cpu, d.address + 5, busy & 0xff, true);
  setSegment(cpu, TR, selector, base, d.limit, busy);
}

/** A base without a descriptor: WRFSBASE, WRGSBASE and their MSRs. */
export function setSegmentBase(cpu: Processor, index: typeof FS | typeof GS, low: number, high: number): void {
  cpu.set(segment(index) + SEGMENT.base, low, high);
}

/** Whether a code or data access of `bytes` at an offset lies in the limit: the slow way, for segments of every kind. */
export function withinLimit(limit: number, attributes: number, offset: number, bytes: number): boolean {
  const last = offset + bytes - 1;
  const expandDown = (attributes & (ATTRIBUTE_S | TYPE_CODE | TYPE_EXPAND_DOWN)) === (ATTRIBUTE_S | TYPE_EXPAND_DOWN);
  if (!expandDown) return last <= limit;
  return offset > limit && last <= (attributes & ATTRIBUTE_DB ? 0xffffffff : 0xffff);
}

/** SYSCALL, SYSENTER and their returns load flat segments without reading descriptors. */
export const FLAT_CODE32 = 0xc09b, FLAT_CODE64 = 0xa09b, FLAT_DATA = 0xc093;
export const setFlat = (cpu: Processor, index: number, selector: number, attributes: number, dpl: number): void =>
  setSegment(cpu, index, selector, 0, 0xffffffff, attributes | (dpl << 5));

/** SDM Vol. 2, "SWAPGS—Swap GS Base Register". */
export function swapGs(cpu: Processor): void {
  const base = segment(GS) + SEGMENT.base, low = cpu.low(base), high = cpu.high(base);
  cpu.set(base, cpu.low(S.kernelGsBase), cpu.high(S.kernelGsBase));
  cpu.set(S.kernelGsBase, low, high);
}
