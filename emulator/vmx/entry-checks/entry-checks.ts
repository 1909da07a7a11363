/** All checks of VM entry in the manual's order. SDM Vol. 3C, "VM Entries". */
import type { Processor } from '../../cpu/processor.js';
import { S } from '../../cpu/layout.js';
import { currentVmcs, PART, partsOf, type Vmcs } from '../vmcs.js';
import { EntryView, type Check } from './check.js';
import { comparesTaskPriority, VM_ENTRY_CONTROL_CHECKS, VM_EXECUTION_CONTROL_CHECKS, VM_EXIT_CONTROL_CHECKS } from './control-fields.js';
import { dependsOnMemory, GUEST_NON_REGISTER_CHECKS, GUEST_PDPTE_CHECKS } from './guest-non-register.js';
import { GUEST_CONTROL_REGISTER_CHECKS, GUEST_DESCRIPTOR_TABLE_CHECKS, GUEST_RIP_AND_RFLAGS_CHECKS } from './guest-registers.js';
import { GUEST_SEGMENT_CHECKS } from './guest-segments.js';
import { HOST_STATE_CHECKS } from './host-state.js';

/** Where a failing row leads: VMfailValid with error 7 or 8, or a VM-entry failure with exit reason 33. */
export type Outcome = 'invalid control fields' | 'invalid host-state fields' | 'invalid guest state';

export interface Section {
  readonly title: string;
  readonly outcome: Outcome;
  readonly checks: readonly Check[];
  /** Of RFLAGS, only the VM flag matters. */
  readonly onlyVmFlag?: boolean;
}

export const SECTIONS: readonly Section[] = [
  { title: 'VM-Execution Control Fields', outcome: 'invalid control fields', checks: VM_EXECUTION_CONTROL_CHECKS },
  { title: 'VM-Exit Control Fields', outcome: 'invalid control fields', checks: VM_EXIT_CONTROL_CHECKS },
  { title: 'VM-Entry Control Fields', outcome: 'invalid control fields', checks: VM_ENTRY_CONTROL_CHECKS },
  { title: 'Host-State Area', outcome: 'invalid host-state fields', checks: HOST_STATE_CHECKS },
  { title: 'Guest Control Registers, Debug Registers, and MSRs', outcome: 'invalid guest state', checks: GUEST_CONTROL_REGISTER_CHECKS },
  { title: 'Guest Segment Registers', outcome: 'invalid guest state', checks: GUEST_SEGMENT_CHECKS, onlyVmFlag: true },
  { title: 'Guest Descriptor-Table Registers', outcome: 'invalid guest state', checks: GUEST_DESCRIPTOR_TABLE_CHECKS },
  { title: 'Guest RIP and RFLAGS', outcome: 'invalid guest state', checks: GUEST_RIP_AND_RFLAGS_CHECKS },
  { title: 'Guest Non-Register State', outcome: 'invalid guest state', checks: GUEST_NON_REGISTER_CHECKS },
  { title: 'Guest Page-Directory-Pointer-Table Entries', outcome: 'invalid guest state', checks: GUEST_PDPTE_CHECKS },
];

export interface Failure { readonly check: Check; readonly section: Section }

interface Row extends Failure { readonly parts: number }
const ROWS: readonly Row[] = SECTIONS.flatMap((section) => section.checks.map((check) => {
  const parts = partsOf(section.onlyVmFlag ? check.fields.filter((name) => name !== 'guest RFLAGS') : check.fields);
  return { check, section, parts: parts | (section.onlyVmFlag && check.fields.includes('guest RFLAGS') ? PART['VM flag'] : 0) | (check.always ? PART.outside : 0) };
}));

/** Rows to be evaluated when these parts changed, for every combination that has occurred. */
const TO_EVALUATE = new Map<number, readonly Row[]>();
function rowsFor(dirty: number): readonly Row[] {
  let rows = TO_EVALUATE.get(dirty);
  if (!rows) TO_EVALUATE.set(dirty, (rows = ROWS.filter(({ parts }) => (parts & dirty) !== 0)));
  return rows;
}

/**
 * The first rule in the manual's order that does not hold. Rows whose fields have not changed since all rows held are
 * not evaluated again: they hold.
 */
export function firstFailure(cpu: Processor, vmcs: Vmcs): Failure | undefined {
  const parts = cpu.longMode ? vmcs.dirty : vmcs.dirty | PART.outside;
  if (parts === 0) return undefined;
  const view = new EntryView(cpu, vmcs, cpu.unsigned(S.currentVmcs));
  for (const row of rowsFor(parts)) if (!row.check.holds(view)) return row;
  vmcs.dirty = !cpu.longMode || dependsOnMemory(view) || comparesTaskPriority(view) ? PART.outside : 0;
  return undefined;
}

/** Every rule that does not hold, for the ledger and the panel. */
export function allFailures(cpu: Processor, vmcs: Vmcs = currentVmcs(cpu)): Failure[] {
  const view = new EntryView(cpu, vmcs, cpu.unsigned(S.currentVmcs));
  return ROWS.filter(({ check }) => !check.holds(view));
}
