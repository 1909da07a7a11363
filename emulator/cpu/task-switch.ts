/** Switching tasks in hardware. SDM Vol. 3, "Task Switching"; the checks and their order are those of its table "Exception Conditions Checked During a Task Switch". */
import { probe, READ, read16, read32, WRITE, write16, write32, write8 } from '../paging/access.js';
import { writeCr3 } from './control-registers.js';
import { dr, setDr7, TASK_SWITCH_TRAP } from './debug-registers.js';
import { type Descriptor, descriptorAddress, isNull, markAccessed, readDescriptor, selectorFault, TYPE } from './descriptors.js';
import { Exception, FaultInNewTask, VECTORS } from './events.js';
import { getRflags, NT, setRflags, VM } from './flags.js';
import { CS, DS, ES, FS, GS, LDTR, S, SEGMENT_NAMES, segment, SEGMENT, SS, TR } from './layout.js';
import { CR0, goTo, keptRf } from './modes.js';
import type { Processor } from './processor.js';
import { checkOffset } from './far-transfers.js';
import { setCodeSegment, setFromDescriptor, setNull, setSegment, setStackSegment, setVirtual8086Segment, stackDescriptor } from './segments.js';
import { tss16 } from './task-state.js';

export type TaskSwitchSource = 'CALL' | 'IRET' | 'JMP' | 'task gate in IDT';

const GP = VECTORS['#GP'], NP = VECTORS['#NP'], TS = VECTORS['#TS'];
const BUSY = 2, BREAKPOINT_ON_SWITCH = 1;
/** Local enables of DR7, LE included. */
const DR7_LOCAL = 0x155;
const REGISTERS = 8;

/** Where things are in a TSS, in bytes; words of `bytes` from each place on. SDM Vol. 3, "Task-State Segment (TSS)" and "16-Bit Task-State Segment (TSS)". */
interface Format { readonly bytes: 2 | 4; readonly ip: number; readonly flags: number; readonly registers: number; readonly segments: number; readonly segmentCount: number; readonly ldt: number; readonly leastLimit: number }
const TSS32: Format = { bytes: 4, ip: 0x20, flags: 0x24, registers: 0x28, segments: 0x48, segmentCount: 6, ldt: 0x60, leastLimit: 0x67 };
const TSS16: Format = { bytes: 2, ip: 0x0e, flags: 0x10, registers: 0x12, segments: 0x22, segmentCount: 4, ldt: 0x2a, leastLimit: 0x2b };
const CR3_AT = 0x1c, TRAP_AT = 0x64;

const formatOf = (d: Descriptor): Format => ((d.type & ~BUSY) === TYPE.TSS32 ? TSS32 : TSS16);
const hex = (n: number): string => `0x${n.toString(16)}`;

/** The TSS to which a selector leads, with the checks that come before anything is done, a VM exit included. */
function newTss(cpu: Processor, selector: number, source: TaskSwitchSource, external: number): Descriptor {
  const wrong = source === 'IRET' ? TS : GP, name = `task ${hex(selector)}`;
  if (isNull(selector) || selector & 4 || descriptorAddress(cpu, selector) === undefined) throw selectorFault(wrong, selector, external, `${name}: its selector is null or lies outside the GDT`);
  const d = readDescriptor(cpu, selector), wanted = source === 'IRET' ? [TYPE.TSS16_BUSY, TYPE.TSS32_BUSY] : [TYPE.TSS16, TYPE.TSS32];
  if (!d.system || !(wanted as number[]).includes(d.type)) throw selectorFault(wrong, selector, external, `${name}: its descriptor is not that of ${source === 'IRET' ? 'a busy' : 'an available'} TSS`);
  if (!d.present) throw selectorFault(NP, selector, external, `${name}: its TSS is not present`);
  if (d.limit < formatOf(d).leastLimit) throw selectorFault(TS, selector, external, `${name}: the limit of its TSS is ${hex(d.limit)}`);
  return d;
}

