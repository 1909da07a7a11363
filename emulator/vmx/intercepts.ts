/** What exits in VMX non-root operation, and what instructions do otherwise there. SDM Vol. 3C, "VMX Non-Root Operation". */
import { ABANDON, type Abandon, Exception, VECTORS, vectorName, type EptFault } from '../cpu/events.js';
import { IF } from '../cpu/flags.js';
import type { EventInDelivery, Intercepts } from '../cpu/intercepts.js';
import { S } from '../cpu/layout.js';
import { ACTIVITY, BLOCKING } from '../cpu/modes.js';
import type { Processor } from '../cpu/processor.js';
import { apicWritePending, emulateApicWrite, readApicMsr, setTaskPriority, writeApicMsr } from './apic-accesses.js';
import { ioBitmap, msrBitmap, shadowBitmap } from './bitmaps.js';
import { PIN, PROCESSOR, PROCESSOR_2, VM_EXIT } from './controls.js';
import { clts, lmsw, movFromCr, movToCr, readCr } from './control-register-accesses.js';
import { EXIT_FIELDS, exitInstead, exitSentence, interruptionInformation, vmExit } from './exit.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { secondaryControls } from './guest-state.js';
import { ENABLED_BY, INSTRUCTION_EXITS } from './instruction-exits.js';
import { decodeOperands, FORMATS } from './instruction-information.js';
import { eventDelivered, monitorTrapDue, monitorTrapOn } from './monitor-trap.js';
import { iretUnblocksNmis, nmiUnblocking } from './nmi-unblocking.js';
import { pauseLoop } from './pause-loop.js';
import { processesPostedInterrupts, processPostedInterrupts } from './posted-interrupts.js';
import { preemptionTicks } from './preemption-timer.js';
import { VMX_STATE } from './state.js';
import { deliverVirtualInterrupt, virtualInterruptPending } from './virtual-apic.js';
import { virtualizationException } from './virtualization-exception.js';
import { currentVmcs, slot, type Slot, type Vmcs } from './vmcs.js';

const PIN_CONTROLS = slot('pin-based VM-execution controls'), PRIMARY_CONTROLS = slot('primary processor-based VM-execution controls');
const EXIT_CONTROLS = slot('primary VM-exit controls');
const EXCEPTION_BITMAP = slot('exception bitmap'), PF_MASK = slot('page-fault error-code mask'), PF_MATCH = slot('page-fault error-code match');
const TSC_OFFSET = slot('TSC offset'), TSC_MULTIPLIER = slot('TSC multiplier'), XSS_BITMAP = slot('XSS-exiting bitmap');
const RAX = 0, RDX = 2;

const hex = (n: number): string => `0x${n.toString(16)}`;
const pin = (vmcs: Vmcs, mask: number): boolean => (vmcs.low(PIN_CONTROLS) & mask) !== 0;
const primary = (vmcs: Vmcs, mask: number): boolean => (vmcs.low(PRIMARY_CONTROLS) & mask) !== 0;

const xssExits = (cpu: Processor, vmcs: Vmcs): boolean =>
  ((cpu.reg32(RAX) & cpu.low(S.xss) & vmcs.low(XSS_BITMAP)) | (cpu.reg32(RDX) & cpu.high(S.xss) & vmcs.high(XSS_BITMAP))) !== 0;
/** Of exits by an instruction, by its name. */
export const INSTRUCTION_SENTENCES = new Map(Object.entries(INSTRUCTION_EXITS).map(([name, { control, secondary, byXss }]) => {
  const on = control ?? secondary;
  return [name, exitSentence(() => (byXss ? 'EDX:EAX, IA32_XSS and the XSS-exiting bitmap have a bit in common' : on === undefined ? `${name} exits always` : `the "${on}" VM-execution control is 1`))];
}));

function instruction(cpu: Processor, name: string, qualification = 0): Abandon | undefined {
  const row = INSTRUCTION_EXITS[name], enabledBy = ENABLED_BY[name], vmcs = currentVmcs(cpu);
  if (enabledBy !== undefined && (secondaryControls(vmcs) & PROCESSOR_2[enabledBy]) === 0) {
    throw new Exception(VECTORS['#UD'], 0, 0, `${name} in VMX non-root operation: the "${enabledBy}" VM-execution control is 0`);
  }
  if (!row) return undefined;
  const shadow = row.byShadowBitmap && shadowBitmap(cpu, vmcs, row.byShadowBitmap);
  if (row.byShadowBitmap !== undefined && !shadow) return undefined;
  const on = row.byXss ? xssExits(cpu, vmcs) : row.control !== undefined ? primary(vmcs, PROCESSOR[row.control])
    : row.secondary === undefined || (secondaryControls(vmcs) & PROCESSOR_2[row.secondary]) !== 0;
  if (!on) {
    if (name === 'PAUSE') pauseLoop(cpu, vmcs, secondaryControls(vmcs));
    return undefined;
  }
  if (row.information !== undefined) {
    const operands = decodeOperands(cpu);
    vmcs.report(EXIT_FIELDS.information, FORMATS[row.information](operands));
    if (row.displacement) qualification = operands.displacement;
  }
  vmExit(cpu, row.reason, qualification, shadow ? exitSentence(shadow) : INSTRUCTION_SENTENCES.get(name)!);
  return ABANDON;
}

