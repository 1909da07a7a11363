/**
 * The virtual-APIC page: task and processor priority, EOI and self-IPIs of a guest, and the delivery of its virtual interrupts.
 * SDM Vol. 3C, "APIC Virtualization and Virtual Interrupts".
 */
import { deliver, EVENT } from '../cpu/exceptions.js';
import { STOP_BEFORE_DELIVERY } from '../cpu/events.js';
import type { Processor } from '../cpu/processor.js';
import { EOI_SAYS, type Sentence, TRAP } from '../cpu/trap-events.js';
import { readPhysical32, writePhysical32 } from '../paging/access.js';
import { PROCESSOR, PROCESSOR_2 } from './controls.js';
import { exitSentence, vmExit } from './exit.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { secondaryControls } from './guest-state.js';
import { VMX_STATE } from './state.js';
import { slot, type Vmcs } from './vmcs.js';

const PRIMARY_CONTROLS = slot('primary processor-based VM-execution controls');
const ADDRESS = slot('virtual-APIC address'), THRESHOLD = slot('TPR threshold'), STATUS = slot('guest interrupt status');
const EOI_EXITS = [slot('EOI-exit bitmap 0'), slot('EOI-exit bitmap 1'), slot('EOI-exit bitmap 2'), slot('EOI-exit bitmap 3')] as const;

/** Offsets of the registers, as in the page of a local APIC. */
export const PAGE = { TPR: 0x80, PPR: 0xa0, EOI: 0xb0, ISR: 0x100, IRR: 0x200, ICR_LOW: 0x300, ICR_HIGH: 0x310, SELF_IPI: 0x3f0 } as const;
/** A write that is to be emulated, as VMX_STATE.apicWrite holds it; never 0. */
export const pendingWrite = (offset: number, bytes: number): number => bytes << 12 | offset;

export const usesTprShadow = (vmcs: Vmcs): boolean => (vmcs.low(PRIMARY_CONTROLS) & PROCESSOR['use TPR shadow']) !== 0;
export const deliversVirtualInterrupts = (vmcs: Vmcs): boolean => (secondaryControls(vmcs) & PROCESSOR_2['virtual-interrupt delivery']) !== 0;

export const readRegister = (cpu: Processor, vmcs: Vmcs, offset: number): number => readPhysical32(cpu, vmcs.unsigned(ADDRESS) + offset);
export const writeRegister = (cpu: Processor, vmcs: Vmcs, offset: number, value: number): void => { writePhysical32(cpu, vmcs.unsigned(ADDRESS) + offset, value); };
export const registerAddress = (vmcs: Vmcs, offset: number): number => vmcs.unsigned(ADDRESS) + offset;

/** RVI and SVI: the highest vector requested and in service, 0 for none. */
const rvi = (vmcs: Vmcs): number => vmcs.low(STATUS) & 0xff;
const svi = (vmcs: Vmcs): number => (vmcs.low(STATUS) >>> 8) & 0xff;
const setStatus = (vmcs: Vmcs, requested: number, serviced: number): void => { vmcs.report(STATUS, requested | (serviced << 8)); };

/** VISR and VIRR are eight registers of 32 bits, 16 bytes apart. */
const register = (set: number, vector: number): number => set + 16 * (vector >>> 5);
function setVector(cpu: Processor, vmcs: Vmcs, set: number, vector: number, on: boolean): void {
  const at = register(set, vector), bit = 1 << (vector & 31), old = readRegister(cpu, vmcs, at);
  writeRegister(cpu, vmcs, at, (on ? old | bit : old & ~bit) >>> 0);
}
function highestVector(cpu: Processor, vmcs: Vmcs, set: number): number {
  for (let n = 7; n >= 0; n--) {
    const word = readRegister(cpu, vmcs, set + 16 * n);
    if (word !== 0) return 32 * n + 31 - Math.clz32(word);
  }
  return 0;
}

const taskPriorityClass = (cpu: Processor, vmcs: Vmcs): number => (readRegister(cpu, vmcs, PAGE.TPR) >>> 4) & 0xf;

/** "PPR Virtualization". */
function virtualizePpr(cpu: Processor, vmcs: Vmcs): void {
  const task = readRegister(cpu, vmcs, PAGE.TPR), serviced = svi(vmcs);
  writeRegister(cpu, vmcs, PAGE.PPR, ((task >>> 4) & 0xf) >= serviced >>> 4 ? task & 0xff : serviced & 0xf0);
}