/** What a TSS holds, read before anything is changed. */
function readTask(cpu: Processor, { bytes, ip, flags, registers, segments, segmentCount, ldt }: Format, base: number) {
  const word = (at: number) => (bytes === 4 ? read32(cpu, (base + at) >>> 0, true) : read16(cpu, (base + at) >>> 0, true));
  const words = (from: number, count: number) => Array.from({ length: count }, (_, n) => word(from + bytes * n));
  return {
    cr3: bytes === 4 ? word(CR3_AT) : undefined, ip: word(ip), flags: word(flags), registers: words(registers, REGISTERS),
    selectors: words(segments, segmentCount).map((selector) => selector & 0xffff), ldt: word(ldt) & 0xffff,
    trap: bytes === 4 && (read16(cpu, (base + TRAP_AT) >>> 0, true) & BREAKPOINT_ON_SWITCH) !== 0,
  };
}
type Task = ReturnType<typeof readTask>;

function writeTask(cpu: Processor, { bytes, ip, flags, registers, segments, segmentCount }: Format, base: number, returnTo: number, image: number): void {
  const set = (at: number, value: number) => { if (bytes === 4) write32(cpu, (base + at) >>> 0, value, true); else write16(cpu, (base + at) >>> 0, value & 0xffff, true); };
  set(ip, returnTo >>> 0);
  set(flags, image);
  for (let n = 0; n < REGISTERS; n++) set(registers + bytes * n, cpu.reg32(n));
  for (let n = 0; n < segmentCount; n++) write16(cpu, (base + segments + bytes * n) >>> 0, cpu.selector(n), true);
}

function setBusy(cpu: Processor, { address, high }: Descriptor, busy: boolean): void {
  const type = (high >>> 8) & 0xff;
  write8(cpu, address + 5, busy ? type | BUSY : type & ~BUSY, true);
}

/**
 * To the task of a TSS. `returnTo`: the offset at which the old task will go on; `image`: its flags. Faults before the commit point are the
 * old task's, and nothing has changed; those after it are FaultInNewTask, with the new task's registers in place.
 */
export function switchTask(cpu: Processor, selector: number, source: TaskSwitchSource, returnTo: number, external = 0, image = getRflags(cpu)): void {
  const tss = newTss(cpu, selector, source, external), format = formatOf(tss), nests = source === 'CALL' || source === 'task gate in IDT';
  cpu.intercepts.taskSwitch(cpu, selector, source);
  const oldSelector = cpu.selector(TR), oldBase = cpu.base(TR), oldFormat = tss16(cpu) ? TSS16 : TSS32;
  if (cpu.limit(TR) < oldFormat.leastLimit) throw selectorFault(TS, oldSelector, external, 'the limit of the TSS of the present task is too small');
  const old = nests ? undefined : readDescriptor(cpu, oldSelector, TS, external);
  const task = readTask(cpu, format, tss.base);
  probe(cpu, oldBase, oldFormat.leastLimit + 1, WRITE, true);
  probe(cpu, tss.base, 2, nests ? WRITE : READ, true);
  probe(cpu, tss.address, 8, WRITE, true);

  if (old) setBusy(cpu, old, false);
  writeTask(cpu, oldFormat, oldBase, returnTo, source === 'IRET' ? image & ~NT : image);
  if (nests) write16(cpu, tss.base, oldSelector, true);
  if (source !== 'IRET') setBusy(cpu, tss, true);
  setSegment(cpu, TR, selector, tss.base, tss.limit, tss.attributes | BUSY);
  cpu.cr0 |= CR0.TS;
  // The flags are another task's: what TF and RF of the old one would have brought is over, as after an event.
  cpu.deliveries++;
  setDr7(cpu, cpu.low(dr(7)) & ~DR7_LOCAL);
  try { loadTask(cpu, task, format, nests, external); }
  catch (thrown) { throw thrown instanceof Exception ? new FaultInNewTask(thrown) : thrown; }
  finally { cpu.modeChanged(); }
  if (task.trap) cpu.set(S.pendingDebug, cpu.low(S.pendingDebug) | TASK_SWITCH_TRAP, 0);
}