function movDr(cpu: Processor, dr: number, register: number, toRegister: boolean): void {
  if (!primary(currentVmcs(cpu), PROCESSOR['MOV-DR exiting'])) return;
  exitInstead(cpu, EXIT_REASONS.MOV_DR.number, dr | (toRegister ? 1 << 4 : 0) | (register << 8), () => 'the "MOV-DR exiting" VM-execution control is 1');
}

function msrExit(cpu: Processor, index: number, write: boolean): void {
  const vmcs = currentVmcs(cpu);
  const verdict = primary(vmcs, PROCESSOR['use MSR bitmaps'])
    ? msrBitmap(cpu, vmcs, index, write)
    : () => `${write ? 'WRMSR' : 'RDMSR'} of ${hex(index)}: the "use MSR bitmaps" VM-execution control is 0`;
  if (verdict) exitInstead(cpu, write ? EXIT_REASONS.WRMSR.number : EXIT_REASONS.RDMSR.number, 0, verdict);
}

const IO = { input: 1 << 3, string: 1 << 4, rep: 1 << 5, immediate: 1 << 6 } as const;

function io(cpu: Processor, port: number, bytes: number, input: boolean, string: boolean, rep: boolean, immediate: boolean, linear = 0): void {
  const vmcs = currentVmcs(cpu);
  const verdict = primary(vmcs, PROCESSOR['use I/O bitmaps']) ? ioBitmap(cpu, vmcs, port, bytes)
    : primary(vmcs, PROCESSOR['unconditional I/O exiting']) ? () => `port ${hex(port)}: the "unconditional I/O exiting" VM-execution control is 1` : undefined;
  if (!verdict) return;
  if (string) {
    vmcs.report(EXIT_FIELDS.information, FORMATS.string(decodeOperands(cpu)));
    vmcs.reportNumber(EXIT_FIELDS.guestLinear, linear);
  }
  const qualification = (bytes - 1) | (input ? IO.input : 0) | (string ? IO.string : 0) | (rep ? IO.rep : 0) | (immediate ? IO.immediate : 0) | (port << 16);
  exitInstead(cpu, EXIT_REASONS.IO_INSTRUCTION.number, qualification >>> 0, verdict);
}

const HARDWARE_EXCEPTION = 3, PAGE_FAULT = 14, DOUBLE_FAULT = 8, NMI_TYPE = 2, NMI_VECTOR = 2;

/** An event goes to the guest's own handler. */
function delivered(cpu: Processor): void {
  eventDelivered(cpu);
  cpu.set(VMX_STATE.nmisUnblockedAt, 0, 0);
}

/** For #PF the bit of the exception bitmap counts if the error code matches, its opposite if not. */
function exceptionExits(vmcs: Vmcs, vector: number, errorCode: number): boolean {
  const set = ((vmcs.low(EXCEPTION_BITMAP) >>> vector) & 1) !== 0;
  if (vector !== PAGE_FAULT) return set;
  return set === ((errorCode & vmcs.low(PF_MASK)) >>> 0 === vmcs.low(PF_MATCH));
}

function exceptionSays(vmcs: Vmcs, vector: number, errorCode: number): () => string {
  if (vector !== PAGE_FAULT) return () => `${vectorName(vector)}: bit ${vector} of the exception bitmap is 1`;
  const mask = vmcs.low(PF_MASK), match = vmcs.low(PF_MATCH), equal = (errorCode & mask) >>> 0 === match;
  return () => `#PF with error code ${hex(errorCode)}: ${hex(errorCode)} & mask ${hex(mask)} is ${equal ? 'equal to' : 'not'} match ${hex(match)}, and bit 14 of the exception bitmap is ${equal ? 1 : 0}`;
}

