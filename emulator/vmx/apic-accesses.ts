/**
 * A guest's accesses to its local APIC: by memory, by MSRs and by CR8. SDM Vol. 3C, "Virtualizing CR8-Based TPR Accesses",
 * "Virtualizing Memory-Mapped APIC Accesses", "Virtualizing MSR-Based APIC Accesses".
 */
import { ABANDON, Exception, ExitDue, VECTORS } from '../cpu/events.js';
import type { EventInDelivery } from '../cpu/intercepts.js';
import type { Processor } from '../cpu/processor.js';
import { EXECUTE, WRITE, type AccessKind } from '../paging/outcome.js';
import { PROCESSOR_2 } from './controls.js';
import { exitSentence, vmExit } from './exit.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { secondaryControls } from './guest-state.js';
import { VMX_STATE } from './state.js';
import {
  deliversVirtualInterrupts, PAGE, pendingWrite, readRegister, registerAddress, requestVirtualInterrupt, usesTprShadow, virtualizeEoi, virtualizeTpr, writeRegister,
} from './virtual-apic.js';
import { currentVmcs, slot, type Vmcs } from './vmcs.js';

const APIC_ACCESS_ADDRESS = slot('APIC-access address');
const NO_PAGE = -1;
const hex = (n: number): string => `0x${n.toString(16)}`;
const has = (vmcs: Vmcs, control: keyof typeof PROCESSOR_2): boolean => (secondaryControls(vmcs) & PROCESSOR_2[control]) !== 0;

/** Physical address of the APIC-access page; NO_PAGE when there is none. */
export function apicAccessPage(vmcs: Vmcs): number {
  return has(vmcs, 'virtualize APIC accesses') ? vmcs.unsigned(APIC_ACCESS_ADDRESS) : NO_PAGE;
}

const range = (from: number, to: number): number[] => Array.from({ length: (to - from) / 16 + 1 }, (_, n) => from + 16 * n);
/** Registers that can be read and written with "APIC-register virtualization", by offset. */
const READABLE = new Set([0x20, 0x30, 0x80, 0xb0, 0xd0, 0xe0, 0xf0, ...range(0x100, 0x280), 0x300, 0x310, ...range(0x320, 0x380), 0x3e0]);
const WRITABLE = new Set([0x20, 0x80, 0xb0, 0xd0, 0xe0, 0xf0, 0x280, 0x300, 0x310, ...range(0x320, 0x380), 0x3e0]);
const WRITABLE_WITH_DELIVERY = new Set<number>([PAGE.TPR, PAGE.EOI, PAGE.ICR_LOW]);

/** `written`: what the instruction has already written to the page, as `pendingWrite` has it; 0 for nothing. After a write, only the same one is virtualized. */
function virtualized(vmcs: Vmcs, offset: number, bytes: number, kind: AccessKind, written: number): boolean {
  if (written !== 0 && (kind !== WRITE || written !== pendingWrite(offset, bytes))) return false;
  // Only what lies within the first four bytes of 16 naturally aligned ones is a register.
  if (kind === EXECUTE || !usesTprShadow(vmcs) || bytes < 1 || (offset & 15) + bytes > 4) return false;
  const register = offset & ~15;
  if (has(vmcs, 'APIC-register virtualization')) return (kind === WRITE ? WRITABLE : READABLE).has(register);
  return register === PAGE.TPR || (kind === WRITE && deliversVirtualInterrupts(vmcs) && WRITABLE_WITH_DELIVERY.has(register));
}

/** Types of access in bits 15:12 of the exit qualification. SDM Vol. 3C, "Exit Qualification for APIC-Access VM Exits". */
const TYPES = ['linear access for a data read', 'linear access for a data write', 'linear access for an instruction fetch', 'linear access during event delivery'] as const;
const typeOf = (kind: AccessKind, during: EventInDelivery | undefined): number => (during !== undefined ? 3 : kind === EXECUTE ? 2 : kind === WRITE ? 1 : 0);

/**
 * The physical address on the virtual-APIC page that an access to the APIC-access page goes to; otherwise a VM exit. After a write the
 * instruction is run alone, because emulation follows right after it.
 */
export function accessApic(cpu: Processor, linear: number, bytes: number, kind: AccessKind): number {
  const vmcs = currentVmcs(cpu), offset = linear & 0xfff;
  if (cpu.delivering !== undefined || !virtualized(vmcs, offset, bytes, kind, cpu.low(VMX_STATE.apicWrite))) throw new ExitDue(() => { apicAccessExit(cpu, offset, kind); });
  if (kind === WRITE) {
    if (!cpu.alone) {
      cpu.aloneNext = true;
      throw ABANDON;
    }
    cpu.set(VMX_STATE.apicWrite, pendingWrite(offset, bytes), 0);
  }
  return registerAddress(vmcs, offset);
}

function apicAccessExit(cpu: Processor, offset: number, kind: AccessKind): void {
  const during = cpu.delivering, type = typeOf(kind, during);
  vmExit(cpu, EXIT_REASONS.APIC_ACCESS.number, offset | (type << 12), exitSentence(() => `offset ${hex(offset)} of the APIC-access page: ${TYPES[type]!}, which is not virtualized`), during);
}

