import { ROOT_INTERCEPTS, type EventInDelivery, type Intercepts } from '../cpu/intercepts.js';
import type { EptFault } from '../cpu/events.js';
import type { Processor } from '../cpu/processor.js';

/** What exits in VMX non-root operation. SDM Vol. 3C, "VMX Non-Root Operation". */
export const vmxIntercepts: Intercepts = ROOT_INTERCEPTS;

/** Turns what the EPT walk judged into a VM exit. `duringDelivery`: the event whose delivery made the access. */
export function eptFault(_cpu: Processor, _fault: EptFault, _duringDelivery?: EventInDelivery): void {
  throw new Error('not implemented: EPT violations');
}

/** Ticks of the time-stamp counter until the VMX-preemption timer expires: 0 when it is due, Infinity when none runs. */
export function nextVmxDeadline(_cpu: Processor): number {
  return Infinity;
}