function exception(
  cpu: Processor, vector: number, errorCode: number | undefined, qualification: number, during: EventInDelivery | undefined, type = HARDWARE_EXCEPTION,
): void {
  const vmcs = currentVmcs(cpu);
  if (!exceptionExits(vmcs, vector, errorCode ?? 0)) {
    delivered(cpu);
    return;
  }
  const unblocking = during === undefined && vector !== DOUBLE_FAULT ? nmiUnblocking(cpu) : 0;
  const information = interruptionInformation(vector, type, errorCode) | unblocking;
  vmExit(cpu, EXIT_REASONS.EXCEPTION_OR_NMI.number, qualification, exitSentence(exceptionSays(vmcs, vector, errorCode ?? 0)), during, information >>> 0, errorCode ?? 0);
  throw ABANDON;
}

function interrupt(cpu: Processor, kind: 'external interrupt' | 'NMI', acknowledge: () => number): boolean {
  const vmcs = currentVmcs(cpu);
  if (kind === 'NMI') {
    if (!pin(vmcs, PIN['NMI exiting'])) { delivered(cpu); return false; }
    vmExit(cpu, EXIT_REASONS.EXCEPTION_OR_NMI.number, 0, exitSentence(() => 'the "NMI exiting" VM-execution control is 1'), undefined, interruptionInformation(NMI_VECTOR, NMI_TYPE, undefined));
    return true;
  }
  if (!pin(vmcs, PIN['external-interrupt exiting'])) { delivered(cpu); return false; }
  if (processesPostedInterrupts(vmcs)) {
    const vector = acknowledge();
    if (processPostedInterrupts(cpu, vmcs, vector)) return true;
    acknowledge = () => vector;
  }
  const acknowledges = (vmcs.low(EXIT_CONTROLS) & VM_EXIT['acknowledge interrupt on exit']) !== 0;
  const information = acknowledges ? interruptionInformation(acknowledge(), 0, undefined) : 0;
  vmExit(cpu, EXIT_REASONS.EXTERNAL_INTERRUPT.number, 0, exitSentence(() => 'the "external-interrupt exiting" VM-execution control is 1'), undefined, information);
  return true;
}

/** SDM Vol. 3C, "Other Causes of VM Exits", "Monitor Trap Flag", "VMX-Preemption Timer". */
const WATCHED_BOUNDARIES = PROCESSOR['interrupt-window exiting'] | PROCESSOR['NMI-window exiting'] | PROCESSOR['monitor trap flag'];
const quiet = (cpu: Processor): boolean =>
  !primary(currentVmcs(cpu), WATCHED_BOUNDARIES) && !apicWritePending(cpu) && !virtualInterruptPending(cpu) && cpu.low(VMX_STATE.monitorTrap) === 0 && preemptionTicks(cpu) === Infinity;

function boundary(cpu: Processor, before: 'INIT' | 'debug trap' | 'NMI' | 'external interrupt'): boolean {
  switch (before) {
    case 'INIT': return emulateApicWrite(cpu);
    case 'debug trap':
      if (!monitorTrapDue(cpu)) return false;
      vmExit(cpu, EXIT_REASONS.MONITOR_TRAP_FLAG.number, 0, exitSentence(() => 'the "monitor trap flag" VM-execution control is 1, or VM entry injected a pending MTF VM exit'));
      return true;
    case 'NMI': return beforeNmi(cpu, currentVmcs(cpu));
    case 'external interrupt': return beforeExternalInterrupt(cpu, currentVmcs(cpu));
  }
}

function beforeNmi(cpu: Processor, vmcs: Vmcs): boolean {
  if (cpu.activity !== ACTIVITY.waitForSipi && preemptionTicks(cpu) === 0) {
    vmExit(cpu, EXIT_REASONS.VMX_PREEMPTION_TIMER_EXPIRED.number, 0, exitSentence(() => 'the VMX-preemption timer has counted down to 0'));
    return true;
  }
  const open = (cpu.interruptibility & (BLOCKING.NMI | BLOCKING.MOV_SS)) === 0;
  if (!open || !primary(vmcs, PROCESSOR['NMI-window exiting'])) return false;
  vmExit(cpu, EXIT_REASONS.NMI_WINDOW.number, 0, exitSentence(() => 'the "NMI-window exiting" VM-execution control is 1 and nothing blocks virtual NMIs'));
  return true;
}

function beforeExternalInterrupt(cpu: Processor, vmcs: Vmcs): boolean {
  const open = (cpu.low(S.rflags) & IF) !== 0 && (cpu.interruptibility & (BLOCKING.STI | BLOCKING.MOV_SS)) === 0;
  if (!open) return false;
  if (!primary(vmcs, PROCESSOR['interrupt-window exiting'])) return deliverVirtualInterrupt(cpu, vmcs);
  vmExit(cpu, EXIT_REASONS.INTERRUPT_WINDOW.number, 0, exitSentence(() => 'the "interrupt-window exiting" VM-execution control is 1, RFLAGS.IF is 1 and nothing blocks interrupts'));
  return true;
}

