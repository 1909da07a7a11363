/**
 * TypeScript's own accesses to linear and physical memory: the fast TLB first, then a translation; bytes on two pages are
 * translated on both before any is touched; what lies beyond RAM goes to the devices.
 * `supervisor`: an access by the processor itself (descriptor tables, TSS, …), whatever the CPL.
 */
import { FAST_TLB_ENTRY_BYTES, MAP, S, SPACE } from '../cpu/layout.js';
import { ABANDON, exception } from '../cpu/events.js';
import { dataBreakpoints, notice } from '../cpu/debug-registers.js';
import type { Processor } from '../cpu/processor.js';
import type { AccessBytes } from '../memory/bus.js';
import { NOWHERE } from '../memory/memory-map.js';
import { fastIndex, FAST_TABLES } from './fast-tlb.js';
import { EXECUTE, READ, WRITE, type AccessKind } from './outcome.js';
import { hostOf, isApicPage, maskA20 } from './physical-memory.js';

const PAGE = 4096;

/** 80-bit operands are accessed in parts. */
const MOST_ALIGNMENT = 16;

/**
 * What an access is asked that the fast TLB does not serve, before its translation: its alignment, as the native processor has it, and
 * data breakpoints. An instruction at a breakpoint among others is begun again alone, so that the debug trap comes right after it.
 */
export function examine(cpu: Processor, linear: number, bytes: number, kind: AccessKind, supervisor: boolean): void {
  const { mmu } = cpu;
  mmu.accessBytes = bytes;
  if (mmu.alignmentChecked && !supervisor && (linear & Math.min(bytes & -bytes, MOST_ALIGNMENT) - 1) !== 0)
    throw exception('#AC', 0, `${bytes} bytes at 0x${linear.toString(16)} are not aligned`);
  if (!mmu.mayBreak(linear) && !mmu.mayBreak(linear + bytes - 1)) return;
  const hit = dataBreakpoints(cpu, linear, bytes, kind === WRITE);
  if (hit === 0) return;
  if (!cpu.alone) {
    cpu.aloneNext = true;
    throw ABANDON;
  }
  notice(cpu, hit);
}

/** Accesses memory as instructions do that never raise #AC. */
export function withoutAlignmentChecks<T>(cpu: Processor, access: () => T): T {
  const { mmu } = cpu, { alignmentChecked } = mmu;
  mmu.alignmentChecked = false;
  try { return access(); } finally { mmu.alignmentChecked = alignmentChecked; }
}

/** The index into the shared memory when the fast TLB knows all bytes, else NOWHERE. */
function fast(cpu: Processor, linear: number, bytes: number, kind: AccessKind, supervisor: boolean): number {
  const low = linear | 0;
  if ((low & PAGE - 1) <= PAGE - bytes) {
    const { i32 } = cpu, part = i32[(supervisor ? S.supervisorSpace + SPACE.part : S.tlbPart) >> 2]!, at = (FAST_TABLES[kind] + part + FAST_TLB_ENTRY_BYTES * fastIndex(low)) >> 2;
    const tag = supervisor ? cpu.mmu.implicitTag : i32[S.spaceTag >> 2]!;
    if (i32[at] === (low & -PAGE | tag) && i32[at + 1] === Math.floor(linear / 2 ** 32)) return (low + i32[at + 2]!) >>> 0;
  }
  examine(cpu, linear, bytes, kind, supervisor);
  return NOWHERE;
}

const translate = (cpu: Processor, linear: number, kind: AccessKind, supervisor: boolean): number =>
  cpu.mmu.translate(linear, kind, !supervisor && cpu.cpl === 3, supervisor);

/** Where the next page begins; outside IA-32e mode addresses wrap at 2^32. */
function nextPage(cpu: Processor, linear: number): number {
  const next = linear - (linear & PAGE - 1) + PAGE;
  return cpu.longMode || next < 2 ** 32 ? next : next - 2 ** 32;
}

