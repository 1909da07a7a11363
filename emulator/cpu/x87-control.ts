/** x87 control instructions, and the environment and registers in memory. SDM Vol. 1, "x87 FPU Control and Status Words in Memory"; Vol. 2, "FLDENV", "FSTENV", "FSAVE", "FRSTOR". */
import { read16, read32, readTo, probe, write16, write32, writeFrom } from '../paging/access.js';
import { READ, WRITE } from '../paging/mmu.js';
import { setControlWord, summarize } from './float-state.js';
import { S } from './layout.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';
import { linearAddress, segmentNumber } from './references.js';
import { FSW } from './x87-stack.js';

export const INITIAL_FCW = 0x37f;
const EXCEPTIONS = 0xff, REGISTER_BYTES = 10;

export function initializeX87(cpu: Processor): void {
  setControlWord(cpu, INITIAL_FCW);
  const { u32 } = cpu;
  for (const at of [S.fsw, S.ftw, S.fop, S.fcs, S.fds]) u32[at >> 2] = 0;
  cpu.set(S.fip, 0, 0);
  cpu.set(S.fdp, 0, 0);
}

const ZERO_TAG = 1, SPECIAL_TAG = 2, EMPTY_TAG = 3;
/** The full tag word: two bits for each physical register. */
function fullTags(cpu: Processor): number {
  let tags = 0;
  for (let i = 0; i < 8; i++) {
    const at = (S.x87 + 16 * i) >> 2, low = cpu.u32[at]!, high = cpu.u32[at + 1]!, exponent = cpu.u32[at + 2]! & 0x7fff;
    const tag = !(cpu.low(S.ftw) & (1 << i)) ? EMPTY_TAG : exponent === 0 && high === 0 && low === 0 ? ZERO_TAG : exponent === 0 || exponent === 0x7fff || high < 0x80000000 ? SPECIAL_TAG : 0;
    tags |= tag << (2 * i);
  }
  return tags;
}
function setFullTags(cpu: Processor, tags: number): void {
  let valid = 0;
  for (let i = 0; i < 8; i++) if (((tags >> (2 * i)) & 3) !== EMPTY_TAG) valid |= 1 << i;
  cpu.u32[S.ftw >> 2] = valid;
}

/** Arguments: offset, segment, operand size, whether in protected mode (virtual-8086 mode has the real-mode image). */
interface Area { readonly at: number; readonly wide: boolean; readonly isProtected: boolean; readonly bytes: number }
function area(cpu: Processor, registers: boolean, writes: boolean): Area {
  const wide = cpu.argumentLow(2) !== 16, bytes = wide ? 28 : 14, total = bytes + (registers ? 8 * REGISTER_BYTES : 0);
  const at = linearAddress(cpu, segmentNumber(cpu.argumentLow(1)), cpu.argument(0), total, writes);
  probe(cpu, at, total, writes ? WRITE : READ);
  return { at, wide, isProtected: cpu.argumentLow(3) !== 0, bytes };
}

const realLinear = (cpu: Processor, selector: number, offset: number): number => (cpu.low(selector) * 16 + cpu.low(offset)) >>> 0;

function storeEnvironment(cpu: Processor, { at, wide, isProtected }: Area): void {
  const stride = wide ? 4 : 2, fip = cpu.low(S.fip), fdp = cpu.low(S.fdp);
  const put = (n: number, value: number) => { if (wide) write32(cpu, at + n * stride, value >>> 0); else write16(cpu, at + n * stride, value & 0xffff); };
  const RESERVED = wide ? 0xffff0000 : 0;
  put(0, cpu.low(S.fcw) | RESERVED);
  put(1, cpu.low(S.fsw) | RESERVED);
  put(2, fullTags(cpu) | RESERVED);
  if (isProtected) {
    put(3, fip);
    put(4, cpu.low(S.fcs) | (wide ? cpu.low(S.fop) << 16 : 0));
    put(5, fdp);
    put(6, cpu.low(S.fds) | RESERVED);
    return;
  }
  const ip = realLinear(cpu, S.fcs, S.fip), dp = realLinear(cpu, S.fds, S.fdp), fop = cpu.low(S.fop);
  put(3, wide ? (ip & 0xffff) | RESERVED : ip);
  put(4, wide ? ((ip >>> 16) << 12) | fop : ((ip >>> 16) << 12) | fop);
  put(5, wide ? (dp & 0xffff) | RESERVED : dp);
  put(6, (dp >>> 16) << 12);
}

function loadEnvironment(cpu: Processor, { at, wide, isProtected }: Area): void {
  const stride = wide ? 4 : 2, { u32 } = cpu;
  const get = (n: number) => (wide ? read32(cpu, at + n * stride) : read16(cpu, at + n * stride));
  setControlWord(cpu, get(0) & 0xffff);
  u32[S.fsw >> 2] = get(1) & 0xffff;
  setFullTags(cpu, get(2));
  const [ip, cs, dp, ds] = [get(3), get(4), get(5), get(6)] as const;
  if (isProtected) {
    cpu.set(S.fip, ip, 0);
    u32[S.fcs >> 2] = cs & 0xffff;
    u32[S.fop >> 2] = wide ? (cs >>> 16) & 0x7ff : 0;
    cpu.set(S.fdp, dp, 0);
    u32[S.fds >> 2] = ds & 0xffff;
  } else {
    cpu.set(S.fip, ((ip & 0xffff) | ((cs >>> 12) << 16)) >>> 0, 0);
    cpu.set(S.fdp, ((dp & 0xffff) | ((ds >>> 12) << 16)) >>> 0, 0);
    u32[S.fop >> 2] = cs & 0x7ff;
    u32[S.fcs >> 2] = u32[S.fds >> 2] = 0;
  }
  summarize(cpu);
}
const physicalOf = (cpu: Processor, i: number): number => S.x87 + 16 * ((((cpu.low(S.fsw) & FSW.TOP) >> 11) + i) & 7);

export const X87_CONTROL_OPERATIONS: Operations = {
  FNINIT: initializeX87,
  FNCLEX: (cpu) => { cpu.u32[S.fsw >> 2]! &= ~(EXCEPTIONS | FSW.B); },
  FLDCW(cpu) {
    setControlWord(cpu, cpu.argumentLow(0));
    summarize(cpu);
  },
  FLDENV: (cpu) => loadEnvironment(cpu, area(cpu, false, false)),
  /** "… then masks all floating-point exceptions." */
  FNSTENV(cpu) {
    storeEnvironment(cpu, area(cpu, false, true));
    cpu.u32[S.fcw >> 2]! |= 0x3f;
    summarize(cpu);
  },
  FNSAVE(cpu) {
    const to = area(cpu, true, true);
    storeEnvironment(cpu, to);
    for (let i = 0; i < 8; i++) writeFrom(cpu, to.at + to.bytes + REGISTER_BYTES * i, REGISTER_BYTES, physicalOf(cpu, i));
    initializeX87(cpu);
  },
  FRSTOR(cpu) {
    const from = area(cpu, true, false);
    loadEnvironment(cpu, from);
    for (let i = 0; i < 8; i++) {
      const to = physicalOf(cpu, i);
      cpu.u32[(to + 8) >> 2] = 0;
      readTo(cpu, from.at + from.bytes + REGISTER_BYTES * i, REGISTER_BYTES, to);
    }
  },
};
