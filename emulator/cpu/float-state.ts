/** MXCSR and the FXSAVE image. SDM Vol. 1, "FXSAVE Area"; Vol. 2, "FXSAVE", "FXRSTOR", "LDMXCSR". */
import { linearAddress, segmentNumber } from './references.js';
import { exception } from './events.js';
import { updateFloatMode } from './float-mode.js';
import { S, xmm } from './layout.js';
import { CR4 } from './modes.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';
import { read16, read32, readTo, probe, write16, write32, writeFrom } from '../paging/access.js';
import { READ, WRITE } from '../paging/mmu.js';

export const IMAGE = { fcw: 0, fsw: 2, ftw: 4, fop: 6, fip: 8, fcs: 12, fdp: 16, fds: 20, mxcsr: 24, mxcsrMask: 28, st: 32, xmm: 160, bytes: 512 } as const;
const ERROR_SUMMARY = 0x80, BUSY = 0x8000, EXCEPTIONS = 0x3f;

function checkMxcsr(cpu: Processor, value: number): void {
  const reserved = (value & ~cpu.low(S.mxcsrMask)) >>> 0;
  if (reserved) throw exception('#GP', 0, `MXCSR: bits 0x${reserved.toString(16)} are reserved`);
}
export function setMxcsr(cpu: Processor, value: number): void {
  cpu.u32[S.mxcsr >> 2] = value;
  updateFloatMode(cpu);
}

const FCW_BITS = 0x1f3f, FCW_ALWAYS = 0x40;
/** Reserved bits of the control word do not change. */
export function setControlWord(cpu: Processor, value: number): void { cpu.u32[S.fcw >> 2] = (value & FCW_BITS) | FCW_ALWAYS; }

/** ES and B follow the flags and masks. */
export function summarize(cpu: Processor): void {
  const fsw = cpu.low(S.fsw), pending = fsw & ~cpu.low(S.fcw) & EXCEPTIONS;
  cpu.u32[S.fsw >> 2] = pending ? fsw | ERROR_SUMMARY | BUSY : fsw & ~(ERROR_SUMMARY | BUSY);
}

const registersInMode = (cpu: Processor): number => (cpu.code64 ? 16 : 8);
const top = (fsw: number): number => (fsw >> 11) & 7;

