/** VM exits: from the guest to the host. SDM Vol. 3C, "VM Exits". */
import { BTF, DR6, dr } from '../cpu/debug-registers.js';
import { ABANDON } from '../cpu/events.js';
import { TF } from '../cpu/flags.js';
import { S } from '../cpu/layout.js';
import type { EventInDelivery } from '../cpu/intercepts.js';
import { ACTIVITY, BLOCKING } from '../cpu/modes.js';
import type { Processor } from '../cpu/processor.js';
import { NONE, type Sentence, TRAP } from '../cpu/trap-events.js';
import { PIN } from './controls.js';
import { rememberGuest, rememberHost } from './destinations.js';
import { EXIT_REASONS, exitReason, VM_ENTRY_FAILURE } from './exit-reasons.js';
import { savePreemptionTimer } from './guest-state.js';
import { loadMsrs, storeMsrs } from './msr-areas.js';
import { currentVmcs, slot, type Vmcs } from './vmcs.js';

export const EXIT_FIELDS = {
  reason: slot('exit reason'),
  qualification: slot('exit qualification'),
  guestLinear: slot('guest-linear address'),
  guestPhysical: slot('guest-physical address'),
  interruption: slot('VM-exit interruption information'),
  interruptionError: slot('VM-exit interruption error code'),
  vectoring: slot('IDT-vectoring information field'),
  vectoringError: slot('IDT-vectoring error code'),
  length: slot('VM-exit instruction length'),
  information: slot('VM-exit instruction information'),
} as const;
const PIN_CONTROLS = slot('pin-based VM-execution controls');
const STORE_COUNT = slot('VM-exit MSR-store count'), STORE_ADDRESS = slot('VM-exit MSR-store address');
const LOAD_COUNT = slot('VM-exit MSR-load count'), LOAD_ADDRESS = slot('VM-exit MSR-load address');

export const VALID = 0x8000_0000, ERROR_CODE_VALID = 1 << 11, NMI_UNBLOCKING = 1 << 12;
export const MAX_INSTRUCTION_LENGTH = 15;
/** L0 to G3 of DR7. */
const ENABLED = 0xff;

/** Indicators of a VMX abort. SDM Vol. 3C, "VMX Aborts". */
const ABORT = {
  1: 'guest MSRs could not be saved',
  2: 'a PDPTE of the host is not valid',
  4: 'host MSRs could not be loaded',
  6: 'the guest was in IA-32e mode, and the "host address-space size" VM-exit control is 0',
} as const;

/** The interruption information of an event: of this exit, or of the delivery that it cut short. */
export const interruptionInformation = (vector: number, type: number, errorCode: number | undefined): number =>
  (vector | (type << 8) | (errorCode === undefined ? 0 : ERROR_CODE_VALID) | VALID) >>> 0;

/** Of the current instruction; 0 where the processor does not know. */
export function instructionLength(cpu: Processor): number {
  const length = (cpu.nextRip - cpu.rip) & 0xffff;
  return length <= MAX_INSTRUCTION_LENGTH ? length : 0;
}

/** The sentence of an exit, from its cause. */
export const exitSentence = (why: () => string): Sentence => ({ fields }) => {
  const reason = Number(fields['reason']);
  return `${exitReason(reason)?.name ?? `Exit reason ${reason}`}: ${why()}.`;
};

/**
 * Performs a VM exit: afterwards the processor stands at the host's RIP. What only some exits report
 * (addresses, instruction information) is written to the VMCS before. `interruption`: the event that is the cause.
 */
export function vmExit(
  cpu: Processor, reason: number, qualification: number, says: Sentence,
  during?: EventInDelivery, interruption = 0, interruptionError = 0,
): void {
  const vmcs = currentVmcs(cpu);
  vmcs.report(EXIT_FIELDS.reason, reason);
  vmcs.reportNumber(EXIT_FIELDS.qualification, qualification);
  vmcs.report(EXIT_FIELDS.interruption, interruption);
  vmcs.report(EXIT_FIELDS.interruptionError, interruptionError);
  const bySoftware = during !== undefined && during.type >= 4;
  vmcs.report(EXIT_FIELDS.length, bySoftware ? during.instructionLength : instructionLength(cpu));
  if (during === undefined) vmcs.report(EXIT_FIELDS.vectoring, 0);
  else {
    vmcs.report(EXIT_FIELDS.vectoring, interruptionInformation(during.vector, during.type, during.errorCode));
    vmcs.report(EXIT_FIELDS.vectoringError, during.errorCode ?? 0);
  }
  cpu.delivering = undefined;
  settlePendingDebug(cpu, reason, interruption);
  savePreemptionTimer(cpu, vmcs);
  cpu.stateMoves.saveGuest(vmcs.at);
  rememberGuest(cpu, vmcs);
  cpu.observer.raise(TRAP['VM exit'], information(vmcs, reason), says);
  const byNmi = reason === EXIT_REASONS.EXCEPTION_OR_NMI.number && ((interruption >> 8) & 7) === 2;
  cpu.stateMoves.leaveGuest(byNmi ? BLOCKING.NMI : physicalNmiBlocking(cpu, vmcs));

  const notStored = vmcs.low(STORE_COUNT) === 0 ? undefined : storeMsrs(cpu, vmcs, STORE_COUNT, STORE_ADDRESS);
  if (notStored) vmxAbort(cpu, vmcs, 1, `entry ${notStored.number} of the VM-exit MSR-store area: ${notStored.why}`);
  else toHost(cpu, vmcs);
}

