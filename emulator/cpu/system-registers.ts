/** Instructions that load the system registers. SDM Vol. 3, "Summary of System Instructions". */
import { readCr8, writeCr0, writeCr3, writeCr4, writeCr8 } from './control-registers.js';
import { checkGeneralDetect, debugRegister, dr, writeDebugRegister } from './debug-registers.js';
import { Exception, VECTORS } from './events.js';
import { gpr, S } from './layout.js';
import { canonical, CR0, CR4 } from './modes.js';
import type { Operation, Operations } from './operations.js';
import type { Processor } from './processor.js';
import { segmentNumber, unchecked } from './references.js';
import { loadLdtr, loadTr } from './segments.js';

const UD = VECTORS['#UD'], GP = VECTORS['#GP'];

export function demandLevel0(cpu: Processor, what: string): void {
  if (cpu.cpl !== 0) throw new Exception(GP, 0, 0, `${what} at CPL ${cpu.cpl}`);
}
/** Arguments: limit, base (as many bits as the mode loads). */
function loadTable(base: number, limit: number, what: string) {
  return (cpu: Processor): void => {
    const at = cpu.argument(1);
    if (!canonical(at)) throw new Exception(GP, 0, 0, `${what}: the base is not canonical`);
    cpu.setNumber(base, at);
    cpu.u32[limit >> 2] = cpu.argumentLow(0) & 0xffff;
  };
}

function demandUmip(cpu: Processor, what: string): void {
  if (cpu.cr4 & CR4.UMIP && cpu.cpl !== 0) throw new Exception(GP, 0, 0, `${what} at CPL ${cpu.cpl} with CR4.UMIP`);
}

/** Before a descriptor-table instruction touches memory: privilege, UMIP, VM exits. */
const checkTable = (name: string, stores: boolean): Operation => (cpu) => {
  if (stores) demandUmip(cpu, name); else demandLevel0(cpu, name);
  return cpu.intercepts.instruction(cpu, name);
};

const CONTROL_REGISTERS = new Set([0, 2, 3, 4, 8]);
function controlRegister(cpu: Processor): number {
  const n = cpu.argumentLow(0);
  if (!CONTROL_REGISTERS.has(n) || (n === 8 && !cpu.code64)) throw new Exception(UD, 0, 0, `there is no CR${n}`);
  demandLevel0(cpu, `access to CR${n}`);
  return n;
}

/** Arguments: control register, general register. */
function movToControl(cpu: Processor): void {
  const n = controlRegister(cpu), register = cpu.argumentLow(1);
  const low = cpu.reg32(register), high = cpu.code64 ? cpu.high(gpr(register)) : 0;
  const value = n === 3 ? (high & 0x7fffffff) * 2 ** 32 + low : low;
  const allowed = cpu.intercepts.movToCr(cpu, n, register, value);
  switch (n) {
    case 0: writeCr0(cpu, allowed, high); break;
    case 2: cpu.set(S.cr2, low, high); break;
    case 3: writeCr3(cpu, low, high); break;
    case 4: writeCr4(cpu, allowed, high); break;
    default: writeCr8(cpu, low, high);
  }
}
/** Arguments: control register, general register. */
function movFromControl(cpu: Processor): void {
  const n = controlRegister(cpu), register = cpu.argumentLow(1);
  cpu.intercepts.movFromCr(cpu, n, register);
  if (n === 8) return cpu.set(gpr(register), readCr8(cpu), 0);
  const at = { 0: S.cr0, 2: S.cr2, 3: S.cr3, 4: S.cr4 }[n]!;
  const low = n === 0 || n === 4 ? cpu.intercepts.readCr(cpu, n) : cpu.low(at);
  cpu.set(gpr(register), low >>> 0, cpu.code64 ? cpu.high(at) : 0);
}

/** Arguments: debug register, general register. */
function movDebug(cpu: Processor, toRegister: boolean): void {
  const n = debugRegister(cpu, cpu.argumentLow(0)), register = cpu.argumentLow(1);
  checkGeneralDetect(cpu);
  cpu.intercepts.movDr(cpu, n, register, toRegister);
  if (toRegister) cpu.set(gpr(register), cpu.low(dr(n)), cpu.code64 ? cpu.high(dr(n)) : 0);
  else writeDebugRegister(cpu, n, cpu.reg32(register), cpu.code64 ? cpu.high(gpr(register)) : 0);
}

/** Arguments: the machine status word; whether it came from memory, the offset there and the place of its segment register. */
function lmsw(cpu: Processor): void {
  const source = cpu.intercepts.lmsw(cpu, cpu.argumentLow(0) & 0xffff, cpu.argumentLow(1) === 0 ? undefined : unchecked(cpu, segmentNumber(cpu.argumentLow(3)), cpu.argument(2)));
  const pe = cpu.cr0 & CR0.PE;
  writeCr0(cpu, ((cpu.cr0 & ~0xf) | (source & 0xf) | pe) >>> 0);
}

function clts(cpu: Processor): void {
  demandLevel0(cpu, 'CLTS');
  if (cpu.intercepts.clts(cpu)) writeCr0(cpu, (cpu.cr0 & ~CR0.TS) >>> 0);
}

export const SYSTEM_REGISTER_OPERATIONS: Operations = {
  'check LGDT': checkTable('LGDT', false), 'check LIDT': checkTable('LIDT', false),
  'check SGDT': checkTable('SGDT', true), 'check SIDT': checkTable('SIDT', true),
  'check SMSW': (cpu) => {
    demandUmip(cpu, 'SMSW');
    cpu.result(0, cpu.intercepts.readCr(cpu, 0));
  },
  'check LMSW': (cpu) => demandLevel0(cpu, 'LMSW'),
  'check LLDT': checkTable('LLDT', false), 'check LTR': checkTable('LTR', false),
  'check SLDT': checkTable('SLDT', true), 'check STR': checkTable('STR', true),
  LGDT: loadTable(S.gdtrBase, S.gdtrLimit, 'LGDT'),
  LIDT: loadTable(S.idtrBase, S.idtrLimit, 'LIDT'),
  LLDT: (cpu) => loadLdtr(cpu, cpu.argumentLow(0) & 0xffff),
  LTR: (cpu) => loadTr(cpu, cpu.argumentLow(0) & 0xffff),
  'MOV to CR': movToControl, 'MOV from CR': movFromControl,
  'MOV to DR': (cpu) => movDebug(cpu, false), 'MOV from DR': (cpu) => movDebug(cpu, true),
  LMSW: lmsw, CLTS: clts,
};
