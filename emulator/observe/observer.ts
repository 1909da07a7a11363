/** Where a processor's events arrive: recorded in the trap ledger, then judged by the stop conditions. */
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { NON_ROOT, worldNumber } from '../vmx/state.js';
import type { StopConditions } from './conditions.js';
import { FIELDS_OF, type Observer, type Sentence, TRAP, type TrapEvent } from '../cpu/trap-events.js';
import type { TrapLedger } from './ledger.js';

/** Where an event tells its RIP itself; -1: it happened at that of the processor. */
const RIP_PLACE = Int8Array.from(FIELDS_OF, (names) => names.indexOf('rip'));
/** Kinds that stop before delivery, and kinds that come from the guest. */
const { exception: EXCEPTION, interrupt: INTERRUPT, hypercall: HYPERCALL, 'VM exit': VM_EXIT } = TRAP;
const GENERAL_REGISTERS_BYTES = 16 * 8;

export class ProcessorObserver implements Observer {
  /** The event for which the machine stops; whoever stops it takes it. */
  stoppedBy: TrapEvent | undefined;
  /** Stopped before its delivery: met again when the machine goes on, and then neither recorded nor judged a second time. */
  private awaited: TrapEvent | undefined;

  constructor(
    private readonly cpu: Processor,
    private readonly ledger: TrapLedger,
    private readonly conditions: StopConditions,
    private readonly instructions: () => number,
  ) {}

  raise(kind: number, values: ArrayLike<number>, says: Sentence): boolean {
    const { cpu } = this;
    const at = this.instructions();
    const awaited = this.awaited;
    if (awaited !== undefined) this.await(undefined);
    if (awaited !== undefined && TRAP[awaited.kind] === kind && awaited.at === at && awaited.rip === cpu.rip && awaited.fields['vector'] === values[0]) return false;

    const fromGuest = kind === VM_EXIT || kind === HYPERCALL;
    if (kind === VM_EXIT) {
      cpu.u8.copyWithin(S.guestRegisters, S.gpr, S.gpr + GENERAL_REGISTERS_BYTES);
      cpu.setNumber(S.guestVmcs, cpu.unsigned(S.currentVmcs));
    }
    const place = RIP_PLACE[kind]!, given = place < 0 ? undefined : values[place];
    this.ledger.record(kind, at, cpu.id, given ?? cpu.rip, fromGuest ? NON_ROOT : worldNumber(cpu), values, says);
    if (!this.conditions.concern(kind)) return false;
    const event = this.ledger.last!;
    if (!this.conditions.judge(event)) return false;
    this.stoppedBy = event;
    if (kind === EXCEPTION || kind === INTERRUPT) this.await(event);
    return true;
  }

  private await(event: TrapEvent | undefined): void {
    this.awaited = event;
    this.conditions.await(this, event && TRAP[event.kind]);
  }

  /** After reset or restore nothing of before is awaited. */
  clear(): void {
    this.stoppedBy = undefined;
    this.await(undefined);
  }
}