function loadTask(cpu: Processor, task: Task, { bytes }: Format, nests: boolean, external: number): void {
  const flags = task.flags | (nests ? NT : 0), v86 = bytes === 4 && (flags & VM) !== 0;
  const [es = 0, cs = 0, ss = 0, ds = 0, fs = 0, gs = 0] = task.selectors, data = [[DS, ds], [ES, es], [FS, fs], [GS, gs]] as const;
  goTo(cpu, task.ip);
  task.registers.forEach((value, n) => { cpu.setReg32(n, value); });
  setRflags(cpu, ((flags & FLAGS & ~RESUME) | keptRf(cpu, flags)) >>> 0);
  cpu.cpl = v86 ? 3 : cs & 3;
  setNull(cpu, LDTR, task.ldt);
  for (const [index, selector] of [[CS, cs], [SS, ss], ...data] as const) if (v86) setVirtual8086Segment(cpu, index, selector); else unloaded(cpu, index, selector);
  if (task.cr3 !== undefined && cpu.cr0 & CR0.PG) writeCr3(cpu, task.cr3); else cpu.modeChanged();

  loadLdt(cpu, task.ldt, external);
  if (v86) {
    if (task.ip > 0xffff) throw new Exception(GP, external, 0, `IP ${hex(task.ip)} of the new task lies outside the limit of CS`);
    return;
  }
  setStackSegment(cpu, stackDescriptor(cpu, ss, cpu.cpl, TS, external));
  const code = codeDescriptor(cpu, cs, external);
  markAccessed(cpu, code);
  setCodeSegment(cpu, code, cpu.cpl);
  for (const [index, selector] of data) loadData(cpu, index, selector, external);
  checkOffset(cpu, code, task.ip);
}
const RESUME = 1 << 16;
/** The bits of EFLAGS that exist. */
const FLAGS = 0x3f7fd7;

/** The selector is in place, what it names not yet: whoever uses it faults. */
function unloaded(cpu: Processor, index: number, selector: number): void {
  const big = index === CS || index === SS ? cpu.u32[(segment(index) + SEGMENT.attributes) >> 2]! & SIZE : 0;
  setNull(cpu, index, selector, index === SS ? cpu.cpl : 0);
  cpu.u32[(segment(index) + SEGMENT.attributes) >> 2]! |= big;
}
const SIZE = 1 << 14;

function loadLdt(cpu: Processor, selector: number, external: number): void {
  if (isNull(selector)) return;
  const wrong = (why: string): Exception => selectorFault(TS, selector, external, `LDT ${hex(selector)} of the new task ${why}`);
  if (selector & 4 || descriptorAddress(cpu, selector) === undefined) throw wrong('lies outside the GDT');
  const d = readDescriptor(cpu, selector);
  if (!d.system || d.type !== TYPE.LDT) throw wrong('is none');
  if (!d.present) throw wrong('is not present');
  setFromDescriptor(cpu, LDTR, selector, d);
}

function codeDescriptor(cpu: Processor, selector: number, external: number): Descriptor {
  const wrong = (why: string): Exception => selectorFault(TS, selector, external, `code segment ${hex(selector)} of the new task ${why}`);
  if (isNull(selector)) throw wrong('is null');
  const d = readDescriptor(cpu, selector, TS, external);
  if (!d.code) throw wrong('is not a code segment');
  if (d.conforming ? d.dpl > (selector & 3) : d.dpl !== (selector & 3)) throw wrong(`has DPL ${d.dpl}, RPL ${selector & 3}`);
  if (!d.present) throw selectorFault(NP, selector, external, `code segment ${hex(selector)} of the new task is not present`);
  return d;
}

function loadData(cpu: Processor, index: number, selector: number, external: number): void {
  if (isNull(selector)) return;
  const name = `${SEGMENT_NAMES[index]!} ${hex(selector)} of the new task`, d = readDescriptor(cpu, selector, TS, external);
  if (!d.readable) throw selectorFault(TS, selector, external, `${name} is not a data or readable code segment`);
  if (!d.conforming && d.dpl < Math.max(cpu.cpl, selector & 3)) throw selectorFault(TS, selector, external, `${name} has DPL ${d.dpl}: less than CPL or RPL`);
  if (!d.present) throw selectorFault(NP, selector, external, `${name} is not present`);
  markAccessed(cpu, d);
  setFromDescriptor(cpu, index, selector, d);
}
