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

const IMAGE = { fcw: 0, fsw: 2, ftw: 4, fop: 6, fip: 8, fcs: 12, fdp: 16, fds: 20, mxcsr: 24, mxcsrMask: 28, st: 32, xmm: 160, used: 416, bytes: 512 } as const;
const ERROR_SUMMARY = 0x80, BUSY = 0x8000, EXCEPTIONS = 0x3f;

function checkMxcsr(cpu: Processor, value: number): void {
  const reserved = (value & ~cpu.low(S.mxcsrMask)) >>> 0;
  if (reserved) throw exception('#GP', 0, `MXCSR: bits 0x${reserved.toString(16)} are reserved`);
}
function setMxcsr(cpu: Processor, value: number): void {
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

function imageAt(cpu: Processor, writes: boolean): number {
  const linear = linearAddress(cpu, segmentNumber(cpu.argumentLow(1)), cpu.argument(0), IMAGE.bytes, writes);
  if (linear % 16 !== 0) throw exception('#GP', 0, 'the FXSAVE image is not aligned on 16 bytes');
  probe(cpu, linear, IMAGE.bytes, writes ? WRITE : READ);
  return linear;
}
const wide = (cpu: Processor): boolean => cpu.argumentLow(2) !== 0;
const registersInMode = (cpu: Processor): number => (cpu.code64 ? 16 : 8);
const top = (fsw: number): number => (fsw >> 11) & 7;

function fxsave(cpu: Processor): void {
  const at = imageAt(cpu, true);
  write16(cpu, at + IMAGE.fcw, cpu.low(S.fcw));
  write16(cpu, at + IMAGE.fsw, cpu.low(S.fsw));
  write16(cpu, at + IMAGE.ftw, cpu.low(S.ftw) & 0xff);
  write16(cpu, at + IMAGE.fop, cpu.low(S.fop));
  write32(cpu, at + IMAGE.fip, cpu.low(S.fip));
  write32(cpu, at + IMAGE.fcs, wide(cpu) ? cpu.high(S.fip) : cpu.low(S.fcs));
  write32(cpu, at + IMAGE.fdp, cpu.low(S.fdp));
  write32(cpu, at + IMAGE.fds, wide(cpu) ? cpu.high(S.fdp) : cpu.low(S.fds));
  write32(cpu, at + IMAGE.mxcsr, cpu.low(S.mxcsr));
  write32(cpu, at + IMAGE.mxcsrMask, cpu.low(S.mxcsrMask));
  for (let i = 0; i < 8; i++) {
    const from = S.x87 + 16 * ((top(cpu.low(S.fsw)) + i) & 7), to = at + IMAGE.st + 16 * i;
    writeFrom(cpu, to, 8, from);
    write32(cpu, to + 8, cpu.low(from + 8) & 0xffff);
    write32(cpu, to + 12, 0);
  }
  if (!(cpu.cr4 & CR4.OSFXSR)) return;
  for (let i = 0; i < registersInMode(cpu); i++) writeFrom(cpu, at + IMAGE.xmm + 16 * i, 16, xmm(i));
}

function fxrstor(cpu: Processor): void {
  const at = imageAt(cpu, false), mxcsr = read32(cpu, at + IMAGE.mxcsr), sse = (cpu.cr4 & CR4.OSFXSR) !== 0;
  checkMxcsr(cpu, mxcsr);
  const { u32 } = cpu;
  setControlWord(cpu, read16(cpu, at + IMAGE.fcw));
  u32[S.fsw >> 2] = read16(cpu, at + IMAGE.fsw);
  u32[S.ftw >> 2] = read16(cpu, at + IMAGE.ftw) & 0xff;
  u32[S.fop >> 2] = read16(cpu, at + IMAGE.fop) & 0x7ff;
  const high = (offset: number) => read32(cpu, at + offset);
  cpu.set(S.fip, read32(cpu, at + IMAGE.fip), wide(cpu) ? high(IMAGE.fcs) : 0);
  cpu.set(S.fdp, read32(cpu, at + IMAGE.fdp), wide(cpu) ? high(IMAGE.fds) : 0);
  u32[S.fcs >> 2] = wide(cpu) ? 0 : high(IMAGE.fcs) & 0xffff;
  u32[S.fds >> 2] = wide(cpu) ? 0 : high(IMAGE.fds) & 0xffff;
  for (let i = 0; i < 8; i++) {
    const to = S.x87 + 16 * ((top(cpu.low(S.fsw)) + i) & 7);
    readTo(cpu, at + IMAGE.st + 16 * i, 16, to);
    u32[(to + 8) >> 2]! &= 0xffff;
    u32[(to + 12) >> 2] = 0;
  }
  summarize(cpu);
  setMxcsr(cpu, mxcsr);
  if (sse) for (let i = 0; i < registersInMode(cpu); i++) readTo(cpu, at + IMAGE.xmm + 16 * i, 16, xmm(i));
}

export const FLOAT_STATE_OPERATIONS: Operations = {
  LDMXCSR(cpu) {
    checkMxcsr(cpu, cpu.argumentLow(0));
    setMxcsr(cpu, cpu.argumentLow(0));
  },
  FXSAVE: fxsave,
  FXRSTOR: fxrstor,
};
