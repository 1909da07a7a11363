/** Architectural events, raised in one place each and recorded by the trap ledger. Addresses are numbers; see cpu/processor.ts. */
export type TrapKind =
  | 'VM exit' | 'VM entry' | 'VM-entry failure' | 'hypercall' | 'exception' | 'interrupt' | 'triple fault' | 'TLB flush' | 'stale translation' | 'halt';

export interface TrapEvent {
  readonly kind: TrapKind;
  /** Instructions retired before it, by all processors. */
  at: number;
  cpu: number;
  /** Offset in the code segment where it happened, and the world it happened in. */
  rip: number;
  world: 'root' | 'non-root' | 'no VMX';
  /** Fields by the names that conditions use: vector, error, cr2, reason, qualification, gpa, gla, nr, instruction… */
  readonly fields: Readonly<Record<string, number | string>>;
  /** One sentence: what happened and why (the control bit, bitmap bit or entry that caused it). Called only when somebody looks. */
  readonly says: () => string;
}

export interface Observer {
  /**
   * Records the event and asks the stop conditions. Returns true when the machine is to stop: before delivery for an
   * exception or an interrupt (the instruction is not executed and will be met again), right after it for the others.
   */
  raise(kind: TrapKind, fields: TrapEvent['fields'], says: () => string): boolean;
}