/** "Evaluation of Pending Virtual Interrupts". */
function evaluate(cpu: Processor, vmcs: Vmcs): void {
  const window = (vmcs.low(PRIMARY_CONTROLS) & PROCESSOR['interrupt-window exiting']) !== 0;
  const recognized = !window && rvi(vmcs) >>> 4 > ((readRegister(cpu, vmcs, PAGE.PPR) >>> 4) & 0xf);
  cpu.set(VMX_STATE.virtualInterrupt, recognized ? 1 : 0, 0);
}

const belowThreshold = (cpu: Processor, vmcs: Vmcs): boolean => taskPriorityClass(cpu, vmcs) < (vmcs.low(THRESHOLD) & 0xf);

/** "TPR Virtualization". True: a VM exit happened. */
export function virtualizeTpr(cpu: Processor, vmcs: Vmcs): boolean {
  if (deliversVirtualInterrupts(vmcs)) {
    virtualizePpr(cpu, vmcs);
    evaluate(cpu, vmcs);
    return false;
  }
  if (!belowThreshold(cpu, vmcs)) return false;
  const task = taskPriorityClass(cpu, vmcs), threshold = vmcs.low(THRESHOLD) & 0xf;
  vmExit(cpu, EXIT_REASONS.TPR_BELOW_THRESHOLD.number, 0, exitSentence(() => `bits 7:4 of VTPR are ${task}, below the TPR threshold of ${threshold}`));
  return true;
}

/** "EOI Virtualization". True: a VM exit happened. */
export function virtualizeEoi(cpu: Processor, vmcs: Vmcs): boolean {
  const vector = svi(vmcs);
  setVector(cpu, vmcs, PAGE.ISR, vector, false);
  setStatus(vmcs, rvi(vmcs), highestVector(cpu, vmcs, PAGE.ISR));
  virtualizePpr(cpu, vmcs);
  cpu.observer.raise(TRAP.EOI, [vector], EOI_SAYS);
  const bitmap = EOI_EXITS[vector >>> 6]!, word = (vector & 32) === 0 ? vmcs.low(bitmap) : vmcs.high(bitmap);
  if (((word >>> (vector & 31)) & 1) === 0) {
    evaluate(cpu, vmcs);
    return false;
  }
  vmExit(cpu, EXIT_REASONS.VIRTUALIZED_EOI.number, vector, exitSentence(() => `EOI of vector ${vector}: bit ${vector & 63} of EOI-exit bitmap ${vector >>> 6} is 1`));
  return true;
}

/** "Self-IPI Virtualization", and what posted-interrupt processing does with each vector. */
export function requestVirtualInterrupt(cpu: Processor, vmcs: Vmcs, vector: number): void {
  setVector(cpu, vmcs, PAGE.IRR, vector, true);
  setStatus(vmcs, Math.max(rvi(vmcs), vector), svi(vmcs));
  evaluate(cpu, vmcs);
}

/** Whether a virtual interrupt is recognized. */
export const virtualInterruptPending = (cpu: Processor): boolean => cpu.low(VMX_STATE.virtualInterrupt) !== 0;

const VIRTUAL_INTERRUPT: Sentence = ({ fields }) => `Virtual interrupt, vector ${fields['vector']!}, delivered without a VM exit.`;

/** "Virtual-Interrupt Delivery", where nothing blocks interrupts. True: one was delivered. */
export function deliverVirtualInterrupt(cpu: Processor, vmcs: Vmcs): boolean {
  if (!virtualInterruptPending(cpu)) return false;
  const vector = rvi(vmcs);
  if (cpu.observer.raise(TRAP.interrupt, [vector, cpu.rip], VIRTUAL_INTERRUPT)) throw STOP_BEFORE_DELIVERY;
  setVector(cpu, vmcs, PAGE.ISR, vector, true);
  writeRegister(cpu, vmcs, PAGE.PPR, vector & 0xf0);
  setVector(cpu, vmcs, PAGE.IRR, vector, false);
  setStatus(vmcs, highestVector(cpu, vmcs, PAGE.IRR), vector);
  cpu.set(VMX_STATE.virtualInterrupt, 0, 0);
  deliver(cpu, { vector, type: EVENT.externalInterrupt, errorCode: undefined, instructionLength: 0 });
  return true;
}

/** At VM entry. SDM Vol. 3C, "VM Exits Induced by the TPR Threshold", "Updating Non-Register State": the exit comes before the guest's first instruction. */
export function enterWithVirtualApic(cpu: Processor, vmcs: Vmcs): void {
  if (!usesTprShadow(vmcs)) return;
  if (deliversVirtualInterrupts(vmcs)) {
    virtualizePpr(cpu, vmcs);
    evaluate(cpu, vmcs);
  } else if (belowThreshold(cpu, vmcs)) cpu.set(VMX_STATE.apicWrite, pendingWrite(PAGE.TPR, 4), 0);
}