/** The parts of the image, which XSAVE's legacy region has too. `wide`: with 64-bit instruction and data pointers, without selectors. */
export function saveX87(cpu: Processor, at: number, wide: boolean): void {
  write16(cpu, at + IMAGE.fcw, cpu.low(S.fcw));
  write16(cpu, at + IMAGE.fsw, cpu.low(S.fsw));
  write16(cpu, at + IMAGE.ftw, cpu.low(S.ftw) & 0xff);
  write16(cpu, at + IMAGE.fop, cpu.low(S.fop));
  write32(cpu, at + IMAGE.fip, cpu.low(S.fip));
  write32(cpu, at + IMAGE.fcs, wide ? cpu.high(S.fip) : cpu.low(S.fcs));
  write32(cpu, at + IMAGE.fdp, cpu.low(S.fdp));
  write32(cpu, at + IMAGE.fds, wide ? cpu.high(S.fdp) : cpu.low(S.fds));
  for (let i = 0; i < 8; i++) {
    const from = S.x87 + 16 * ((top(cpu.low(S.fsw)) + i) & 7), to = at + IMAGE.st + 16 * i;
    writeFrom(cpu, to, 8, from);
    write32(cpu, to + 8, cpu.low(from + 8) & 0xffff);
    write32(cpu, to + 12, 0);
  }
}
export function restoreX87(cpu: Processor, at: number, wide: boolean): void {
  const { u32 } = cpu, word = (offset: number) => read32(cpu, at + offset);
  setControlWord(cpu, read16(cpu, at + IMAGE.fcw));
  u32[S.fsw >> 2] = read16(cpu, at + IMAGE.fsw);
  u32[S.ftw >> 2] = read16(cpu, at + IMAGE.ftw) & 0xff;
  u32[S.fop >> 2] = read16(cpu, at + IMAGE.fop) & 0x7ff;
  cpu.set(S.fip, word(IMAGE.fip), wide ? word(IMAGE.fcs) : 0);
  cpu.set(S.fdp, word(IMAGE.fdp), wide ? word(IMAGE.fds) : 0);
  u32[S.fcs >> 2] = wide ? 0 : word(IMAGE.fcs) & 0xffff;
  u32[S.fds >> 2] = wide ? 0 : word(IMAGE.fds) & 0xffff;
  for (let i = 0; i < 8; i++) {
    const to = S.x87 + 16 * ((top(cpu.low(S.fsw)) + i) & 7);
    readTo(cpu, at + IMAGE.st + 16 * i, 16, to);
    u32[(to + 8) >> 2]! &= 0xffff;
    u32[(to + 12) >> 2] = 0;
  }
  summarize(cpu);
}
export function saveMxcsr(cpu: Processor, at: number): void {
  write32(cpu, at + IMAGE.mxcsr, cpu.low(S.mxcsr));
  write32(cpu, at + IMAGE.mxcsrMask, cpu.low(S.mxcsrMask));
}
/** What the image has for MXCSR; #GP(0) when that sets a reserved bit. */
export function savedMxcsr(cpu: Processor, at: number): number {
  const mxcsr = read32(cpu, at + IMAGE.mxcsr);
  checkMxcsr(cpu, mxcsr);
  return mxcsr;
}
/** The low or the high half of each YMM register that the mode has, 16 bytes apart. */
export function saveVectors(cpu: Processor, at: number, half: 0 | 1): void {
  for (let i = 0; i < registersInMode(cpu); i++) writeFrom(cpu, at + 16 * i, 16, xmm(i) + 16 * half);
}
export function restoreVectors(cpu: Processor, at: number, half: 0 | 1): void {
  for (let i = 0; i < registersInMode(cpu); i++) readTo(cpu, at + 16 * i, 16, xmm(i) + 16 * half);
}
export function clearVectors(cpu: Processor, half: 0 | 1): void {
  for (let i = 0; i < registersInMode(cpu); i++) cpu.u8.fill(0, xmm(i) + 16 * half, xmm(i) + 16 * half + 16);
}
export function vectorsInUse(cpu: Processor, half: 0 | 1): boolean {
  for (let i = 0; i < registersInMode(cpu); i++) for (let word = 0; word < 16; word += 4) if (cpu.low(xmm(i) + 16 * half + word) !== 0) return true;
  return false;
}

function imageAt(cpu: Processor, writes: boolean): number {
  const linear = linearAddress(cpu, segmentNumber(cpu.argumentLow(1)), cpu.argument(0), IMAGE.bytes, writes);
  if (linear % 16 !== 0) throw exception('#GP', 0, 'the FXSAVE image is not aligned on 16 bytes');
  probe(cpu, linear, IMAGE.bytes, writes ? WRITE : READ);
  return linear;
}
const wide = (cpu: Processor): boolean => cpu.argumentLow(2) !== 0;

function fxsave(cpu: Processor): void {
  const at = imageAt(cpu, true);
  saveX87(cpu, at, wide(cpu));
  saveMxcsr(cpu, at);
  if (cpu.cr4 & CR4.OSFXSR) saveVectors(cpu, at + IMAGE.xmm, 0);
}

function fxrstor(cpu: Processor): void {
  const at = imageAt(cpu, false), mxcsr = savedMxcsr(cpu, at);
  restoreX87(cpu, at, wide(cpu));
  setMxcsr(cpu, mxcsr);
  if (cpu.cr4 & CR4.OSFXSR) restoreVectors(cpu, at + IMAGE.xmm, 0);
}

export const FLOAT_STATE_OPERATIONS: Operations = {
  LDMXCSR(cpu) {
    checkMxcsr(cpu, cpu.argumentLow(0));
    setMxcsr(cpu, cpu.argumentLow(0));
  },
  FXSAVE: fxsave,
  FXRSTOR: fxrstor,
};
