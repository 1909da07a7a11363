/**
 * Interrupts from end to end: what came to the processor, its end, what the hypervisor made of it for its guest, and the end of that. SDM Vol. 3C,
 * "Event Injection", "APIC Virtualization and Virtual Interrupts".
 */
import { WORLDS } from '../vmx/state.js';
import { EXIT_REASON_NUMBERS } from '../vmx/exit-reasons.js';
import type { TrapEvent } from '../cpu/trap-events.js';
import type { LedgerRow, TrapLedger } from './ledger.js';

const [, , NON_ROOT] = WORLDS;
const VALID = 0x8000_0000, TYPE = 7 << 8, EXTERNAL_INTERRUPT = 0;

type Role = 'arrives' | 'ends the guest’s run' | 'is injected' | 'is delivered to the guest' | 'is over' | 'is over for the guest';
interface Part {
  readonly role: Role;
  /** Undefined where the interrupt has not been acknowledged yet. */
  readonly vector: number | undefined;
}
export interface ThreadEvent extends LedgerRow {
  readonly role: Role;
}

/** The vector in interruption information that is about an external interrupt. */
function externalVector(information: number | string | undefined): number | undefined {
  const bits = Number(information ?? 0) >>> 0;
  return bits >= VALID && (bits & TYPE) === EXTERNAL_INTERRUPT ? bits & 0xff : undefined;
}

function partOf({ kind, world, fields }: TrapEvent): Part | undefined {
  const inGuest = world === NON_ROOT, vector = Number(fields['vector']);
  switch (kind) {
    case 'VM exit': return fields['reason'] === EXIT_REASON_NUMBERS.EXTERNAL_INTERRUPT ? { role: 'ends the guest’s run', vector: externalVector(fields['intr_info']) } : undefined;
    case 'VM entry': {
      const injected = externalVector(fields['intr_info']);
      return injected === undefined ? undefined : { role: 'is injected', vector: injected };
    }
    case 'interrupt': return { role: inGuest ? 'is delivered to the guest' : 'arrives', vector };
    case 'EOI': return { role: inGuest ? 'is over for the guest' : 'is over', vector };
    default: return undefined;
  }
}

/** From the oldest interrupt that the ledger still holds. Each begins with what came to the processor, or, when nothing did, with what came to the guest. */
export function interruptThreads(ledger: TrapLedger): ThreadEvent[][] {
  const threads: ThreadEvent[][] = [];
  /** By processor: threads that wait for the end of a vector, of the host's and of the guest's; and the last one, from which the guest has got nothing yet. */
  const open = new Map<string, ThreadEvent[]>(), last = new Map<number, ThreadEvent[] | undefined>();
  const begin = (event: ThreadEvent): ThreadEvent[] => {
    const thread = [event];
    threads.push(thread);
    return thread;
  };
  for (let number = ledger.oldest; number < ledger.total; number++) {
    const event = ledger.at(number)!, part = partOf(event);
    if (part === undefined) continue;
    const { cpu } = event, { role, vector } = part, found = { number, event, role };
    switch (role) {
      case 'ends the guest’s run':
      case 'arrives': {
        // Without "acknowledge interrupt on exit" the hypervisor is interrupted next.
        const before = last.get(cpu), continues = role === 'arrives' && before?.at(-1)!.role === 'ends the guest’s run' && partOf(before.at(-1)!.event)!.vector === undefined;
        const thread = continues ? before : begin(found);
        if (continues) thread.push(found);
        last.set(cpu, thread);
        if (vector !== undefined) open.set(`${cpu} host ${vector}`, thread);
        break;
      }
      case 'is injected':
      case 'is delivered to the guest': {
        const cause = last.get(cpu), thread = cause ?? begin(found);
        if (cause) cause.push(found);
        last.set(cpu, undefined);
        open.set(`${cpu} guest ${vector!}`, thread);
        break;
      }
      case 'is over':
      case 'is over for the guest': {
        const key = `${cpu} ${role === 'is over' ? 'host' : 'guest'} ${vector!}`;
        open.get(key)?.push(found);
        open.delete(key);
      }
    }
  }
  return threads;
}
