/** EPT violations that the guest gets as exceptions. SDM Vol. 3C, "Virtualization Exceptions". */
import { type EptFault, Exception, VECTORS } from '../cpu/events.js';
import type { EventInDelivery } from '../cpu/intercepts.js';
import { CR0 } from '../cpu/modes.js';
import type { Processor } from '../cpu/processor.js';
import { readPhysical32, writePhysical16, writePhysical32, writePhysical64 } from '../paging/access.js';
import { PROCESSOR_2 } from './controls.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { secondaryControls } from './guest-state.js';
import { slot, type Vmcs } from './vmcs.js';

const AREA = slot('virtualization-exception information address'), EPTP_INDEX = slot('EPTP index');
/** Places in the information area. While `busy` is not 0, violations exit. */
const PLACE = { reason: 0, busy: 4, qualification: 8, linear: 16, guestPhysical: 24, eptpIndex: 32 } as const;
const BUSY = 0xffff_ffff;

const unsigned64 = (n: number): bigint => BigInt.asUintN(64, BigInt(n));

/** The exception that the guest gets instead of a VM exit; undefined where the violation is not convertible. The information area is written. */
export function virtualizationException(cpu: Processor, vmcs: Vmcs, fault: EptFault, qualification: number, during: EventInDelivery | undefined): Exception | undefined {
  if ((secondaryControls(vmcs) & PROCESSOR_2['EPT-violation #VE']) === 0 || fault.suppressed || during !== undefined || (cpu.cr0 & CR0.PE) === 0) return undefined;
  const area = vmcs.unsigned(AREA);
  if (readPhysical32(cpu, area + PLACE.busy) !== 0) return undefined;
  writePhysical32(cpu, area + PLACE.reason, EXIT_REASONS.EPT_VIOLATION.number);
  writePhysical32(cpu, area + PLACE.busy, BUSY);
  writePhysical64(cpu, area + PLACE.qualification, BigInt(qualification));
  writePhysical64(cpu, area + PLACE.linear, unsigned64(fault.linear));
  writePhysical64(cpu, area + PLACE.guestPhysical, unsigned64(fault.guestPhysical));
  writePhysical16(cpu, area + PLACE.eptpIndex, vmcs.low(EPTP_INDEX));
  return new Exception(VECTORS['#VE'], 0, 0, `guest-physical address 0x${fault.guestPhysical.toString(16)}: ${fault.why}`);
}