export function read8(cpu: Processor, linear: number, supervisor = false): number {
  const at = fast(cpu, linear, 1, READ, supervisor);
  return at !== NOWHERE ? cpu.u8[at]! : readPhysical8(cpu, translate(cpu, linear, READ, supervisor));
}
export function read16(cpu: Processor, linear: number, supervisor = false): number {
  const at = fast(cpu, linear, 2, READ, supervisor);
  return at !== NOWHERE ? cpu.view.getUint16(at, true) : slowRead(cpu, linear, 2, supervisor);
}
export function read32(cpu: Processor, linear: number, supervisor = false): number {
  const at = fast(cpu, linear, 4, READ, supervisor);
  return at !== NOWHERE ? cpu.view.getUint32(at, true) : slowRead(cpu, linear, 4, supervisor);
}
/** 64 bits as a signed number: exact only within ±2^53. */
export function readNumber(cpu: Processor, linear: number, supervisor = false): number {
  const at = fast(cpu, linear, 8, READ, supervisor);
  if (at !== NOWHERE) return cpu.view.getInt32(at + 4, true) * 2 ** 32 + cpu.view.getUint32(at, true);
  if ((linear & PAGE - 1) <= PAGE - 8) {
    const physical = translate(cpu, linear, READ, supervisor);
    return (readPhysical32(cpu, physical + 4) | 0) * 2 ** 32 + readPhysical32(cpu, physical);
  }
  const { low, high } = readAcross(cpu, linear, 8, supervisor);
  return (high | 0) * 2 ** 32 + low;
}

export function write8(cpu: Processor, linear: number, value: number, supervisor = false): void {
  const at = fast(cpu, linear, 1, WRITE, supervisor);
  if (at !== NOWHERE) cpu.u8[at] = value;
  else writePhysical8(cpu, translate(cpu, linear, WRITE, supervisor), value);
}
export function write16(cpu: Processor, linear: number, value: number, supervisor = false): void {
  const at = fast(cpu, linear, 2, WRITE, supervisor);
  if (at !== NOWHERE) cpu.view.setUint16(at, value, true);
  else slowWrite(cpu, linear, 2, value, supervisor);
}
export function write32(cpu: Processor, linear: number, value: number, supervisor = false): void {
  const at = fast(cpu, linear, 4, WRITE, supervisor);
  if (at !== NOWHERE) cpu.view.setUint32(at, value, true);
  else slowWrite(cpu, linear, 4, value, supervisor);
}
export function write64(cpu: Processor, linear: number, low: number, high: number, supervisor = false): void {
  const at = fast(cpu, linear, 8, WRITE, supervisor);
  if (at !== NOWHERE) {
    cpu.view.setUint32(at, low, true);
    cpu.view.setUint32(at + 4, high, true);
  } else if ((linear & PAGE - 1) <= PAGE - 8) {
    const physical = translate(cpu, linear, WRITE, supervisor);
    writePhysical32(cpu, physical, low);
    writePhysical32(cpu, physical + 4, high);
  } else writeAcross(cpu, linear, 8, low, high, supervisor);
}

function slowRead(cpu: Processor, linear: number, bytes: 2 | 4, supervisor: boolean): number {
  if ((linear & PAGE - 1) > PAGE - bytes) return readAcross(cpu, linear, bytes, supervisor).low;
  const physical = translate(cpu, linear, READ, supervisor);
  return bytes === 2 ? readPhysical16(cpu, physical) : readPhysical32(cpu, physical);
}

function slowWrite(cpu: Processor, linear: number, bytes: 2 | 4, value: number, supervisor: boolean): void {
  if ((linear & PAGE - 1) > PAGE - bytes) return writeAcross(cpu, linear, bytes, value, 0, supervisor);
  const physical = translate(cpu, linear, WRITE, supervisor);
  if (bytes === 2) writePhysical16(cpu, physical, value);
  else writePhysical32(cpu, physical, value);
}

