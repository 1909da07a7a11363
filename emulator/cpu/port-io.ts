/** Ports. SDM Vol. 1, "Input/Output"; Vol. 2, "IN—Input From Port", "OUT—Output to Port", "INS/INSB/INSW/INSD", "OUTS/OUTSB/OUTSW/OUTSD". */
import { probe, read16, read32, read8, write16, write32, write8 } from '../paging/access.js';
import { WRITE } from '../paging/mmu.js';
import { notice, portBreakpoints } from './debug-registers.js';
import { Exception, VECTORS } from './events.js';
import { DF, IOPL, TF } from './flags.js';
import { ES, gpr, S } from './layout.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';
import { linearAddress, segmentNumber, unchecked } from './references.js';
import { portsPermitted } from './task-state.js';

type PortBytes = 1 | 2 | 4;
const RCX = 1, RDX = 2, RSI = 6, RDI = 7;
/** A repeated instruction does at most so much at a time; then it is met again. */
const ITERATIONS = 1024;

/** SDM Vol. 1, "I/O Privilege Level" and "I/O Permission Bit Map". */
function checkPermission(cpu: Processor, port: number, bytes: number): void {
  if (!cpu.protectedMode) return;
  const rflags = cpu.low(S.rflags);
  if (!cpu.virtual8086 && cpu.cpl <= (rflags & IOPL) >> 12) return;
  if (!portsPermitted(cpu, port, bytes)) throw new Exception(VECTORS['#GP'], 0, 0, `port 0x${port.toString(16)} is not permitted at CPL ${cpu.cpl}`);
}

/** Arguments: port, bytes, whether the port is an immediate. */
function input(cpu: Processor): void {
  const port = cpu.argumentLow(0) & 0xffff, bytes = cpu.argumentLow(1) as PortBytes;
  checkPermission(cpu, port, bytes);
  cpu.intercepts.io(cpu, port, bytes, true, false, false, cpu.argumentLow(2) !== 0);
  const value = cpu.ports.read(port, bytes);
  notice(cpu, portBreakpoints(cpu, port, bytes));
  if (bytes === 4) cpu.setReg32(0, value);
  else if (bytes === 2) cpu.view.setUint16(gpr(0), value, true);
  else cpu.u8[gpr(0)] = value;
}
function output(cpu: Processor): void {
  const port = cpu.argumentLow(0) & 0xffff, bytes = cpu.argumentLow(1) as PortBytes;
  checkPermission(cpu, port, bytes);
  cpu.intercepts.io(cpu, port, bytes, false, false, false, cpu.argumentLow(2) !== 0);
  const eax = cpu.reg32(0);
  cpu.ports.write(port, bytes, bytes === 4 ? eax : bytes === 2 ? eax & 0xffff : eax & 0xff);
  notice(cpu, portBreakpoints(cpu, port, bytes));
}

/** A register as far as the address size goes. */
function addressRegister(cpu: Processor, register: number, size: number): number {
  if (size === 64) return cpu.regNumber(register);
  return size === 32 ? cpu.reg32(register) : cpu.reg32(register) & 0xffff;
}
function setAddressRegister(cpu: Processor, register: number, size: number, value: number): void {
  if (size === 64) cpu.setRegNumber(register, value);
  else if (size === 32) cpu.setReg32(register, value);
  else cpu.view.setUint16(gpr(register), value & 0xffff, true);
}

/** Arguments: bytes, address size, whether repeated, place of the segment register in the state. */
function stringIo(cpu: Processor, isInput: boolean): void {
  const bytes = cpu.argumentLow(0) as PortBytes, size = cpu.argumentLow(1), repeated = cpu.argumentLow(2) !== 0;
  const segment = isInput ? ES : segmentNumber(cpu.argumentLow(3)), register = isInput ? RDI : RSI;
  const port = cpu.reg32(RDX) & 0xffff, step = cpu.low(S.rflags) & DF ? -bytes : bytes;
  for (let n = cpu.low(S.rflags) & TF ? ITERATIONS - 1 : 0; n < ITERATIONS; n++) {
    if (repeated && addressRegister(cpu, RCX, size) === 0) return;
    const offset = addressRegister(cpu, register, size);
    checkPermission(cpu, port, bytes);
    cpu.intercepts.io(cpu, port, bytes, isInput, true, repeated, false, unchecked(cpu, segment, offset));
    const linear = linearAddress(cpu, segment, offset, bytes, isInput);
    if (isInput) {
      probe(cpu, linear, bytes, WRITE);
      writeMemory(cpu, linear, bytes, cpu.ports.read(port, bytes));
    } else cpu.ports.write(port, bytes, readMemory(cpu, linear, bytes));
    const hit = portBreakpoints(cpu, port, bytes);
    notice(cpu, hit);
    setAddressRegister(cpu, register, size, offset + step);
    if (!repeated) return;
    setAddressRegister(cpu, RCX, size, addressRegister(cpu, RCX, size) - 1);
    if (hit !== 0) break;
  }
  if (addressRegister(cpu, RCX, size) !== 0) cpu.nextRip = cpu.rip;
}
const readMemory = (cpu: Processor, at: number, bytes: PortBytes): number => (bytes === 1 ? read8(cpu, at) : bytes === 2 ? read16(cpu, at) : read32(cpu, at));
function writeMemory(cpu: Processor, at: number, bytes: PortBytes, value: number): void {
  if (bytes === 1) write8(cpu, at, value); else if (bytes === 2) write16(cpu, at, value); else write32(cpu, at, value);
}

export const PORT_OPERATIONS: Operations = {
  IN: input, OUT: output, INS: (cpu) => stringIo(cpu, true), OUTS: (cpu) => stringIo(cpu, false),
};
