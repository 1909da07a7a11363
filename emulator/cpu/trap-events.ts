/** Architectural events, raised in one place each and recorded by the trap ledger. Addresses are numbers; see cpu/processor.ts. */
export type TrapKind =
  | 'VM exit' | 'VM entry' | 'VM-entry failure' | 'hypercall' | 'exception' | 'interrupt' | 'triple fault' | 'TLB flush' | 'stale translation' | 'halt';

/** What each kind tells, by the names that conditions use, in the order in which it is raised; an event may leave some out. */
export const FIELDS: Readonly<Record<TrapKind, readonly string[]>> = {
  'VM exit': ['reason', 'qualification', 'gpa', 'gla', 'length', 'intr_info', 'instruction'],
  'VM entry': ['instruction', 'intr_info', 'vpid'],
  'VM-entry failure': ['error', 'reason', 'qualification', 'gpa', 'gla', 'length', 'intr_info', 'instruction'],
  hypercall: ['nr', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'reason'],
  exception: ['vector', 'error', 'cr2', 'rip'],
  interrupt: ['vector', 'rip'],
  'triple fault': ['vector', 'error', 'cr2', 'rip', 'indicator'],
  'TLB flush': ['instruction', 'type', 'pcid', 'vpid', 'eptp', 'gla'],
  'stale translation': ['linear', 'physical'],
  halt: ['rip'],
};

export interface TrapEvent {
  readonly kind: TrapKind;
  /** Instructions retired before it, by all processors. */
  at: number;
  cpu: number;
  /** Offset in the code segment where it happened, and the world it happened in. */
  rip: number;
  world: 'root' | 'non-root' | 'no VMX';
  readonly fields: Readonly<Record<string, number | string>>;
  /** One sentence: what happened and why (the control bit, bitmap bit or entry that caused it). Called only when somebody looks. */
  readonly says: () => string;
}

/** Values of FIELDS; undefined, or missing at the end: left out. */
export type FieldValues = readonly (number | string | undefined)[];
export const fieldsOf = (kind: TrapKind, values: FieldValues): TrapEvent['fields'] =>
  Object.fromEntries(FIELDS[kind].flatMap((name, i) => (values[i] === undefined ? [] : [[name, values[i]]])));

/** The sentence of an event. One that is made of the event alone, and captures nothing, costs nothing to keep. */
export type Sentence = (event: Pick<TrapEvent, 'rip' | 'fields'>) => string;

export interface Observer {
  /**
   * Records the event and asks the stop conditions. Returns true when the machine is to stop: before delivery for an
   * exception or an interrupt (the instruction is not executed and will be met again), right after it for the others.
   */
  raise(kind: TrapKind, values: FieldValues, says: Sentence): boolean;
}