/** Exits that come between two instructions with what is pending there. */
const BETWEEN = new Set<number>([
  EXIT_REASONS.INIT_SIGNAL.number, EXIT_REASONS.TPR_BELOW_THRESHOLD.number, EXIT_REASONS.VIRTUALIZED_EOI.number, EXIT_REASONS.APIC_WRITE.number, EXIT_REASONS.MONITOR_TRAP_FLAG.number,
]);
const DB = 1;
/**
 * The pending debug exceptions as they are saved: elsewhere none, but where MOV SS blocks them, a held-up single step included, if the exit is not due to one.
 * SDM Vol. 3C, "Saving Non-Register State".
 */
function settlePendingDebug(cpu: Processor, reason: number, interruption: number): void {
  const isBlocked = (cpu.interruptibility & BLOCKING.MOV_SS) !== 0, pending = cpu.low(S.pendingDebug);
  if ((pending === 0 && !isBlocked) || BETWEEN.has(reason)) return;
  const isDebug = reason === EXIT_REASONS.EXCEPTION_OR_NMI.number && (interruption & 0xff) === DB;
  const steps = (cpu.low(S.rflags) & TF) !== 0 && (cpu.low(S.debugControl) & BTF) === 0;
  cpu.set(S.pendingDebug, isDebug || !isBlocked ? 0 : pending | (steps ? DR6.BS : 0), 0);
}

/** Exits and leaves the instruction. */
export function exitInstead(cpu: Processor, reason: number, qualification: number, why: () => string): never {
  vmExit(cpu, reason, qualification, exitSentence(why));
  throw ABANDON;
}

/** VM entry gave up after it had begun to load guest state: the guest-state area stays as it is. SDM Vol. 3C, "VM-Entry Failures During or After Loading Guest State". */
export function failEntry(cpu: Processor, basicReason: number, qualification: number, why: () => string): void {
  const vmcs = currentVmcs(cpu);
  vmcs.report(EXIT_FIELDS.reason, (basicReason | VM_ENTRY_FAILURE) >>> 0);
  vmcs.reportNumber(EXIT_FIELDS.qualification, qualification);
  cpu.observer.raise(TRAP['VM-entry failure'], [NONE, ...information(vmcs, basicReason)], exitSentence(why));
  toHost(cpu, vmcs);
}

/** What both exits and failed entries tell, in an array that is used again: whoever records it copies it. */
const INFORMATION = new Float64Array(7);
function information(vmcs: Vmcs, reason: number): Float64Array {
  INFORMATION[0] = reason;
  INFORMATION[1] = vmcs.number(EXIT_FIELDS.qualification);
  INFORMATION[2] = vmcs.unsigned(EXIT_FIELDS.guestPhysical);
  INFORMATION[3] = vmcs.number(EXIT_FIELDS.guestLinear);
  INFORMATION[4] = vmcs.low(EXIT_FIELDS.length);
  INFORMATION[5] = vmcs.low(EXIT_FIELDS.interruption);
  INFORMATION[6] = vmcs.low(EXIT_FIELDS.information);
  return INFORMATION;
}

/** SDM Vol. 3C, "Updating Non-Register State". With virtual NMIs, NMIs themselves were not blocked. */
const physicalNmiBlocking = (cpu: Processor, vmcs: Vmcs): number => ((vmcs.low(PIN_CONTROLS) & PIN['virtual NMIs']) === 0 ? cpu.interruptibility & BLOCKING.NMI : 0);

function toHost(cpu: Processor, vmcs: Vmcs): void {
  cpu.deliveries++;
  const guestWasLong = cpu.longMode, breakpoints = (cpu.low(dr(7)) & ENABLED) !== 0;
  cpu.stateMoves.loadHost(vmcs.at);
  cpu.nextRip = cpu.rip;
  if (breakpoints) cpu.mmu.debugRegistersChanged();
  cpu.mmu.vmTransition(cpu.mmu.vmcs.vpid());
  cpu.modeChanged(true);
  if (guestWasLong && !cpu.longMode) { vmxAbort(cpu, vmcs, 6); return; }
  const pae = (cpu.cr0 & 0x8000_0000) !== 0 && (cpu.cr4 & 0x20) !== 0 && !cpu.longMode;
  if (pae && !cpu.mmu.loadPdptes(cpu.cr3)) { vmxAbort(cpu, vmcs, 2); return; }
  const notLoaded = vmcs.low(LOAD_COUNT) === 0 ? undefined : loadMsrs(cpu, vmcs, LOAD_COUNT, LOAD_ADDRESS);
  if (notLoaded) vmxAbort(cpu, vmcs, 4, `entry ${notLoaded.number} of the VM-exit MSR-load area: ${notLoaded.why}`);
  rememberHost(cpu, vmcs);
}

function vmxAbort(cpu: Processor, vmcs: Vmcs, indicator: keyof typeof ABORT, detail = ''): void {
  vmcs.abortIndicator = indicator;
  cpu.activity = ACTIVITY.shutdown;
  cpu.nextRip = cpu.rip;
  cpu.autopsy = [`VMX abort ${indicator}: ${ABORT[indicator]}${detail === '' ? '' : ` (${detail})`}`, 'The processor shuts down'];
  cpu.observer.raise(TRAP['triple fault'], [NONE, NONE, NONE, cpu.rip, indicator], () => `${cpu.autopsy.join('. ')}.`);
}
