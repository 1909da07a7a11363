/** Exception breakpoints: which architectural events can stop the machine, and by which fields a condition can choose among them. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { VECTORS } from '../emulator/cpu/events.js';
import type { Machine } from '../emulator/machine/contract.js';
import type { StopCondition } from '../emulator/observe/conditions.js';
import type { TrapEvent, TrapKind } from '../emulator/cpu/trap-events.js';
import { EXIT_REASON_NUMBERS } from '../emulator/vmx/exit-reasons.js';
import { compileCondition, type EventTasks } from './event-conditions.js';
import { ExpressionError } from './expressions/expression-error.js';

interface Filter {
  readonly filter: string;
  readonly label: string;
  readonly description: string;
  readonly kind: TrapKind;
  /** As in 'a page fault has no field …'. */
  readonly event: string;
  readonly fields: readonly string[];
  readonly example: string;
  readonly only?: (event: TrapEvent) => boolean;
  readonly default?: boolean;
}

const EXCEPTION_FIELDS = ['vector', 'error', 'cr2', 'rip'];
const EXIT_FIELDS = ['reason', 'qualification', 'gpa', 'gla', 'length', 'intr_info', 'instruction', 'rip'];
const HYPERCALL_FIELDS = ['nr', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'reason', 'rip'];

export const EXCEPTION_FILTERS: readonly Filter[] = [
  { filter: 'vm-exit', label: 'VM exits', description: 'Stops at the first instruction of the hypervisor’s exit handler.', kind: 'VM exit', event: 'a VM exit', fields: EXIT_FIELDS, example: 'reason == CPUID' },
  { filter: 'vm-entry', label: 'VM entries', description: 'Stops at the guest’s first instruction after VMLAUNCH or VMRESUME.', kind: 'VM entry', event: 'a VM entry', fields: ['instruction', 'intr_info', 'vpid', 'rip'], example: 'instruction == "VMLAUNCH"' },
  { filter: 'vm-entry-failure', label: 'VM-entry failures', description: 'Stops when VMLAUNCH or VMRESUME fails, and says which check failed.', kind: 'VM-entry failure', event: 'a VM-entry failure', fields: ['error', 'reason', 'qualification', 'rip'], example: 'error == 7' },
  { filter: 'hypercall', label: 'Hypercalls', description: 'Stops when a guest executes VMCALL; nr is its RAX.', kind: 'hypercall', event: 'a hypercall', fields: HYPERCALL_FIELDS, example: 'nr == 5' },
  { filter: 'page-fault', label: 'Page faults', description: 'Stops before a page fault is delivered.', kind: 'exception', event: 'a page fault', fields: EXCEPTION_FIELDS, example: 'error & 2 && cr2 in 0x1000..0x2000', only: ({ fields }) => fields['vector'] === VECTORS['#PF'] },
  { filter: 'exception', label: 'Exceptions', description: 'Stops before any exception is delivered.', kind: 'exception', event: 'an exception', fields: EXCEPTION_FIELDS, example: 'vector == #GP' },
  { filter: 'interrupt', label: 'Interrupts', description: 'Stops before an external interrupt or NMI is delivered.', kind: 'interrupt', event: 'an interrupt', fields: ['vector', 'rip'], example: 'vector == 0x20' },
  { filter: 'ept-violation', label: 'EPT violations', description: 'Stops after a VM exit that an access without the EPT’s permission caused.', kind: 'VM exit', event: 'an EPT violation', fields: EXIT_FIELDS, example: 'gpa >= 0xfee00000', only: ({ fields }) => fields['reason'] === EXIT_REASON_NUMBERS.EPT_VIOLATION },
  { filter: 'ept-misconfiguration', label: 'EPT misconfigurations', description: 'Stops after a VM exit that a malformed EPT entry caused.', kind: 'VM exit', event: 'an EPT misconfiguration', fields: EXIT_FIELDS, example: 'gpa < 0x100000', only: ({ fields }) => fields['reason'] === EXIT_REASON_NUMBERS.EPT_MISCONFIGURATION },
  { filter: 'stale-translation', label: 'Stale translations', description: 'Stops when an access uses a TLB entry that no longer matches the paging structures: an invalidation is missing.', kind: 'stale translation', event: 'a stale translation', fields: ['linear', 'physical', 'rip'], example: 'linear >= 0x400000' },
  { filter: 'triple-fault', label: 'Triple faults', description: 'Stops with an autopsy when the processor shuts down.', kind: 'triple fault', event: 'a triple fault', fields: EXCEPTION_FIELDS, example: 'vector == #GP', default: true },
];

export const exceptionBreakpointsFilters: DebugProtocol.ExceptionBreakpointsFilter[] = EXCEPTION_FILTERS.map(({ filter, label, description, example, fields, ...rest }) => ({
  filter,
  label,
  description,
  default: rest.default ?? false,
  supportsCondition: true,
  conditionDescription: `For example: ${example}. Fields: ${fields.join(', ')}.`,
}));

interface ActiveFilter {
  readonly filter: Filter;
  readonly condition: StopCondition;
}

/** The filters that are switched on, as stop conditions of the machine. */
export class ExceptionBreakpoints {
  private active: readonly ActiveFilter[] = [];
  private machine: Machine | undefined;
  private tasks: EventTasks | undefined;

  /** Answers one breakpoint for each filter asked for, in their order. */
  set(asked: readonly DebugProtocol.ExceptionFilterOptions[]): DebugProtocol.Breakpoint[] {
    const active: ActiveFilter[] = [];
    const answer = asked.map(({ filterId, condition }) => {
      const filter = EXCEPTION_FILTERS.find((each) => each.filter === filterId);
      if (!filter) return { verified: false, message: `There is no filter "${filterId}": there are ${EXCEPTION_FILTERS.map((each) => each.filter).join(', ')}.` };
      try {
        active.push({ filter, condition: { kind: filter.kind, test: testOf(filter, condition, this.tasks) } });
        return { verified: true };
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        return { verified: false, message: `The condition "${condition}" of ${filter.label} is wrong: ${error.message}.` };
      }
    });
    this.replace(active);
    return answer;
  }

  /** From now on they act on this machine. */
  attach(machine: Machine, tasks: EventTasks): void {
    this.machine = machine;
    this.tasks = tasks;
    this.replace(this.active);
  }

  /** The filters that want the machine to stop here. */
  wanting(event: TrapEvent): Filter[] {
    return this.active.filter(({ condition }) => condition.kind === event.kind && condition.test!(event)).map(({ filter }) => filter);
  }

  get wantsTripleFaults(): boolean {
    return this.active.some(({ filter }) => filter.kind === 'triple fault');
  }

  private replace(active: readonly ActiveFilter[]): void {
    const { machine } = this;
    for (const { condition } of this.active) machine?.conditions.delete(condition);
    this.active = active;
    for (const { condition } of active) machine?.conditions.add(condition);
    const watchesStale = active.some(({ filter }) => filter.kind === 'stale translation');
    for (const cpu of machine?.processors ?? []) cpu.mmu.watchStale(watchesStale);
  }
}

function testOf({ only, event, fields }: Filter, condition: string | undefined, tasks: EventTasks | undefined): (event: TrapEvent) => boolean {
  const chosen = condition === undefined || condition.trim() === '' ? undefined : compileCondition(condition, event, fields, tasks);
  return (happened) => (only?.(happened) ?? true) && (chosen?.(happened) ?? true);
}
