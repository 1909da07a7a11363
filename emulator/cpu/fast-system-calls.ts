/** SDM Vol. 2, "SYSCALL—Fast System Call", "SYSRET—Return From Fast System Call", "SYSENTER—Fast System Call", "SYSEXIT—Fast Return from Fast System Call". */
import { Exception, VECTORS } from './events.js';
import { AC, DF, getRflags, ID, IF, IOPL, NT, RF, setRflags, STATUS_FLAGS, TF, VIF, VIP, VM } from './flags.js';
import { CS, gpr, S, SS } from './layout.js';
import { canonical, EFER, setRflagsBits } from './modes.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';
import { FLAT_CODE32, FLAT_CODE64, FLAT_DATA, setFlat } from './segments.js';

const UD = VECTORS['#UD'], GP = VECTORS['#GP'];
const RCX = 1, RDX = 2, RSP = 4, R11 = 11;
export const SYSRET_FLAGS = STATUS_FLAGS | TF | IF | DF | IOPL | NT | AC | VIF | VIP | ID;

function flatLevel(cpu: Processor, selector: number, code: number, cpl: number, ssSelector: number): void {
  setFlat(cpu, CS, selector, code, cpl);
  setFlat(cpu, SS, ssSelector, FLAT_DATA, cpl);
  cpu.cpl = cpl;
}

function syscall(cpu: Processor): void {
  if (!cpu.code64 || (cpu.efer & EFER.SCE) === 0) throw new Exception(UD, 0, 0, 'SYSCALL outside 64-bit mode or without IA32_EFER.SCE');
  const flags = getRflags(cpu) & ~RF;
  cpu.setRegNumber(RCX, cpu.nextRip);
  cpu.setReg32(R11, flags);
  setRflags(cpu, flags & ~cpu.low(S.sfmask));
  const selector = cpu.high(S.star) & 0xfffc;
  flatLevel(cpu, selector, FLAT_CODE64, 0, (selector + 8) & 0xffff);
  cpu.nextRip = cpu.number(S.lstar);
  cpu.modeChanged();
}

/** Argument: operand size. */
function sysret(cpu: Processor): void {
  if (!cpu.code64 || (cpu.efer & EFER.SCE) === 0) throw new Exception(UD, 0, 0, 'SYSRET outside 64-bit mode or without IA32_EFER.SCE');
  if (cpu.cpl !== 0) throw new Exception(GP, 0, 0, `SYSRET at CPL ${cpu.cpl}`);
  const wide = cpu.argumentLow(0) === 64, star = cpu.high(S.star) >>> 16;
  const rip = wide ? cpu.regNumber(RCX) : cpu.reg32(RCX);
  if (!canonical(rip)) throw new Exception(GP, 0, 0, 'SYSRET: RCX is not canonical');
  setRflags(cpu, cpu.reg32(R11) & SYSRET_FLAGS);
  flatLevel(cpu, ((wide ? star + 16 : star) | 3) & 0xffff, wide ? FLAT_CODE64 : FLAT_CODE32, 3, ((star + 8) | 3) & 0xffff);
  cpu.nextRip = rip;
  cpu.modeChanged();
}

function sysenter(cpu: Processor): void {
  const cs = cpu.low(S.sysenterCs);
  if (!cpu.protectedMode) throw new Exception(GP, 0, 0, 'SYSENTER in real-address mode');
  if ((cs & 0xfffc) === 0) throw new Exception(GP, 0, 0, 'SYSENTER: IA32_SYSENTER_CS holds a null selector');
  const long = cpu.longMode;
  setRflagsBits(cpu, VM | IF | RF, 0);
  if (long) cpu.set(gpr(RSP), cpu.low(S.sysenterEsp), cpu.high(S.sysenterEsp));
  else cpu.setReg32(RSP, cpu.low(S.sysenterEsp));
  const selector = cs & 0xfffc;
  flatLevel(cpu, selector, long ? FLAT_CODE64 : FLAT_CODE32, 0, (selector + 8) & 0xffff);
  cpu.nextRip = long ? cpu.number(S.sysenterEip) : cpu.low(S.sysenterEip);
  cpu.modeChanged();
}

/** Argument: operand size. */
function sysexit(cpu: Processor): void {
  const cs = cpu.low(S.sysenterCs) & 0xffff, wide = cpu.argumentLow(0) === 64;
  if (!cpu.protectedMode || cpu.cpl !== 0 || (cs & 0xfffc) === 0)
    throw new Exception(GP, 0, 0, 'SYSEXIT outside protected mode, at a CPL other than 0, or with a null IA32_SYSENTER_CS');
  const rip = wide ? cpu.regNumber(RDX) : cpu.reg32(RDX);
  if (wide && (!canonical(rip) || !canonical(cpu.regNumber(RCX)))) throw new Exception(GP, 0, 0, 'SYSEXIT: RCX or RDX is not canonical');
  if (wide) cpu.set(gpr(RSP), cpu.low(gpr(RCX)), cpu.high(gpr(RCX)));
  else cpu.setReg32(RSP, cpu.reg32(RCX));
  flatLevel(cpu, ((cs + (wide ? 32 : 16)) | 3) & 0xffff, wide ? FLAT_CODE64 : FLAT_CODE32, 3, ((cs + (wide ? 40 : 24)) | 3) & 0xffff);
  cpu.nextRip = rip;
  cpu.modeChanged();
}

export const FAST_SYSTEM_CALL_OPERATIONS: Operations = { SYSCALL: syscall, SYSRET: sysret, SYSENTER: sysenter, SYSEXIT: sysexit };