/** Two pages, byte by byte. */
function readAcross(cpu: Processor, linear: number, bytes: number, supervisor: boolean): { low: number; high: number } {
  const first = PAGE - (linear & PAGE - 1), halves = [0, 0];
  const physical = translate(cpu, linear, READ, supervisor), second = translate(cpu, nextPage(cpu, linear), READ, supervisor);
  for (let n = 0; n < bytes; n++) {
    halves[n >> 2]! |= readPhysical8(cpu, n < first ? physical + n : second + n - first) << 8 * (n & 3);
  }
  return { low: halves[0]! >>> 0, high: halves[1]! >>> 0 };
}

function writeAcross(cpu: Processor, linear: number, bytes: number, low: number, high: number, supervisor: boolean): void {
  const first = PAGE - (linear & PAGE - 1);
  const physical = translate(cpu, linear, WRITE, supervisor), second = translate(cpu, nextPage(cpu, linear), WRITE, supervisor);
  for (let n = 0; n < bytes; n++) {
    writePhysical8(cpu, n < first ? physical + n : second + n - first, (n < 4 ? low : high) >>> 8 * (n & 3));
  }
}

/** From linear memory to the shared memory at `destination`; up to a page. */
export function readTo(cpu: Processor, linear: number, bytes: number, destination: number, supervisor = false): void {
  const at = fast(cpu, linear, bytes, READ, supervisor);
  if (at !== NOWHERE) {
    copy(cpu, at, destination, bytes);
    return;
  }
  const first = Math.min(bytes, PAGE - (linear & PAGE - 1));
  const physical = translate(cpu, linear, READ, supervisor);
  if (first === bytes) return readPhysicalTo(cpu, physical, bytes, destination);
  const second = translate(cpu, nextPage(cpu, linear), READ, supervisor);
  readPhysicalTo(cpu, physical, first, destination);
  readPhysicalTo(cpu, second, bytes - first, destination + first);
}

/** From the shared memory at `source` to linear memory; up to a page. */
export function writeFrom(cpu: Processor, linear: number, bytes: number, source: number, supervisor = false): void {
  const at = fast(cpu, linear, bytes, WRITE, supervisor);
  if (at !== NOWHERE) {
    copy(cpu, source, at, bytes);
    return;
  }
  const first = Math.min(bytes, PAGE - (linear & PAGE - 1));
  const physical = translate(cpu, linear, WRITE, supervisor);
  if (first === bytes) return writePhysicalFrom(cpu, physical, bytes, source);
  const second = translate(cpu, nextPage(cpu, linear), WRITE, supervisor);
  writePhysicalFrom(cpu, physical, first, source);
  writePhysicalFrom(cpu, second, bytes - first, source + first);
}

/** Faults as the access would; changes nothing but accessed and dirty flags. */
export function probe(cpu: Processor, linear: number, bytes: number, kind: AccessKind, supervisor = false): void {
  if (fast(cpu, linear, bytes, kind, supervisor) !== NOWHERE) return;
  translate(cpu, linear, kind, supervisor);
  if ((linear & PAGE - 1) > PAGE - bytes) translate(cpu, nextPage(cpu, linear), kind, supervisor);
}

function copy(cpu: Processor, from: number, to: number, bytes: number): void {
  const { u8 } = cpu;
  if (bytes === 8) cpu.view.setBigUint64(to, cpu.view.getBigUint64(from, true), true);
  else u8.copyWithin(to, from, from + bytes);
}

function readDevice(cpu: Processor, physical: number, bytes: AccessBytes): number {
  return isApicPage(cpu, physical) ? cpu.localApic.read(physical & (PAGE - 1), bytes) : cpu.mmu.mmio.read(physical, bytes);
}
function writeDevice(cpu: Processor, physical: number, bytes: AccessBytes, value: number): void {
  if (isApicPage(cpu, physical)) cpu.localApic.write(physical & (PAGE - 1), bytes, value);
  else cpu.mmu.mmio.write(physical, bytes, value);
}

function readPhysicalTo(cpu: Processor, physical: number, bytes: number, destination: number): void {
  const host = hostOf(cpu, physical, READ);
  if (host !== NOWHERE) return copy(cpu, host, destination, bytes);
  for (let done = 0; done < bytes;) {
    const size = pieceOf(physical + done, bytes - done), value = readDevice(cpu, physical + done, size);
    for (let n = 0; n < size; n++) cpu.u8[destination + done++] = value >>> 8 * n;
  }
}

