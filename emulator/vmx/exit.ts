import type { EventInDelivery } from '../cpu/intercepts.js';
import type { Processor } from '../cpu/processor.js';

/**
 * Performs a VM exit: afterwards the processor stands at the host's RIP. What `says` names is the cause.
 * SDM Vol. 3C, "VM Exits".
 */
export function vmExit(
  _cpu: Processor, _reason: number, _qualification: number, _says: () => string,
  _during?: EventInDelivery, _interruptionInformation = 0, _interruptionErrorCode = 0,
): void {
  throw new Error('not implemented: VM exit');
}
