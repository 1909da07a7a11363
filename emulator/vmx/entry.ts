/** VM entries: VMLAUNCH and VMRESUME from their checks to the first instruction of the guest. SDM Vol. 3C, "VM Entries". */
import { deliver } from '../cpu/exceptions.js';
import { ABANDON, EptFault, ExitDue, vectorName } from '../cpu/events.js';
import { BLOCKING } from '../cpu/modes.js';
import type { Processor } from '../cpu/processor.js';
import { named, type Sentence, TRAP } from '../cpu/trap-events.js';
import type { AccessKind } from '../paging/outcome.js';
import { accessApic, apicAccessPage, walkedToApicExit } from './apic-accesses.js';
import { PROCESSOR, PROCESSOR_2 } from './controls.js';
import { forgetRewritten } from './destinations.js';
import { firstFailure, type Failure } from './entry-checks/entry-checks.js';
import { failEntry } from './exit.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { hasPreemptionTimer, loadGuestRegisters, secondaryControls } from './guest-state.js';
import { eptFault } from './intercepts.js';
import { armMonitorTrap, OTHER_EVENT } from './monitor-trap.js';
import { loadMsrs } from './msr-areas.js';
import { logDirty } from './page-modification-logging.js';
import { startPreemptionTimer } from './preemption-timer.js';
import { enterWithVirtualApic } from './virtual-apic.js';
import { currentVmcs, slot, type Vmcs } from './vmcs.js';

const INJECTION = slot('VM-entry interruption-information field'), ERROR_CODE = slot('VM-entry exception error code'), LENGTH = slot('VM-entry instruction length');
const PRIMARY_CONTROLS = slot('primary processor-based VM-execution controls');
const TIMER = slot('VMX-preemption timer value'), VPID = slot('virtual-processor identifier (VPID)'), EPTP = slot('EPT pointer (EPTP)');
const LOAD_COUNT = slot('VM-entry MSR-load count'), LOAD_ADDRESS = slot('VM-entry MSR-load address');
const VALID = 0x8000_0000, DELIVER_ERROR_CODE = 1 << 11;

/** VM-instruction errors of VM entries. */
export const ENTRY_ERRORS = { notClear: 4, notLaunched: 5, controlFields: 7, hostState: 8, blockedByMovSs: 26 } as const;

/** What the current VMCS says about translation, for the MMU. */
export const vmcsTranslation = (cpu: Processor) => ({
  vpid: (): number => vpidOf(currentVmcs(cpu)),
  eptp: (): number => {
    const vmcs = currentVmcs(cpu);
    return (secondaryControls(vmcs) & PROCESSOR_2['enable EPT']) !== 0 ? vmcs.unsigned(EPTP) : 0;
  },
  modeBased: (): boolean => (secondaryControls(currentVmcs(cpu)) & PROCESSOR_2['mode-based execute control for EPT']) !== 0,
  apicAccessPage: (): number => apicAccessPage(currentVmcs(cpu)),
  walkedToApic: (why: string): ExitDue => new ExitDue(() => { walkedToApicExit(cpu, why); }),
  logDirty: (guestPhysical: number): void => { logDirty(cpu, guestPhysical); },
  accessApic: (linear: number, bytes: number, kind: AccessKind): number => accessApic(cpu, linear, bytes, kind),
});
const vpidOf = (vmcs: Vmcs): number => ((secondaryControls(vmcs) & PROCESSOR_2['enable VPID']) !== 0 ? vmcs.low(VPID) : 0);