function writePhysicalFrom(cpu: Processor, physical: number, bytes: number, source: number): void {
  const host = hostOf(cpu, physical, WRITE);
  if (host !== NOWHERE) {
    copy(cpu, source, host, bytes);
    return written(cpu, host, bytes);
  }
  for (let done = 0; done < bytes;) {
    const size = pieceOf(physical + done, bytes - done);
    let value = 0;
    for (let n = 0; n < size; n++) value |= cpu.u8[source + done + n]! << 8 * n;
    writeDevice(cpu, physical + done, size, value >>> 0);
    done += size;
  }
}

/** Devices are accessed in naturally aligned pieces of at most four bytes. */
function pieceOf(physical: number, bytes: number): AccessBytes {
  if (bytes >= 4 && (physical & 3) === 0) return 4;
  return bytes >= 2 && (physical & 1) === 0 ? 2 : 1;
}

function written(cpu: Processor, host: number, bytes: number): void {
  const { codePages } = cpu.mmu, place = host - MAP.guestMemory;
  if (codePages[place >>> 12] !== 0 || codePages[(place + bytes - 1) >>> 12] !== 0) cpu.codeWritten(place, bytes);
}

/** Physical addresses as VMX, APIC and the devices use them; aligned, so within one page. */
export function readPhysical8(cpu: Processor, address: number): number {
  const physical = maskA20(cpu, address), host = hostOf(cpu, physical, READ);
  return host !== NOWHERE ? cpu.u8[host]! : readDevice(cpu, physical, 1);
}
export function readPhysical16(cpu: Processor, address: number): number {
  const physical = maskA20(cpu, address), host = hostOf(cpu, physical, READ);
  return host !== NOWHERE ? cpu.view.getUint16(host, true) : readDevice(cpu, physical, 2);
}
export function readPhysical32(cpu: Processor, address: number): number {
  const physical = maskA20(cpu, address), host = hostOf(cpu, physical, READ);
  return host !== NOWHERE ? cpu.view.getUint32(host, true) : readDevice(cpu, physical, 4);
}
/** 64 bits as an unsigned number: exact only below 2^53. */
export function readPhysicalNumber(cpu: Processor, address: number): number {
  return readPhysical32(cpu, address + 4) * 2 ** 32 + readPhysical32(cpu, address);
}
export function readPhysical64(cpu: Processor, address: number): bigint {
  return BigInt(readPhysical32(cpu, address + 4)) << 32n | BigInt(readPhysical32(cpu, address));
}
export function writePhysical8(cpu: Processor, address: number, value: number): void {
  const physical = maskA20(cpu, address), host = hostOf(cpu, physical, WRITE);
  if (host === NOWHERE) return writeDevice(cpu, physical, 1, value & 0xff);
  cpu.u8[host] = value;
  written(cpu, host, 1);
}
export function writePhysical16(cpu: Processor, address: number, value: number): void {
  const physical = maskA20(cpu, address), host = hostOf(cpu, physical, WRITE);
  if (host === NOWHERE) return writeDevice(cpu, physical, 2, value & 0xffff);
  cpu.view.setUint16(host, value, true);
  written(cpu, host, 2);
}
export function writePhysical32(cpu: Processor, address: number, value: number): void {
  const physical = maskA20(cpu, address), host = hostOf(cpu, physical, WRITE);
  if (host === NOWHERE) return writeDevice(cpu, physical, 4, value >>> 0);
  cpu.view.setUint32(host, value, true);
  written(cpu, host, 4);
}
export function writePhysical64(cpu: Processor, address: number, value: bigint): void {
  writePhysical32(cpu, address, Number(value & 0xffffffffn));
  writePhysical32(cpu, address + 4, Number(value >> 32n & 0xffffffffn));
}

export { EXECUTE, READ, WRITE, type AccessKind };
