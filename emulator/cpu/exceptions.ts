/** From an exception to its delivery. SDM Vol. 3, "Interrupt and Exception Handling". */
import type { Exception } from './events.js';
import type { EventInDelivery } from './intercepts.js';
import type { Processor } from './processor.js';

/** Delivers a fault of the current instruction, or of the delivery in `cpu.delivering`; sets rip and nextRip. */
export function deliverException(cpu: Processor, exception: Exception): void { throw new Error(`not implemented: ${cpu.id} ${exception.vector}`); }
/** One attempt through the IDT; throws what goes wrong and leaves the event in `cpu.delivering`. */
export function deliverEvent(cpu: Processor, event: EventInDelivery): void { throw new Error(`not implemented: ${cpu.id} ${event.vector}`); }
/** Delivers an event and whatever exceptions come of it: interrupts and injection at VM entry. */
export function deliver(cpu: Processor, event: EventInDelivery): void { throw new Error(`not implemented: ${cpu.id} ${event.vector}`); }