/** There is a current VMCS. Returns the VM-instruction error, 0 when the processor is now in the guest, or in the host after a VM-entry failure. */
export function enter(cpu: Processor, launch: boolean): number {
  const vmcs = currentVmcs(cpu);
  if ((cpu.interruptibility & BLOCKING.MOV_SS) !== 0) return refuse(cpu, ENTRY_ERRORS.blockedByMovSs, 'events are blocked by MOV SS');
  if (launch && vmcs.launched) return refuse(cpu, ENTRY_ERRORS.notClear, 'VMLAUNCH with a VMCS whose launch state is not clear: VMCLEAR it, or use VMRESUME');
  if (!launch && !vmcs.launched) return refuse(cpu, ENTRY_ERRORS.notLaunched, 'VMRESUME with a VMCS whose launch state is not launched: use VMLAUNCH');

  forgetRewritten(cpu, vmcs);
  const failure = firstFailure(cpu, vmcs);
  if (failure) return reject(cpu, failure);

  loadGuestRegisters(cpu, vmcs);
  const notLoaded = vmcs.low(LOAD_COUNT) === 0 ? undefined : loadMsrs(cpu, vmcs, LOAD_COUNT, LOAD_ADDRESS);
  if (notLoaded) {
    failEntry(cpu, EXIT_REASONS.ENTRY_FAILURE_MSR_LOADING.number, notLoaded.number, () => `entry ${notLoaded.number} of the VM-entry MSR-load area: ${notLoaded.why}`);
    return 0;
  }
  cpu.stateMoves.enterGuest(vmcs.at);
  if (launch) vmcs.launched = true;
  cpu.deliveries++;
  cpu.mmu.vmTransition(vpidOf(vmcs));
  cpu.modeChanged(true);
  if (hasPreemptionTimer(vmcs)) startPreemptionTimer(cpu, vmcs.low(TIMER));
  enterWithVirtualApic(cpu, vmcs);
  raiseEntry(cpu, vmcs, launch);
  inject(cpu, vmcs);
  return 0;
}

function refuse(cpu: Processor, error: number, why: string): number {
  cpu.observer.raise(TRAP['VM-entry failure'], [error], () => `VM-instruction error ${error}: ${why}.`);
  return error;
}

function reject(cpu: Processor, { check, section }: Failure): number {
  if (section.outcome === 'invalid guest state') {
    failEntry(cpu, EXIT_REASONS.ENTRY_FAILURE_GUEST_STATE.number, check.qualification ?? 0, () => `${section.title}: ${check.says.replace(/\.$/, '')}`);
    return 0;
  }
  return refuse(cpu, section.outcome === 'invalid control fields' ? ENTRY_ERRORS.controlFields : ENTRY_ERRORS.hostState,
    `${section.title}: ${check.says.replace(/\.$/, '')}`);
}

const EVENT_TYPES = ['external interrupt', 'reserved', 'NMI', 'hardware exception', 'software interrupt', 'privileged software exception', 'software exception', 'pending MTF VM exit'];

function raiseEntry(cpu: Processor, vmcs: Vmcs, launch: boolean): void {
  cpu.observer.raise(TRAP['VM entry'], [launch ? LAUNCH : RESUME, vmcs.low(INJECTION), vpidOf(vmcs)], ENTRY_SAYS);
}
const LAUNCH = named('VMLAUNCH');
export const RESUME = named('VMRESUME');
export const ENTRY_SAYS: Sentence = ({ rip, fields }) => {
  const injection = Number(fields['intr_info']);
  const event = (injection & VALID) === 0 ? '' : `, injecting ${EVENT_TYPES[(injection >> 8) & 7]!} ${vectorName(injection & 0xff)}`;
  return `${fields['instruction']} enters the guest at RIP 0x${BigInt.asUintN(64, BigInt(rip)).toString(16)}${event}.`;
};

/** SDM Vol. 3C, "Event Injection". The VM exit clears the valid bit. */
function inject(cpu: Processor, vmcs: Vmcs): void {
  const injection = vmcs.low(INJECTION), type = (injection >> 8) & 7, injecting = (injection & VALID) !== 0;
  const traps = (vmcs.low(PRIMARY_CONTROLS) & PROCESSOR['monitor trap flag']) !== 0;
  if (traps || (injecting && type === OTHER_EVENT)) armMonitorTrap(cpu, injecting ? 'pending' : 'armed');
  if (!injecting || type === OTHER_EVENT) return;
  const errorCode = (injection & DELIVER_ERROR_CODE) !== 0 ? vmcs.low(ERROR_CODE) : undefined;
  try { deliver(cpu, { vector: injection & 0xff, type, errorCode, instructionLength: vmcs.low(LENGTH) }); }
  catch (thrown) {
    if (thrown instanceof ExitDue) thrown.perform();
    else if (thrown instanceof EptFault) eptFault(cpu, thrown);
    else throw thrown;
    throw ABANDON;
  }
}
