import { DELIVERY, type InterruptMessage } from './interrupt-message.js';
import type { LocalApic, Shorthand } from './local-apic.js';

/** The system bus as interrupt messages use it: who is meant, and who takes what only one shall take. SDM Vol. 3, "Handling Interrupts". */
export class ApicBus {
  readonly apics: LocalApic[] = [];

  /** A message of an I/O APIC, of a device, or of `sender` by its ICR. */
  send(message: InterruptMessage, shorthand: Shorthand = 'none', sender?: LocalApic): void {
    const meant = this.apics.filter((apic) => {
      switch (shorthand) {
        case 'none': return apic.isDestination(message);
        case 'self': return apic === sender;
        case 'all including self': return true;
        case 'all excluding self': return apic !== sender;
      }
    });
    const takers = message.delivery === DELIVERY.lowestPriority ? lowestPriority(meant) : meant;
    for (const apic of takers) apic.accept(message.delivery, message.vector, message.level);
  }
}

/** SDM Vol. 3, "Lowest Priority Delivery Mode": here the lowest processor priority, the first among equals. */
function lowestPriority(meant: readonly LocalApic[]): readonly LocalApic[] {
  const ready = meant.filter((apic) => apic.acceptsFixed);
  const lowest = Math.min(...ready.map((apic) => apic.processorPriority));
  return ready.filter((apic) => apic.processorPriority === lowest).slice(0, 1);
}
