/** Instructions that an event interrupted before they were done: they come again, and that is not a second arrival. */
import { VECTORS } from '../emulator/cpu/events.js';
import { S } from '../emulator/cpu/layout.js';
import type { TrapEvent } from '../emulator/cpu/trap-events.js';
import { EXIT_REASON_NUMBERS } from '../emulator/vmx/exit-reasons.js';
import type { Processor } from '../emulator/cpu/processor.js';
import { placeOf, sameWorld, type Place } from './place.js';

/** VM exits that the guest's instruction caused, but did not ask for: a step by line does not follow them into the hypervisor. */
export const UNASKED_EXITS: ReadonlySet<number> = new Set([
  EXIT_REASON_NUMBERS.EXCEPTION_OR_NMI, EXIT_REASON_NUMBERS.EPT_VIOLATION, EXIT_REASON_NUMBERS.EPT_MISCONFIGURATION, EXIT_REASON_NUMBERS.PAGE_MODIFICATION_LOG_FULL,
]);
/** VM exits that have nothing to do with the guest's instruction: no step follows them. */
export const ASYNCHRONOUS_EXITS: ReadonlySet<number> = new Set([
  EXIT_REASON_NUMBERS.EXTERNAL_INTERRUPT, EXIT_REASON_NUMBERS.INIT_SIGNAL, EXIT_REASON_NUMBERS.INTERRUPT_WINDOW, EXIT_REASON_NUMBERS.NMI_WINDOW, EXIT_REASON_NUMBERS.MONITOR_TRAP_FLAG,
  EXIT_REASON_NUMBERS.VMX_PREEMPTION_TIMER_EXPIRED, EXIT_REASON_NUMBERS.TPR_BELOW_THRESHOLD,
]);
/** Exceptions that report what has been done. */
const TRAPS: ReadonlySet<number> = new Set([VECTORS['#DB'], VECTORS['#BP'], VECTORS['#OF']]);

/** Whether the instruction before which it came will be met again when it has been dealt with. */
function comesBefore({ kind, fields }: TrapEvent): boolean {
  if (kind === 'interrupt') return true;
  if (kind === 'exception') return !TRAPS.has(Number(fields['vector']));
  return kind === 'VM exit' && (UNASKED_EXITS.has(Number(fields['reason'])) || ASYNCHRONOUS_EXITS.has(Number(fields['reason'])));
}

const GENERAL_REGISTERS = 16;

/** A place from which the processor was called away, with the registers by which it is known again. */
export class Retry {
  private readonly place: Place;
  private readonly registers: BigUint64Array;

  constructor(private readonly cpu: Processor) {
    this.place = placeOf(cpu);
    this.registers = this.present();
  }

  /** `events`: those of a step that did not complete the instruction. One that had stopped the machine before is not recorded again. */
  wasCalledAway(events: readonly TrapEvent[]): boolean {
    if (events.length === 0) return placeOf(this.cpu).rip !== this.place.rip;
    return events.some((event) => event.cpu === this.cpu.id && comesBefore(event));
  }

  isBack(): boolean {
    const now = placeOf(this.cpu);
    if (now.rip !== this.place.rip || now.stack !== this.place.stack || !sameWorld(now, this.place)) return false;
    const registers = this.present();
    return this.registers.every((value, index) => value === registers[index]);
  }

  private present(): BigUint64Array {
    const first = S.gpr >> 3;
    return this.cpu.u64.slice(first, first + GENERAL_REGISTERS);
  }
}
