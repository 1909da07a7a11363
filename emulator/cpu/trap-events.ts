/** Architectural events, raised in one place each and recorded by the trap ledger. Addresses are numbers; see cpu/processor.ts. */
/** What each kind tells, by the names that conditions use, in the order in which it is raised; an event may leave some out at the end, or by NONE. */
const FIELDS = {
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
  /** The interrupt that a local APIC, or the virtual one of a guest, had in service is over. */
  EOI: ['vector'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type TrapKind = keyof typeof FIELDS;

/** The kinds as small numbers: events are raised a million times a second. */
export const TRAP_KINDS = Object.keys(FIELDS) as readonly TrapKind[];
export const TRAP = Object.fromEntries(TRAP_KINDS.map((kind, number) => [kind, number])) as { readonly [K in TrapKind]: number };
export const FIELDS_OF: readonly (readonly string[])[] = Object.values(FIELDS);
/** Kinds whose first field is the name of an instruction: raised as its number among these. */
const NAMED: ReadonlySet<TrapKind> = new Set<TrapKind>(['VM entry', 'TLB flush']);
const INSTRUCTION_NAMES = ['VMLAUNCH', 'VMRESUME', 'flush', 'INVLPG', 'MOV to CR3', 'INVPCID', 'INVEPT', 'INVVPID'] as const;
export const named = (name: (typeof INSTRUCTION_NAMES)[number]): number => INSTRUCTION_NAMES.indexOf(name);

/** A field that is left out. */
export const NONE = NaN;
/** Fields by name. */
export function fieldsOf(kind: number, value: (place: number) => number | undefined): TrapEvent['fields'] {
  const fields: Record<string, number | string> = {};
  FIELDS_OF[kind]!.forEach((name, place) => {
    const given = value(place);
    if (given !== undefined && !Number.isNaN(given)) fields[name] = place === 0 && NAMED.has(TRAP_KINDS[kind]!) ? INSTRUCTION_NAMES[given]! : given;
  });
  return fields;
}

export const EOI_SAYS: Sentence = ({ fields }) => `End of interrupt: vector ${fields['vector']} has been serviced.`;

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

/** The sentence of an event. One that is made of the event alone, and captures nothing, costs nothing to keep. */
/** `values`: all that were recorded with it. */
export type Sentence = (event: Pick<TrapEvent, 'rip' | 'fields'>, values?: ArrayLike<number>) => string;

export interface Observer {
  /**
   * Records the event (its number in TRAP, its fields in their order) and asks the stop conditions. Returns true when the machine is to stop: before delivery for an
   * exception or an interrupt (the instruction is not executed and will be met again), right after it for the others.
   */
  raise(kind: number, values: ArrayLike<number>, says: Sentence): boolean;
}
