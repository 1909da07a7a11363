/** A rule of VM entry as data: its sentence is the diagnosis, the panel's text and the test's title. */
import { MAP } from '../../cpu/layout.js';
import type { Processor } from '../../cpu/processor.js';
import { MAXPHYADDR } from '../../paging/capabilities.js';
import { PROCESSOR } from '../controls.js';
import type { FieldName } from '../vmcs-fields.js';
import { slot, type Slot, type Vmcs } from '../vmcs.js';

export interface Check {
  /** The rule, in the manual's terms. */
  readonly says: string;
  /** The fields that it reads, the one that is wrong first. */
  readonly fields: readonly FieldName[];
  /** It depends on memory or on the processor's mode as well: it is evaluated again at every entry where that can matter. */
  readonly always?: boolean;
  /** Exit qualification of the VM-entry failure, where that is not 0. */
  readonly qualification?: number;
  holds(v: EntryView): boolean;
}

export const check = (says: string, fields: readonly FieldName[], holds: Check['holds'], more: Pick<Check, 'always' | 'qualification'> = {}): Check =>
  ({ says, fields, holds, ...more });

/** If the condition, then the consequence. */
export const whenever = (condition: boolean, consequence: boolean): boolean => !condition || consequence;

const SLOTS = new Map<FieldName, Slot>();
function slotOf(name: FieldName): Slot {
  let at = SLOTS.get(name);
  if (at === undefined) SLOTS.set(name, (at = slot(name)));
  return at;
}

/** What the rows see: fields by name, controls as questions. */
export class EntryView {
  constructor(readonly cpu: Processor, readonly vmcs: Vmcs, readonly vmcsPointer: number) {}

  low(name: FieldName): number { return this.vmcs.low(slotOf(name)); }
  high(name: FieldName): number { return this.vmcs.high(slotOf(name)); }
  unsigned(name: FieldName): number { return this.high(name) * 2 ** 32 + this.low(name); }
  bit(name: FieldName, n: number): boolean { return ((this.low(name) >>> n) & 1) !== 0; }

  pin(mask: number): boolean { return (this.low('pin-based VM-execution controls') & mask) !== 0; }
  primary(mask: number): boolean { return (this.low('primary processor-based VM-execution controls') & mask) !== 0; }
  /** All zeros unless the primary controls activate them. */
  secondary(mask: number): boolean {
    return this.primary(PROCESSOR['activate secondary controls']) && (this.low('secondary processor-based VM-execution controls') & mask) !== 0;
  }
  exit(mask: number): boolean { return (this.low('primary VM-exit controls') & mask) !== 0; }
  entry(mask: number): boolean { return (this.low('VM-entry controls') & mask) !== 0; }

  /** Four bytes of memory. Checks change nothing, so they ask no device: where there is no memory the bus floats. */
  wordAt(physical: number): number { return physical + 4 <= this.cpu.guestBytes ? this.cpu.u32[(MAP.guestMemory + physical) >> 2]! : 0xffff_ffff; }

  canonical(name: FieldName): boolean {
    const top = this.high(name) >> 15;
    return top === 0 || top === -1;
  }
  /** The 4-KByte alignment and the width of a physical address. */
  pageAligned(name: FieldName): boolean { return (this.low(name) & 0xfff) === 0; }
  withinPhysicalWidth(name: FieldName): boolean { return this.high(name) >>> (MAXPHYADDR - 32) === 0; }
}

export const PIN_FIELD = 'pin-based VM-execution controls', PRIMARY_FIELD = 'primary processor-based VM-execution controls',
  SECONDARY_FIELD = 'secondary processor-based VM-execution controls', EXIT_FIELD = 'primary VM-exit controls', ENTRY_FIELD = 'VM-entry controls';
/** What a question about a secondary control reads. */
export const SECONDARY_FIELDS = [SECONDARY_FIELD, PRIMARY_FIELD] as const;

/** PA, WB, WP, WT, UC or UC- in each byte. SDM Vol. 3, "IA32_PAT MSR". */
export function validPat(low: number, high: number): boolean {
  for (let i = 0; i < 8; i++) {
    const type = ((i < 4 ? low : high) >>> (8 * (i & 3))) & 0xff;
    if (type > 7 || type === 2 || type === 3) return false;
  }
  return true;
}

export const EFER_LME = 1 << 8, EFER_LMA = 1 << 10;
/** SCE, LME, LMA, NXE. */
const EFER_BITS = 0xd01;
export const validEfer = (low: number, high: number): boolean => high === 0 && (low & ~EFER_BITS) === 0;
