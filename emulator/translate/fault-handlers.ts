import type { EptFault, Exception } from '../cpu/events.js';
import type { Processor } from '../cpu/processor.js';

/** How faults and events that interrupt instructions are acted upon: given by the machine, which knows cpu/ and vmx/. */
export interface FaultHandlers {
  exception(cpu: Processor, e: Exception): void;
  eptFault(cpu: Processor, e: EptFault): void;
}