/** Of a guest-physical access the offset is not reported. */
const BY_WALK = 15, BY_WALK_IN_DELIVERY = 10;

export function walkedToApicExit(cpu: Processor, why: string): void {
  const during = cpu.delivering, type = during === undefined ? BY_WALK : BY_WALK_IN_DELIVERY;
  vmExit(cpu, EXIT_REASONS.APIC_ACCESS.number, type << 12, exitSentence(() => why), during);
}

export const apicWritePending = (cpu: Processor): boolean => cpu.low(VMX_STATE.apicWrite) !== 0;

/** "APIC-Write Emulation", after the instruction that wrote. True: a VM exit happened. */
export function emulateApicWrite(cpu: Processor): boolean {
  const pending = cpu.low(VMX_STATE.apicWrite);
  if (pending === 0) return false;
  cpu.set(VMX_STATE.apicWrite, 0, 0);
  const vmcs = currentVmcs(cpu), offset = pending & 0xffc, delivers = deliversVirtualInterrupts(vmcs);
  switch (offset) {
    case PAGE.TPR:
      writeRegister(cpu, vmcs, PAGE.TPR, readRegister(cpu, vmcs, PAGE.TPR) & 0xff);
      return virtualizeTpr(cpu, vmcs);
    case PAGE.EOI:
      if (!delivers) break;
      writeRegister(cpu, vmcs, PAGE.EOI, 0);
      return virtualizeEoi(cpu, vmcs);
    case PAGE.ICR_LOW: {
      const command = readRegister(cpu, vmcs, PAGE.ICR_LOW);
      if (!delivers || !isSelfIpi(command)) break;
      requestVirtualInterrupt(cpu, vmcs, command & 0xff);
      return false;
    }
    case PAGE.ICR_HIGH:
      writeRegister(cpu, vmcs, PAGE.ICR_HIGH, (readRegister(cpu, vmcs, PAGE.ICR_HIGH) & 0xff00_0000) >>> 0);
      return false;
  }
  apicWriteExit(cpu, offset);
  return true;
}

function apicWriteExit(cpu: Processor, offset: number): void {
  vmExit(cpu, EXIT_REASONS.APIC_WRITE.number, offset, exitSentence(() => `offset ${hex(offset)} of the virtual-APIC page was written, and more is to be done than the processor does`));
}

/** Reserved bits 31:20, 17:16 and 13 clear, destination shorthand "self", edge-triggered, delivery mode "fixed", vector from 16 up. */
const isSelfIpi = (command: number): boolean => (command & 0xffff_b700) >>> 0 === 0x4_0000 && (command & 0xf0) !== 0;

/** MOV to CR8. False: it goes to the local APIC. */
export function setTaskPriority(cpu: Processor, value: number): boolean {
  const vmcs = currentVmcs(cpu);
  if (!usesTprShadow(vmcs)) return false;
  writeRegister(cpu, vmcs, PAGE.TPR, value << 4);
  cpu.set(VMX_STATE.apicWrite, pendingWrite(PAGE.TPR, 4), 0);
  return true;
}

/** MOV from CR8. */
export function taskPriority(cpu: Processor): number {
  const vmcs = currentVmcs(cpu);
  return usesTprShadow(vmcs) ? (readRegister(cpu, vmcs, PAGE.TPR) >>> 4) & 0xf : cpu.localApic.taskPriority >>> 4;
}

const FIRST_MSR = 0x800, LAST_MSR = 0x8ff;
const TPR_MSR = 0x808, EOI_MSR = 0x80b, SELF_IPI_MSR = 0x83f;

/** RDMSR that did not exit; undefined: it is not virtualized. */
export function readApicMsr(cpu: Processor, index: number): bigint | undefined {
  if (index < FIRST_MSR || index > LAST_MSR) return undefined;
  const vmcs = currentVmcs(cpu);
  if (!has(vmcs, 'virtualize x2APIC mode') || (index !== TPR_MSR && !has(vmcs, 'APIC-register virtualization'))) return undefined;
  const offset = (index & 0xff) << 4;
  return (BigInt(readRegister(cpu, vmcs, offset + 4)) << 32n) | BigInt(readRegister(cpu, vmcs, offset));
}

/** WRMSR that did not exit. False: it is not virtualized. */
export function writeApicMsr(cpu: Processor, index: number, value: bigint): boolean {
  if (index !== TPR_MSR && index !== EOI_MSR && index !== SELF_IPI_MSR) return false;
  const vmcs = currentVmcs(cpu);
  if (!has(vmcs, 'virtualize x2APIC mode') || (index !== TPR_MSR && !deliversVirtualInterrupts(vmcs))) return false;
  if (value >> (index === EOI_MSR ? 0n : 8n) !== 0n) throw new Exception(VECTORS['#GP'], 0, 0, `MSR ${hex(index)}: 0x${value.toString(16)} sets a reserved bit`);
  const low = Number(value), offset = (index & 0xff) << 4;
  writeRegister(cpu, vmcs, offset, low);
  writeRegister(cpu, vmcs, offset + 4, 0);
  if (index === SELF_IPI_MSR && (low & 0xf0) !== 0) requestVirtualInterrupt(cpu, vmcs, low);
  else cpu.set(VMX_STATE.apicWrite, pendingWrite(offset, 4), 0);
  return true;
}