const MULTIPLIER_FRACTION_BITS = 48n;
const wide = (vmcs: Vmcs, at: Slot): bigint => (BigInt(vmcs.high(at)) << 32n) | BigInt(vmcs.low(at));

const TASK_SWITCH_SOURCES = { CALL: 0, IRET: 1, JMP: 2, 'task gate in IDT': 3 } as const;

export const vmxIntercepts: Intercepts = {
  instruction,
  movToCr,
  movFromCr,
  clts,
  lmsw,
  readCr,
  movDr,
  setTaskPriority,
  readMsr(cpu, index) {
    msrExit(cpu, index, false);
    return readApicMsr(cpu, index);
  },
  writeMsr(cpu, index, value) {
    msrExit(cpu, index, true);
    return writeApicMsr(cpu, index, value);
  },
  io,
  exception,
  quiet,
  boundary,
  ignoresInterruptFlag: (cpu) => pin(currentVmcs(cpu), PIN['external-interrupt exiting']),
  ignoresNmiBlocking: (cpu) => pin(currentVmcs(cpu), PIN['virtual NMIs']),
  iretUnblocksNmis,
  interrupt,
  startSignal(cpu, signal, vector) {
    if (signal === 'INIT' && cpu.activity === ACTIVITY.waitForSipi) return 'blocked';
    const reason = signal === 'INIT' ? EXIT_REASONS.INIT_SIGNAL : EXIT_REASONS.STARTUP_IPI;
    vmExit(cpu, reason.number, vector, exitSentence(() => `an ${signal === 'INIT' ? 'INIT signal' : 'start-up IPI'} exits always`));
    return true;
  },
  tripleFault(cpu) {
    vmExit(cpu, EXIT_REASONS.TRIPLE_FAULT.number, 0, exitSentence(() => 'a fault during the delivery of a double fault exits always'));
    return true;
  },
  taskSwitch(cpu, selector, source) {
    const during = source === 'task gate in IDT' ? cpu.delivering : undefined;
    const qualification = selector + TASK_SWITCH_SOURCES[source] * 2 ** 30;
    vmExit(cpu, EXIT_REASONS.TASK_SWITCH.number, qualification, exitSentence(() => `a task switch (${source}) exits always`), during);
    throw ABANDON;
  },
  readTsc(cpu, tsc) {
    const vmcs = currentVmcs(cpu);
    if (!primary(vmcs, PROCESSOR['use TSC offsetting'])) return tsc;
    const scaled = (secondaryControls(vmcs) & PROCESSOR_2['use TSC scaling']) === 0 ? tsc : (tsc * wide(vmcs, TSC_MULTIPLIER)) >> MULTIPLIER_FRACTION_BITS;
    return BigInt.asUintN(64, scaled + wide(vmcs, TSC_OFFSET));
  },
};

/** Turns what the EPT walk judged into a VM exit, or throws #VE. `during`: the event whose delivery made the access. */
export function eptFault(cpu: Processor, fault: EptFault, during: EventInDelivery | undefined = cpu.delivering): void {
  const vmcs = currentVmcs(cpu), violation = fault.kind === 'EPT violation';
  const unblocking = violation && during === undefined ? nmiUnblocking(cpu) : 0;
  const exception = violation ? virtualizationException(cpu, vmcs, fault, fault.qualification | unblocking, during) : undefined;
  if (exception) throw exception;
  vmcs.reportNumber(EXIT_FIELDS.guestPhysical, fault.guestPhysical);
  if (violation) vmcs.reportNumber(EXIT_FIELDS.guestLinear, fault.linear);
  const reason = violation ? EXIT_REASONS.EPT_VIOLATION.number : EXIT_REASONS.EPT_MISCONFIGURATION.number;
  vmExit(cpu, reason, violation ? fault.qualification | unblocking : 0, exitSentence(() => `guest-physical address ${hex(fault.guestPhysical)}: ${fault.why}`), during);
}

/**
 * Ticks of the time-stamp counter until a VM exit that no instruction causes: 0 when one is due, Infinity when none can come.
 * With the monitor trap flag it is 1 while the processor is active: one instruction.
 */
export function nextVmxDeadline(cpu: Processor): number {
  if (!cpu.nonRoot) return Infinity;
  if (monitorTrapDue(cpu)) return 0;
  if (monitorTrapOn(cpu) && cpu.activity === ACTIVITY.active) return 1;
  return preemptionTicks(cpu);
}
